/**
 * One attempt at an effect: from its row, past what an earlier process left of it, to its result.
 *
 * Owns: the started mark and the failures in the effect's row. Callers: the outbox, which decides when.
 * Invariants:
 *  T1  A `manual` or `probe` effect, and every promise with a restart budget, runs only after its started
 *      mark is on disk.
 *  T2  Because of a crash a `manual` effect never runs again, a `probe` one when its probe allows it (K7).
 *  T3  A failure that is not reported is on disk before the next run: no crash makes it forgotten.
 *  T4  A row that was removed is never written again.
 */
import type { AnyActorLogic } from 'xstate';
import type { Clock } from '../../clock.js';
import { HoldfastError } from '../../errors.js';
import type { Json, JsonEvent, JsonObject } from '../../json.js';
import type { Logger } from '../../log.js';
import { budgetExceeded, jitteredBackoffMs, withFailure } from '../../machines/index.js';
import type { BackoffPolicy, RestartBudget } from '../../machines/index.js';
import { keys } from '../../store/keys.js';
import type { CommitLoop } from './commit-loop.js';
import type { Definition, ProbeResult } from './definition.js';
import { performed, type EffectHook } from './effect-hook.js';
import {
  errorToJson,
  startEffect,
  startStream,
  type EffectRun,
  type RunOutcome,
  SCHEDULE_MAX_MS,
} from './effect-run.js';
import { randomOf } from './envelope.js';
import { sourceOf, type LogicType, type Source } from './logic.js';
import type { Waiting } from './pool.js';
import type { ActorRecord, EffectRow } from './record.js';
import type { Told } from './told.js';
import { watched, type KernelWatch } from './watching.js';

/** Gives the end of an effect to its actor; settles after the commit, or when it was refused (fenced). */
export type DeliverResult = (address: string, effectId: string, event: JsonEvent) => Promise<void>;

/**
 * Gives an event that an effect sent while it runs to its actor, which takes it while the effect's row is
 * there. Called in order, without waiting for the one before; settles after the commit, or when it was
 * fenced.
 */
export type DeliverStream = (
  address: string,
  effectId: string,
  event: JsonEvent,
  /** `<effect>/<attempt>/<n>`: unique for ever. */
  eventId: string,
) => Promise<void>;

export interface AttemptOptions {
  readonly loop: CommitLoop;
  readonly clock: Clock;
  readonly log: Logger;
  readonly deliver: DeliverResult;
  readonly deliverStream: DeliverStream;
  /** Brings an actor of an older version to its definition's, or leaves it as it is. */
  readonly ensure: (address: string) => Promise<void>;
  readonly told: Told;
  /** For tests: what runs in place of effects' own logic. */
  readonly hook?: EffectHook | undefined;
  /** Told of every run. */
  readonly watch?: KernelWatch | undefined;
}

/** What is to become of the effect now. */
export type Ending =
  /** Reported, given up, or its row is gone. */
  | { readonly type: 'over' }
  /** It did nothing and waits its turn again. */
  | { readonly type: 'deferred' }
  /** It failed, and is run again after a while. */
  | { readonly type: 'rests'; readonly forMs: number };

const OVER: Ending = { type: 'over' };

/** Between the restarts of an effect. */
const RESTART_BACKOFF: BackoffPolicy = { kind: 'exponential', delayMs: 1_000, maxMs: 60_000 };

export class Attempt {
  readonly #options: AttemptOptions;
  readonly #definition: Definition;
  readonly #policy: ReturnType<Definition['policyOf']>;
  readonly #waiting: Waiting;
  readonly #number: number;
  #row: EffectRow;
  /** Why it is not wanted any more: its row is gone, or it must stop for now. */
  #aborted: 'cancelled' | 'stopped' | undefined;
  #probing: AbortController | undefined;
  #run: EffectRun | undefined;

  /** `number` is unique in the life of the process. */
  constructor(options: AttemptOptions, definition: Definition, waiting: Waiting, number: number) {
    this.#options = options;
    this.#definition = definition;
    this.#policy = definition.policyOf(waiting.row.src);
    this.#waiting = waiting;
    this.#row = waiting.row;
    this.#number = number;
  }

  /** The effect's row as this attempt left it. */
  get row(): EffectRow {
    return this.#row;
  }

  get aborted(): 'cancelled' | 'stopped' | undefined {
    return this.#aborted;
  }

  /** True when a stopping outbox may wait for it. */
  get drains(): boolean {
    return this.#policy.drains === true;
  }

  abort(why: 'cancelled' | 'stopped'): void {
    if (this.#aborted !== 'cancelled') this.#aborted = why;
    this.#probing?.abort();
    this.#run?.abort();
  }

  /** Gives an event to the running logic; false when it does not run yet. */
  tell(event: JsonEvent): boolean {
    this.#run?.tell(event);
    return this.#run !== undefined;
  }

  /** Runs it. Rejects when its actor cannot take what it has to say. */
  async run(): Promise<Ending> {
    if (this.#waiting.loaded && !(await this.#prepared())) return OVER;
    const source = sourceOf(this.#definition.machine, this.#row.src);
    const { recovery, restart } = this.#policy;
    const careful = recovery === 'manual' || recovery === 'probe';
    const marked = careful || (restart !== undefined && source.type === 'promise');
    if (this.#row.started !== undefined) {
      const ending = await this.#interrupted(careful, restart);
      if (ending !== undefined) return ending;
    }
    const forMs = restart === undefined || this.#waiting.rested === true ? 0 : this.#restLeftMs();
    if (forMs > 0) return { type: 'rests', forMs };
    if (marked && !(await this.#mark())) return OVER;
    const outcome = this.#aborted === undefined ? await this.#attempt(source) : ABORTED;
    switch (outcome.type) {
      case 'error': {
        const ending = restart === undefined ? undefined : await this.#restarts(restart);
        if (ending !== undefined) return ending;
        await this.#report(outcome);
        return OVER;
      }
      case 'done':
        await this.#report(outcome);
        return OVER;
      case 'deferred':
        if (!marked || (await this.#rewrite({}))) return { type: 'deferred' };
        return OVER;
      case 'refused':
        throw outcome.error;
      case 'aborted':
        // A clean stop is no crash: what may be repeated anyhow is not counted as one at the next open.
        if (marked && (!careful || this.#run === undefined)) await this.#rewrite({});
        return OVER;
    }
  }

  /**
   * Of an effect found on disk: its row as it is now, and its actor fit to be stepped. Work whose actor
   * cannot take the result is not begun: it may cost money and be lost. False when it is not wanted any more.
   */
  async #prepared(): Promise<boolean> {
    const { loop, ensure } = this.#options;
    const { address } = this.#row;
    const { version } = this.#definition;
    const { recovery, restart } = this.#policy;
    // A page of the outbox may be older than what an attempt before this one wrote into the row.
    let mayDiffer = recovery === 'manual' || recovery === 'probe' || restart !== undefined;
    let record = await this.#record();
    if (record !== undefined && record.version !== version && record.quarantine === undefined) {
      await ensure(address);
      record = await this.#record();
      mayDiffer = true;
    }
    if (mayDiffer) {
      const text = await loop.read(this.#waiting.key);
      if (text === undefined) return false;
      this.#row = JSON.parse(text) as EffectRow;
    }
    if (this.#aborted !== undefined) return false;
    if (record?.version === version && record.quarantine === undefined) return true;
    throw new HoldfastError('ACTOR_QUARANTINED', `${address} cannot be stepped, so its effect waits`);
  }

  async #record(): Promise<ActorRecord | undefined> {
    const text = await this.#options.loop.read(keys.record(this.#row.address));
    return text === undefined ? undefined : (JSON.parse(text) as ActorRecord);
  }

  /** What to do with an effect that an earlier run has started; undefined: run it. */
  async #interrupted(careful: boolean, restart: RestartBudget | undefined): Promise<Ending | undefined> {
    if (careful && !(await this.#mayRunAgain())) return OVER;
    if (restart === undefined || this.#row.started?.epoch === this.#options.loop.epoch) return undefined;
    const ending = await this.#restarts(restart);
    if (ending !== undefined) return ending;
    const often = `more than ${restart.failuresMax} times within ${restart.periodMs} ms`;
    const message = `the process died while the effect ran, or it failed, ${often}`;
    await this.#report({ type: 'error', error: errorToJson(new HoldfastError('EFFECT_CRASHED', message)) });
    return OVER;
  }

  /** Asks the recovery policy; what it decides instead of a run is reported (K7). */
  async #mayRunAgain(): Promise<boolean> {
    const { address, id, child, src } = this.#row;
    const found = await this.#probe();
    if (this.#aborted !== undefined) return false;
    if (found.type === 'notStarted') return true;
    if (found.type === 'done') await this.#report({ type: 'done', output: found.output });
    else await this.#options.deliver(address, id, { type: 'effect.interrupted', effect: child, src });
    return false;
  }

  /** Asks the probe; a probe that is too slow, or not wanted any more, has found nothing out. */
  async #probe(): Promise<ProbeResult> {
    const { recovery, probe, timeoutMs } = this.#policy;
    if (recovery !== 'probe' || probe === undefined) return { type: 'unknown' };
    const { effectKey: effectId } = this.#waiting;
    const { input } = this.#row;
    const controller = new AbortController();
    const { signal } = controller;
    this.#probing = controller;
    const cancel = this.#options.clock.schedule(Math.min(timeoutMs, SCHEDULE_MAX_MS), () =>
      controller.abort(),
    );
    const givenUp = new Promise<ProbeResult>((resolve) => {
      signal.addEventListener('abort', () => resolve({ type: 'unknown' }), { once: true });
    });
    try {
      const answer = Promise.race([probe({ effectId, input, signal }), givenUp]);
      this.#options.hook?.probing(answer);
      return await answer;
    } catch (error) {
      this.#options.log.warn({ err: errorToJson(error), effect: effectId }, 'effect.probe.failed');
      return { type: 'unknown' };
    } finally {
      cancel();
    }
  }

  #attempt(source: Source): Promise<RunOutcome> {
    if (source.type === 'unusable') {
      return Promise.resolve({ type: 'error', error: { name: 'Error', message: source.reason } });
    }
    const { watch } = this.#options;
    if (watch === undefined) return this.#perform(source.type, source.logic);
    const { address, src, input, started, failures = [], traceparent } = this.#row;
    const { kind } = this.#definition;
    const attempt = started?.attempt ?? failures.length + 1;
    const seen = { id: this.#waiting.effectKey, address, kind, src, input, attempt, traceparent };
    return watched(watch, seen, () => this.#perform(source.type, source.logic));
  }

  #perform(logicType: LogicType, own: AnyActorLogic): Promise<RunOutcome> {
    const { hook } = this.#options;
    if (hook === undefined) return this.#begin(logicType, own);
    const { address, src, child, input } = this.#row;
    const type = logicType === 'promise' ? 'promise' : 'stream';
    const { kind } = this.#definition;
    const call = { id: this.#waiting.effectKey, address, kind, src, child, input, type } as const;
    return performed(hook, call, own, (logic) => this.#begin(logicType, logic));
  }

  #begin(type: LogicType, logic: AnyActorLogic): Promise<RunOutcome> {
    const { input, child, sync = false } = this.#row;
    const { effectKey } = this.#waiting;
    const { timeoutMs } = this.#policy;
    const { clock } = this.#options;
    const options = { effectKey, input, timeoutMs, clock };
    try {
      // The lean path is for nearly all: a promise has nothing to say but its end.
      if (type === 'promise' && !sync) this.#run = startEffect(logic, options);
      else {
        const send = (event: JsonEvent, n: number): Promise<void> => this.#send(event, n);
        const onLateError = (err: unknown): void =>
          this.#options.log.warn({ err, effect: effectKey }, 'effect.cleanup.failed');
        this.#run = startStream(logic, { ...options, child, sync, send, onLateError });
      }
    } catch (error) {
      return Promise.resolve({ type: 'error', error: errorToJson(error) });
    }
    for (const event of this.#options.told.take(effectKey)) this.#run.tell(event);
    return this.#run.outcome;
  }

  #send(event: JsonEvent, n: number): Promise<void> {
    const { address, id } = this.#row;
    const { loop, deliverStream } = this.#options;
    const attempt = `${loop.epoch}.${this.#number}`;
    return deliverStream(address, id, event, `${this.#waiting.effectKey}/${attempt}/${n}`);
  }

  async #report(outcome: { type: 'done'; output: Json | undefined } | Failure): Promise<void> {
    const { address, id, child } = this.#row;
    const event: JsonEvent =
      outcome.type === 'done'
        ? { type: `xstate.done.actor.${child}`, output: outcome.output, actorId: child }
        : { type: `xstate.error.actor.${child}`, error: outcome.error, actorId: child };
    await this.#options.deliver(address, id, event);
  }

  /** Counts a failure; undefined when it is one too many, so that the machine must hear of it. */
  async #restarts(budget: RestartBudget): Promise<Ending | undefined> {
    const failures = withFailure(this.#row.failures ?? [], this.#options.clock.now(), budget);
    if (budgetExceeded(failures, budget)) return undefined;
    if (!(await this.#rewrite({ failures }))) return OVER;
    return { type: 'rests', forMs: this.#restLeftMs() };
  }

  /** What is left of the back-off after its last failure, which may have been in another process. */
  #restLeftMs(): number {
    const { failures = [] } = this.#row;
    const last = failures.at(-1);
    if (last === undefined) return 0;
    const random = randomOf(this.#waiting.effectKey, failures.length);
    const backoffMs = jitteredBackoffMs(RESTART_BACKOFF, failures.length, random);
    // A clock that went back must not make it longer than it is.
    return Math.min(backoffMs, last + backoffMs - this.#options.clock.now());
  }

  async #mark(): Promise<boolean> {
    const { loop, clock } = this.#options;
    const attempt = (this.#row.started?.attempt ?? 0) + 1;
    return this.#rewrite({ started: { at: clock.now(), epoch: loop.epoch, attempt } });
  }

  /** Writes the row with this mark and these failures, or without a mark; false when the row is gone (T4). */
  async #rewrite(change: Pick<EffectRow, 'started' | 'failures'>): Promise<boolean> {
    const { loop } = this.#options;
    const { key } = this.#waiting;
    if (this.#aborted === 'cancelled' || loop.peek(key) === undefined) return false;
    const { started: _earlier, ...row } = this.#row;
    this.#row = { ...row, ...change };
    const stage = loop.begin();
    stage.put(key, this.#row);
    await new Promise<void>((resolve, reject) => {
      stage.after = resolve;
      stage.failed = reject;
      loop.add(stage);
    });
    return true;
  }
}

interface Failure {
  readonly type: 'error';
  readonly error: JsonObject;
}

const ABORTED: RunOutcome = { type: 'aborted' };
