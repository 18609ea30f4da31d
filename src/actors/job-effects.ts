/**
 * What a job asks for in the world: submit, poll, fetch, cancel, each as one bounded piece of I/O.
 *
 * Owns: artifact URLs, in memory alone. Callers: jobs.ts gives these to the chart as its actors.
 * Invariants:
 *  E1  `submit` makes one POST at most, and none when the job was cancelled before it went out.
 *  E2  Nothing that is returned holds a URL with its query, or a key.
 *  E3  Trouble of the account never reaches the chart: the effect waits its turn again (Accounts.judge).
 */
import { join } from 'node:path';
import type { Clock } from '../clock.js';
import { HoldfastError, isHoldfastError } from '../errors.js';
import { limits } from '../limits.js';
import type { Logger } from '../log.js';
import { isUnwanted } from '../machines/index.js';
import type {
  CancelAnswer,
  FetchAnswer,
  FetchInput,
  JobArtifact,
  JobContext,
  JobFault,
  JobRef,
  PollAnswer,
  PollInput,
  SubmitAnswer,
  SubmitInput,
  RemoteTaskInput,
} from '../machines/index.js';
import { download, pollTask, receiveInline, redactUrl, submitTask } from '../providers/index.js';
import type { ArtifactSource, DownloadOutcome, PollOutcome, ProviderAdapter } from '../providers/index.js';
import type { ProviderRequest, TaskRef, Transport, UrlSource } from '../providers/index.js';
import type { Accounts } from './accounts.js';
import type { ArtifactFiles } from './artifact-files.js';
import type { ArtifactParts } from './artifact-parts.js';
import type { Callbacks } from './callbacks.js';
import { jobIndexes } from './job-index.js';
import { payloadOfStep, requestFor } from './job-input.js';
import type { Kernel } from './kernel/index.js';
import type { ProviderBook } from './provider-book.js';
import type { Vault } from './vault.js';

export interface JobEffectsOptions {
  readonly kernel: Kernel;
  readonly providers: ProviderBook;
  readonly accounts: Accounts;
  readonly transport: Transport;
  readonly vault: Vault;
  readonly callbacks: Callbacks;
  readonly clock: Clock;
  readonly files: ArtifactFiles;
  readonly parts: ArtifactParts;
  readonly log: Logger;
}

/** What every effect is called with. */
export interface EffectCall<Input> {
  readonly address: string;
  readonly input: Input;
  readonly signal: AbortSignal;
}

export class JobEffects {
  readonly #options: JobEffectsOptions;
  /**
   * What the last poll of a job said of its artifacts, so that its fetch need not ask again. Oldest go first.
   */
  readonly #sources = new Map<string, readonly ArtifactSource[]>();

  constructor(options: JobEffectsOptions) {
    this.#options = options;
  }

  async submit({ address, input, signal }: EffectCall<SubmitInput>): Promise<SubmitAnswer> {
    const { kernel, providers, accounts, transport, vault, callbacks } = this.#options;
    const adapter = providers.get(input.provider);
    if (adapter === undefined) return { type: 'blocked', error: unregistered(input.provider) };
    if (await this.#isUnwanted(address)) return { type: 'withdrawn' };
    // Somebody else can be asked instead of waiting.
    const held = input.chained === true ? await accounts.held(input) : undefined;
    if (held !== undefined) return held;
    const request = await this.request(address);
    const context = await callbacks.contextOf(adapter, jobIdOf(address));
    const { credential } = input;
    const outcome = await submitTask(transport, adapter, { request, context, credential, signal });
    // Cancelled meanwhile and known not to be accepted: it need not wait for its account to be mended.
    const withdrawn = outcome.type === 'rejected' && (await this.#isUnwanted(address));
    if (outcome.type === 'rejected' && !withdrawn)
      await accounts[input.chained === true ? 'report' : 'judge'](input, outcome.error, 'submits');
    if (outcome.type !== 'accepted') return outcome;
    const { settled } = outcome;
    const ref = await vault.kept(outcome.ref);
    // The chart would take the refused id for a doubt, find its task taken, and pay for another.
    const holder = await kernel.reader.byUnique(jobIndexes.task, [
      input.provider,
      ref.credential,
      ref.taskId,
    ]);
    if (holder !== undefined && holder !== address) return { type: 'billed', error: followed(holder) };
    if (settled === undefined || settled.type === 'transient') return { type: 'accepted', ref };
    return { type: 'accepted', ref, outcome: this.#verdict(address, settled) };
  }

  async #isUnwanted(address: string): Promise<boolean> {
    const actor = await this.#options.kernel.snapshot(address);
    return actor !== undefined && isUnwanted(actor.snapshot);
  }

  async poll({ address, input, signal }: EffectCall<PollInput>): Promise<PollAnswer> {
    const adapter = this.#options.providers.get(input.provider);
    if (adapter === undefined) return { type: 'blocked', error: unregistered(input.provider) };
    const outcome = await this.#ask(adapter, input, signal);
    if (outcome.type === 'transient' || outcome.type === 'blocked') return outcome;
    if (outcome.type === 'pending' && outcome.unknownStatus !== undefined) {
      const { unknownStatus: word } = outcome;
      this.#options.log.warn({ provider: adapter.id, word, address }, 'provider.status.unknown');
    }
    return this.#verdict(address, outcome);
  }

  async fetch({ address, input, signal }: EffectCall<FetchInput>): Promise<FetchAnswer> {
    const adapter = this.#options.providers.get(input.provider);
    if (adapter === undefined) return { type: 'blocked', error: unregistered(input.provider) };
    const { files, parts } = this.#options;
    const fetched = (): Promise<FetchAnswer> =>
      parts.inTurn(address, () => this.#fetch(adapter, { address, input, signal }));
    return files.during(address, fetched, ({ type }) => type === 'done');
  }

  async #fetch(adapter: ProviderAdapter, call: EffectCall<FetchInput>): Promise<FetchAnswer> {
    const { address, input, signal } = call;
    const found = await this.#artifactSources(address, adapter, input, signal);
    if (found.type !== 'done') return found;
    if (found.artifacts.length === 0) return { type: 'transient', error: NOTHING };
    const artifacts: JobArtifact[] = [];
    for (const [index, source] of found.artifacts.entries()) {
      const outcome = await this.#download(adapter, call, source, index);
      if (outcome.type !== 'done') return outcome;
      artifacts.push({
        ...outcome.artifact,
        path: join(this.#options.files.directory, outcome.artifact.path),
      });
    }
    return { type: 'done', artifacts };
  }

  async cancelRemote({ input, signal }: EffectCall<RemoteTaskInput>): Promise<CancelAnswer> {
    const adapter = this.#options.providers.get(input.provider);
    const { transport, vault } = this.#options;
    const ref = await vault.opened(input.ref);
    const request = adapter?.buildCancel?.(ref);
    if (adapter === undefined || request === undefined) return { type: 'unsupported' };
    if (adapter.cancelErases === true) {
      // What is paid for and finished is left where it is, for whoever wants it after all.
      const { type } = await pollTask(transport, adapter, ref, signal);
      if (type !== 'pending') return { type: type === 'done' || type === 'failed' ? 'unsupported' : 'error' };
    }
    const result = await transport.send(adapter, input.ref.credential, request, { signal });
    return { type: result.type === 'response' && result.response.status < 400 ? 'ok' : 'error' };
  }

  /** Where an artifact lies now (see ArtifactFiles). */
  pathOf(path: string): string {
    return this.#options.files.pathOf(path);
  }

  /** The request of a job for its present provider, from its payload rows. */
  async request(address: string): Promise<ProviderRequest> {
    const { kernel } = this.#options;
    const actor = await kernel.snapshot(address);
    const { step = 0 } = (actor?.snapshot.context ?? {}) as Partial<JobContext>;
    const payload = await kernel.reader.payload(address, payloadOfStep(0));
    const own = step === 0 ? payload : await kernel.reader.payload(address, payloadOfStep(step));
    if (payload === undefined || own === undefined)
      throw new HoldfastError('ACTOR_NOT_FOUND', `${address} has no request`);
    // Written by `jobs.submit` after its check, and by nobody else.
    const request = payload as unknown as ProviderRequest;
    return step === 0 ? request : requestFor(request, own as Partial<ProviderRequest>);
  }

  async #ask(
    adapter: ProviderAdapter,
    input: RemoteTaskInput,
    signal: AbortSignal,
  ): Promise<PollOutcome | { readonly type: 'blocked'; readonly error: JobFault }> {
    const { transport } = this.#options;
    const ref = await this.#opened(input.ref);
    if ('type' in ref) return ref;
    const outcome = await pollTask(transport, adapter, ref, signal);
    if (outcome.type === 'transient') {
      await this.#options.accounts.judge(
        { provider: input.provider, credential: ref.credential },
        outcome.error,
      );
    }
    return outcome;
  }

  /** One that another secret sealed waits for a start with that secret: no poll can help it. */
  async #opened(ref: JobRef): Promise<TaskRef | { readonly type: 'blocked'; readonly error: JobFault }> {
    try {
      return await this.#options.vault.opened(ref);
    } catch (error) {
      if (!isHoldfastError(error, 'SECRET_CHANGED')) throw error;
      return { type: 'blocked', error: fault('auth', error.code, error.message) };
    }
  }

  /** What a poll says, without its URLs: they stay here for the fetch that follows. */
  #verdict(
    address: string,
    outcome: Exclude<PollOutcome, { type: 'transient' }>,
  ): Extract<PollAnswer, { type: 'pending' | 'done' | 'failed' }> {
    if (outcome.type !== 'done') return outcome;
    this.remember(address, outcome.artifacts);
    return { type: 'done' };
  }

  forget(address: string): void {
    this.#sources.delete(address);
  }

  /** Where the provider says that the artifacts of a job are: good for the next fetch of it. */
  remember(address: string, artifacts: readonly ArtifactSource[]): void {
    if (!isSmall(artifacts)) return;
    this.#sources.set(address, artifacts);
    const [oldest] = this.#sources.keys();
    if (this.#sources.size > limits.rememberedSourcesMax && oldest !== undefined)
      this.#sources.delete(oldest);
  }

  async #artifactSources(
    address: string,
    adapter: ProviderAdapter,
    input: FetchInput,
    signal: AbortSignal,
  ): Promise<
    | { readonly type: 'done'; readonly artifacts: readonly ArtifactSource[] }
    | Exclude<FetchAnswer, { type: 'done' }>
  > {
    // Good for one fetch: a retry, by itself or by hand, asks the provider anew.
    const remembered = input.fresh ? undefined : this.#sources.get(address);
    this.#sources.delete(address);
    if (remembered !== undefined) return { type: 'done', artifacts: remembered };
    const outcome = await this.#ask(adapter, input, signal);
    switch (outcome.type) {
      case 'done':
        return outcome;
      case 'failed':
        return { type: 'permanent', error: outcome.error };
      case 'pending':
        return {
          type: 'transient',
          error: fault('server', 'not-ready', 'the provider says it is not ready after all'),
        };
      default:
        return outcome;
    }
  }

  async #download(
    adapter: ProviderAdapter,
    { address, input, signal }: EffectCall<FetchInput>,
    source: ArtifactSource,
    index: number,
  ): Promise<DownloadOutcome> {
    const { clock, files, parts } = this.#options;
    const { directory } = files;
    const { kind } = await this.request(address);
    if ('base64' in source) return receiveInline({ source, directory, kind });
    const credential = await adapter.credential(input.ref.credential);
    const part = parts.nameOf(address, index);
    const outcome = await download({ source, adapter, credential, directory, kind, clock, signal, part });
    return outcome.type === 'done' ? outcome : { ...outcome, error: naming(source, outcome.error) };
  }
}

/** The actor an effect belongs to: its id is `<address>/<seq>:<index>`. */
export function addressOfEffect(effectKey: string): string {
  return effectKey.slice(0, effectKey.lastIndexOf('/'));
}

export function jobIdOf(address: string): string {
  return address.slice(address.indexOf('/') + 1);
}

function unregistered(provider: string): JobFault {
  return fault('auth', 'unregistered', `no adapter is registered for "${provider}"`);
}

const NOTHING = fault('server', 'no-artifact', 'the provider says done and names no artifact');

/** What came with the reply is asked for again rather than kept in memory. */
function isSmall(artifacts: readonly ArtifactSource[]): boolean {
  const sizes = artifacts.map((source) => ('url' in source ? source.url.length : Infinity));
  return sizes.reduce((sum, size) => sum + size, 0) <= limits.rememberedSourceBytesMax;
}

/** What could not be downloaded: without it nobody could fetch by hand what is paid for. */
function naming<Fault extends JobFault>(source: UrlSource, error: Fault): Fault {
  const from = redactUrl(source.url);
  return error.message.includes(from) ? error : { ...error, message: `${error.message} (${from})` };
}

function followed(holder: string): JobFault {
  return { ...fault('unusable', 'task-followed', `${holder} follows its task already`), retryable: false };
}

function fault(errorClass: string, code: string, message: string): JobFault {
  return { class: errorClass, code, message, retryable: true };
}
