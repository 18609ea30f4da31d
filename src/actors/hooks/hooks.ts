/**
 * What providers tell of tasks, from a delivery that arrived to the event on disk.
 *
 * Owns: when each job was last hinted at, in memory. Callers: the ingress. Invariants:
 *  H1  What is not signed settles nothing: it hurries a poll, at most once in `limits.hookHintGapMs` a job,
 *      and beyond that it is not even written.
 *  H2  News of another task than the job's own is no evidence, whoever signed it.
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
  /** It is not known whether, and as what, the provider accepted the job. */
  readonly inDoubt: boolean;
  readonly verdict: Proven;
  readonly news: WebhookNews;
}

const SOURCE = 'provider';
const TAKEN: Taken = { type: 'taken' };

class AnotherTask extends Error {}

export class Hooks {
  readonly #options: HooksOptions;
  readonly #hinted = new Map<string, number>();

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
    return this.#tell({ address, context, inDoubt, verdict, news });
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
    return this.#tell({ address, context, inDoubt: false, verdict, news });
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
    if (context.ref === undefined && news.ref !== undefined && mayAdopt) {
      return this.#evidence(told, { type: 'pending' });
    }
    return this.#hint(told);
  }

  async #evidence(told: Told, outcome: PollOutcome): Promise<Taken> {
    const { address, verdict, news } = told;
    const { effects, vault } = this.#options;
    const kept = verdictOf(outcome);
    if (kept === undefined) return this.#hint(told);
    const ref = news.ref === undefined ? undefined : await vault.kept(news.ref);
    const event = { ...newsFor({ outcome: kept }), ...(ref === undefined ? {} : { ref }) };
    // In the step's own turn: the job may have taken another task meanwhile.
    const check = (snapshot: { readonly context: unknown }): void => {
      const isOther = ref !== undefined && isAnother(snapshot.context as JobContext, ref.taskId);
      if (isOther) throw new AnotherTask('the job has another task by now');
      if (outcome.type === 'done' && outcome.artifacts.length > 0)
        effects.remember(address, outcome.artifacts);
    };
    const taken = await this.#send(address, event, verdict.id, { check });
    // Refused: what was remembered is of a task that is not its own.
    if (taken.type === 'ignored') effects.forget(address);
    return taken;
  }

  /** One that comes right after a poll is told when the next one may be: the chart would drop it. */
  #hint({ address, context, verdict }: Told): Promise<Taken> {
    const { polledAt = -Infinity, input } = context;
    const at = polledAt + Math.max(limits.hookHintGapMs, input.pollMinMs);
    const isEarly = at > this.#options.clock.now();
    return this.#send(address, { type: 'provider.hint' }, verdict.id, isEarly ? { at } : {});
  }

  async #send(
    address: string,
    event: object,
    id: string,
    when: Pick<SendOptions, 'at' | 'check'>,
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
      if (error instanceof AnotherTask) return { type: 'ignored', reason: error.message };
      if (isHoldfastError(error, 'NOT_UNIQUE'))
        return { type: 'ignored', reason: 'another job has its task' };
      if (isHoldfastError(error, 'ACTOR_NOT_FOUND')) return { type: 'ignored', reason: 'its job is gone' };
      throw error;
    }
  }

  /** True within the gap after a hint; else the gap begins now. */
  #isHinted(address: string): boolean {
    const now = this.#options.clock.monotonicMs();
    const last = this.#hinted.get(address);
    if (last !== undefined && now - last < limits.hookHintGapMs) return true;
    this.#hinted.delete(address);
    this.#hinted.set(address, now);
    const [oldest] = this.#hinted.keys();
    if (this.#hinted.size > limits.hookHintsRemembered && oldest !== undefined) this.#hinted.delete(oldest);
    return false;
  }
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
