/**
 * What providers tell of tasks, from a delivery that arrived to the event on disk.
 *
 * Owns: when each job was last hinted at, in memory. Callers: the ingress. Invariants:
 *  H1  What is not signed settles nothing: it hurries a poll. Two in `limits.hookHintGapMs` are written for
 *      a job: one, and one that came while its poll may have been out; the poll that follows speaks for the
 *      rest.
 *  H2  News of another task than the job's own, or from a provider that it has left, is no evidence, whoever
 *      signed it: looked at in the turn of the step.
 *  H3  An answer of `taken` comes after the commit; no event holds a URL of an artifact (decision 004).
 *  H4  The same delivery twice, early, late or out of order is one event, or none.
 */
import type { Clock } from '../../clock.js';
import { isHoldfastError } from '../../errors.js';
import { sha256Hex } from '../../ids.js';
import type { JsonObject } from '../../json.js';
import { limits } from '../../limits.js';
import { newsFor, type JobContext, type JobRef, type PollVerdict } from '../../machines/index.js';
import { newsIn, type WebhookVerifier } from '../../providers/index.js';
import type { PollOutcome, ProviderAdapter, TaskRef } from '../../providers/index.js';
import type { WebhookDelivery, WebhookNews, WebhookVerdict } from '../../providers/index.js';
import type { AccountName } from '../accounts.js';
import type { JobEffects } from '../job-effects.js';
import type { Kernel, SendOptions } from '../kernel/index.js';
import type { Vault } from '../vault.js';
import type { ParkedEvents } from './parked-events.js';

export interface HooksOptions {
  readonly kernel: Kernel;
  readonly effects: JobEffects;
  readonly vault: Vault;
  readonly verifier: WebhookVerifier;
  readonly parked: ParkedEvents;
  readonly clock: Clock;
}

/** What became of a delivery. */
export type Taken =
  | { readonly type: 'taken' }
  /** Nothing is to be done about it, and it need not come again. */
  | { readonly type: 'ignored'; readonly reason: string }
  | Extract<WebhookVerdict, { readonly type: 'refused' | 'unchecked' }>;

type Proven = Extract<WebhookVerdict, { readonly type: 'signed' | 'hint' }>;

interface Told {
  readonly address: string;
  readonly context: JobContext;
  /** Whose hook it came to. */
  readonly account: AccountName;
  /** It is not known whether, and as what, the provider accepted the job. */
  readonly inDoubt: boolean;
  readonly verdict: Proven;
  readonly news: WebhookNews;
}

const SOURCE = 'provider';
const HINTS_IN_GAP = 2;
const TAKEN: Taken = { type: 'taken' };

/** News that is none of its job's. */
class NotItsOwn extends Error {}

/** The job knows its task by now. */
class TaskKnown extends Error {}

export class Hooks {
  readonly #options: HooksOptions;
  readonly #hinted = new Map<string, { readonly sinceMs: number; readonly count: number }>();

  constructor(options: HooksOptions) {
    this.#options = options;
  }

  /** A delivery to the hook of one job, whose token was good. */
  async forJob(adapter: ProviderAdapter, jobId: string, delivery: WebhookDelivery): Promise<Taken> {
    const { effects, kernel, verifier } = this.#options;
    const address = `job/${jobId}`;
    const actor = await kernel.snapshot(address);
    if (actor === undefined) return { type: 'ignored', reason: 'its job is gone' };
    const context = actor.snapshot.context as JobContext;
    const { credential, provider } = context.input;
    if (actor.snapshot.status !== 'active') return { type: 'ignored', reason: 'its job has ended' };
    if (provider !== adapter.id) return { type: 'ignored', reason: 'its job went to another provider' };
    const verdict = await verifier.verify(adapter, credential, delivery);
    if (verdict.type === 'refused' || verdict.type === 'unchecked') return verdict;
    const request = await effects.request(address);
    const news = newsIn(adapter, delivery.body, { request, credential });
    if (news === undefined) return { type: 'ignored', reason: 'it says nothing of a task' };
    const inDoubt = actor.snapshot.can({ type: 'job.adopt', ref: refOf(news.ref, credential) });
    return this.#tell({ address, context, account: { provider, credential }, inDoubt, verdict, news });
  }

  /** A delivery to the one hook of an account: it names its task. One that nobody signed is not parked. */
  async forAccount(adapter: ProviderAdapter, credential: string, delivery: WebhookDelivery): Promise<Taken> {
    const { kernel, parked, verifier, vault } = this.#options;
    const verdict = await verifier.verify(adapter, credential, delivery);
    if (verdict.type === 'refused' || verdict.type === 'unchecked') return verdict;
    const news = newsIn(adapter, delivery.body, { credential });
    if (news?.ref === undefined) return { type: 'ignored', reason: 'it says nothing of a task' };
    const ref = await vault.kept(news.ref);
    const task = { provider: adapter.id, credential, ref };
    const address = await parked.holder(task);
    if (address === undefined) {
      if (verdict.type === 'hint' && !verdict.authentic)
        return { type: 'ignored', reason: 'nobody has its task' };
      const outcome = verdict.type === 'signed' ? verdictOf(news.outcome) : undefined;
      await parked.park(verdict.id, { ...task, ...(outcome === undefined ? {} : { outcome }) });
      return TAKEN;
    }
    const actor = await kernel.snapshot(address);
    if (actor?.snapshot.status !== 'active') return { type: 'ignored', reason: 'its job has ended' };
    const context = actor.snapshot.context as JobContext;
    const account = { provider: adapter.id, credential };
    return this.#tell({ address, context, account, inDoubt: false, verdict, news });
  }

  async #tell(told: Told): Promise<Taken> {
    const { address, context, inDoubt, verdict, news } = told;
    const isOther = news.ref !== undefined && isAnother(context, news.ref.taskId);
    const authentic = verdict.type === 'signed' || verdict.authentic;
    if (verdict.type === 'signed' && news.outcome !== undefined && !isOther) {
      return this.#evidence(told, news.outcome);
    }
    if (!authentic && this.#isHinted(address))
      return { type: 'ignored', reason: 'it was hinted at just now' };
    // Whoever knows the token, or the key, of a job that does not know its task may tell it: a poll judges.
    const mayAdopt = verdict.type === 'signed' || inDoubt;
    if (context.ref === undefined && news.ref !== undefined && mayAdopt) return this.#adoption(told);
    return this.#hint(told);
  }

  /** It says which task, and not how it is: the first poll comes soon. */
  async #adoption(told: Told): Promise<Taken> {
    try {
      return await this.#evidence(told, { type: 'pending', retryAfterMs: limits.hookHintGapMs }, true);
    } catch (error) {
      if (error instanceof TaskKnown) return this.#hint(told);
      throw error;
    }
  }

  async #evidence(told: Told, outcome: PollOutcome, adopts = false): Promise<Taken> {
    const { address, account, verdict, news } = told;
    const { effects, vault } = this.#options;
    const kept = verdictOf(outcome);
    if (kept === undefined) return this.#hint(told);
    const ref = news.ref === undefined ? undefined : await vault.kept(news.ref);
    const event = { ...newsFor({ outcome: kept }), ...(ref === undefined ? {} : { ref }) };
    // In the step's own turn: the job may have taken another task meanwhile, or gone on to another provider.
    const check = (snapshot: { readonly context: unknown }): void => {
      const now = snapshot.context as JobContext;
      if (!isOf(now, account)) throw new NotItsOwn('the job is with another provider by now');
      if (ref !== undefined && isAnother(now, ref.taskId))
        throw new NotItsOwn('the job has another task by now');
      if (adopts && now.ref !== undefined) throw new TaskKnown('the job knows its task by now');
      if (outcome.type === 'done' && outcome.artifacts.length > 0)
        effects.remember(address, outcome.artifacts);
    };
    const taken = await this.#send(address, event, verdict.id, { check });
    // Refused: what was remembered is of a task that is not its own.
    if (taken.type === 'ignored') effects.forget(address);
    return taken;
  }

  #hint({ address, verdict }: Told): Promise<Taken> {
    return this.#send(address, { type: 'provider.hint' }, verdict.id);
  }

  async #send(
    address: string,
    event: object,
    id: string,
    when: Pick<SendOptions, 'check'> = {},
  ): Promise<Taken> {
    try {
      const own = JSON.parse(JSON.stringify(event)) as JsonObject & { readonly type: string };
      await this.#options.kernel.send(address, own, {
        id: eventId(id),
        // OpenAI sends for three days what it got no answer to: twice as long, and a little more.
        idKeptMs: limits.idempotencyTtlMs,
        source: SOURCE,
        ...when,
      });
      return TAKEN;
    } catch (error) {
      if (error instanceof NotItsOwn) return { type: 'ignored', reason: error.message };
      if (isHoldfastError(error, 'NOT_UNIQUE'))
        return { type: 'ignored', reason: 'another job has its task' };
      if (isHoldfastError(error, 'ACTOR_NOT_FOUND')) return { type: 'ignored', reason: 'its job is gone' };
      throw error;
    }
  }

  /** True within the gap after a hint that was not the only one; a hint after the gap begins another (H1). */
  #isHinted(address: string): boolean {
    const now = this.#options.clock.monotonicMs();
    const last = this.#hinted.get(address);
    const isWithin = last !== undefined && now - last.sinceMs < limits.hookHintGapMs;
    if (isWithin && last.count >= HINTS_IN_GAP) return true;
    this.#hinted.delete(address);
    this.#hinted.set(address, isWithin ? { ...last, count: last.count + 1 } : { sinceMs: now, count: 1 });
    const [oldest] = this.#hinted.keys();
    if (this.#hinted.size > limits.hookHintsRemembered && oldest !== undefined) this.#hinted.delete(oldest);
    return false;
  }
}

function isOf({ input, ref }: JobContext, { provider, credential }: AccountName): boolean {
  return input.provider === provider && (ref?.credential ?? input.credential) === credential;
}

function isAnother({ ref }: JobContext, taskId: string): boolean {
  return ref !== undefined && ref.taskId !== taskId;
}

function refOf(ref: TaskRef | undefined, credential: string): JobRef {
  const { taskId = '-', endpoint = '-', generation = '-' } = ref ?? {};
  return { taskId, endpoint, generation, credential };
}

/** What may be kept of an outcome; undefined when it decides nothing. */
function verdictOf(outcome: PollOutcome | undefined): PollVerdict | undefined {
  if (outcome === undefined || outcome.type === 'transient') return undefined;
  return outcome.type === 'done' ? { type: 'done' } : outcome;
}

/** Ids of events are bounded; a scheme's own are kept readable where they are short. */
function eventId(id: string): string {
  return `hook:${Buffer.byteLength(id) <= 300 ? id : sha256Hex(id)}`;
}
