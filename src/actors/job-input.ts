/**
 * From what a user asks for to what the job chart begins with: the input and the payloads of a new job.
 *
 * Callers: jobs.ts. Invariants:
 *  1  Every provider of a chain is registered and can build its request before anything is written.
 *  2  A request is stored once; a later provider of the chain has its own model and `extra` beside it, or
 *     none: both are words of one provider.
 */
import { HoldfastError } from '../errors.js';
import { sha256Hex, stableId } from '../ids.js';
import { canonicalJson, type Json, type JsonObject } from '../json.js';
import { jobDefaults } from '../machines/index.js';
import type { ChainStep, JobInput } from '../machines/index.js';
import type { JobTimes, ProviderAdapter, ProviderRequest } from '../providers/index.js';
import type { Callbacks } from './callbacks.js';
import type { Deliveries } from './deliveries.js';
import { laneOf } from './job-pools.js';
import { labelOf, providerRequest } from './job-request.js';
import type { CheckedSubmit, CheckedTrack } from './job-request.js';
import type { JobOptions } from './jobs.js';
import type { ProviderBook } from './provider-book.js';

export interface JobInputOptions {
  readonly deliveries: Pick<Deliveries, 'policyOf'>;
  readonly callbacks: Callbacks;
  readonly defaults: JobOptions;
  readonly sessionAttemptsMax?: number | undefined;
}

/** One provider that may be asked, and what it is asked for. */
export interface Attempt {
  readonly adapter: ProviderAdapter;
  readonly credential: string;
  readonly request: ProviderRequest;
}

/** What a later provider of a chain has of its own. */
type Own = Pick<ProviderRequest, 'model' | 'extra'>;

/** The name of the payload row of a place in the chain; the first has the request itself. */
export function payloadOfStep(step: number): string {
  return step === 0 ? 'request' : `request.${step}`;
}

/** The request as another provider is given it. */
export function requestFor(request: ProviderRequest, own: Own): ProviderRequest {
  const { model: _model, extra: _extra, ...neutral } = request;
  return { ...neutral, ...own };
}

/** Whom a request is for, in their order. Throws PROVIDER_UNKNOWN, INVALID_INPUT. */
export function attemptsOf(providers: ProviderBook, asked: CheckedSubmit): readonly [Attempt, ...Attempt[]] {
  const request = providerRequest(asked);
  const first = attemptAt(providers, asked, request, '');
  const others = asked.fallback.map((each, index) =>
    attemptAt(providers, each, requestFor(request, ownOf(each)), `fallback.${index}: `),
  );
  return [first, ...others];
}

function attemptAt(
  providers: ProviderBook,
  { provider, credential }: { readonly provider: string; readonly credential: string },
  request: ProviderRequest,
  where: string,
): Attempt {
  const adapter = providers.named(provider);
  const wrong = adapter.refuse(request);
  if (wrong !== undefined) throw new HoldfastError('INVALID_INPUT', `${where}${adapter.id}: ${wrong}`);
  return { adapter, credential, request };
}

function ownOf({
  model,
  extra,
}: {
  readonly model?: string | undefined;
  readonly extra?: JsonObject | undefined;
}) {
  return { ...(model === undefined ? {} : { model }), ...(extra === undefined ? {} : { extra }) };
}

/** The payload rows of a job: the request, and what is the own of each further provider. */
export function payloadsOf(attempts: readonly [Attempt, ...Attempt[]]): Readonly<Record<string, Json>> {
  return Object.fromEntries(
    attempts.map(({ request }, step): readonly [string, Json] => {
      return [payloadOfStep(step), step === 0 ? { ...request } : ownOf(request)];
    }),
  );
}

/** The chart's input. */
export async function jobInputOf(
  options: JobInputOptions,
  id: string,
  asked: CheckedSubmit | CheckedTrack,
  attempts: readonly [Attempt, ...Attempt[]],
): Promise<JobInput> {
  const { defaults, deliveries, sessionAttemptsMax } = options;
  const { delivery, sessionKey, turn } = asked;
  const policy = delivery && deliveries.policyOf(delivery.channel);
  const [first] = attempts;
  const chain = await Promise.all(attempts.map((attempt) => stepOf(options, id, asked, attempt)));
  return {
    jobId: id,
    ...(await stepOf(options, id, asked, first)),
    lane: laneOf(sessionKey ?? id),
    kind: asked.kind,
    origin: asked.origin,
    label: labelOf(first.request.prompt),
    deliveryId: stableId('dlv', `job/${id}`),
    submitByMs: asked.submitByMs ?? defaults.submitByMs ?? jobDefaults.submitByMs,
    graceMs: defaults.graceMs ?? jobDefaults.graceMs,
    retentionMs: defaults.retentionMs ?? jobDefaults.retentionMs,
    historyRole: asked.historyRole,
    ...(sessionKey === undefined ? {} : { sessionKey }),
    ...(turn === undefined ? {} : { turn }),
    ...(asked.wakeSession ? {} : { wakeSession: false }),
    ...(sessionAttemptsMax === undefined ? {} : { sessionAttemptsMax }),
    ...(delivery === undefined ? {} : { delivery: dropUndefined(delivery) }),
    ...(policy === undefined ? {} : { deliveryPolicy: policy }),
    ...(chain.length === 1 ? {} : { chain }),
  };
}

async function stepOf(
  { callbacks, defaults }: JobInputOptions,
  id: string,
  asked: CheckedSubmit | CheckedTrack,
  { adapter, credential, request }: Attempt,
): Promise<ChainStep & StepTimes> {
  const { reconcile, capabilities } = adapter;
  const context = await callbacks.contextOf(adapter, id);
  const isHeld = reconcile.by === 'list' && !reconcile.tagged(request, context);
  return {
    provider: adapter.id,
    credential,
    requestHash: sha256Hex(canonicalJson(request)).slice(0, 32),
    reconcile: {
      by: reconcile.by,
      onUnlisted: isHeld ? reconcile.onUnlisted : 'resubmit',
      afterMs: defaults.reconcileAfterMs ?? jobDefaults.reconcileAfterMs,
    },
    cancelOffered: capabilities.cancel !== 'none',
    pollMinMs: capabilities.pollMinMs,
    ...timesOf(asked, adapter.jobs ?? {}, defaults),
  };
}

type StepTimes = Required<Pick<ChainStep, 'timeoutMs' | 'poll'>>;

/** What is asked for goes before what is the provider's, and that before the runtime's. */
function timesOf(asked: CheckedSubmit | CheckedTrack, own: JobTimes, defaults: JobOptions): StepTimes {
  return {
    timeoutMs: asked.timeoutMs ?? own.timeoutMs ?? defaults.timeoutMs ?? jobDefaults.timeoutMs,
    poll: {
      ...dropUndefined(defaults.poll ?? {}),
      ...dropUndefined(own.poll ?? {}),
      ...dropUndefined(asked.poll ?? {}),
    },
  };
}

/** Drops keys whose value is undefined, so that what is stored and what is compared are the same. */
export function dropUndefined<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const given = Object.entries(value).filter(([, part]) => part !== undefined);
  return Object.fromEntries(given) as { [K in keyof T]: Exclude<T[K], undefined> };
}
