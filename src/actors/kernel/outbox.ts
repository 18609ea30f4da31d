/**
 * The outbox: runs the effects that steps asked for, from their durable rows, within the bounds of their
 * pools.
 *
 * Owns: which effects run now. Callers: the kernel. The rows themselves are written and removed by steps; the
 * outbox rewrites a row only to set or clear its started mark.
 *
 * Invariants:
 *  O1  An effect runs only while its row exists; it is aborted when the row goes (K6).
 *  O2  A `manual` or `probe` effect runs only after its started mark is on disk, and never again because of a
 *      crash (K7).
 *  O3  A pool holds at most 2 x its limit of rows in memory; the rest wait on disk, oldest first.
 *  O4  A place in a pool is given back after the commit of the result, so that who runs next sees it.
 *  O5  Nothing runs before `start` or after `stop`; what is offered meanwhile keeps its rows and waits.
 */
import type { Clock } from '../../clock.js';
import { HoldfastError } from '../../errors.js';
import type { Json, JsonEvent } from '../../json.js';
import type { Logger } from '../../log.js';
import { keys, partsOf, rangeOf } from '../../store/keys.js';
import type { CommitLoop } from './commit-loop.js';
import type { Definition, ProbeResult, Share } from './definition.js';
import { errorToJson, startEffect, type EffectRun, type RunOutcome } from './effect-run.js';
import { Bounds, byPriorityThenAge, effectKeyOf, isEmpty, newPool, poolKey, windowOf } from './pool.js';
import type { Pool, Waiting } from './pool.js';
import type { ActorRecord, EffectRow } from './record.js';
import { logicOf } from './step.js';

/** Gives an effect's event to its actor; settles after the commit, or when it was refused (fenced). */
export type DeliverResult = (address: string, effectId: string, event: JsonEvent) => Promise<void>;

export interface OutboxOptions {
  readonly loop: CommitLoop;
  readonly clock: Clock;
  readonly log: Logger;
  readonly deliver: DeliverResult;
}

interface Running {
  readonly pool: Pool;
  readonly policy: ReturnType<Definition['policyOf']>;
  readonly shares: readonly Share[];
  probing: AbortController | undefined;
  run: EffectRun | undefined;
  aborted: boolean;
}

export class Outbox {
  readonly #options: OutboxOptions;
  readonly #pools = new Map<string, Pool>();
  readonly #bounds = new Bounds();
  readonly #running = new Map<string, Running>();
  readonly #queued = new Set<string>();
  /** Effects that ended while a page was being read: the page may still show them. */
  readonly #endedWhileLoading = new Set<string>();
  #loads = 0;
  /** False until `start` and from `stop` on: a kernel that is only looked through runs no effect (O5). */
  #accepting = false;
  #pumping = false;
  #idle: (() => void)[] = [];

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /** From here on effects run: those offered before, and what `recover` finds. */
  start(): void {
    this.#accepting = true;
    this.#pump();
  }

  /** Effects a commit has just added. */
  offer(definition: Definition, added: readonly { readonly key: string; readonly row: EffectRow }[]): void {
    for (const { key, row } of added) {
      const pool = this.#pool(definition, partsOf(key)[1] ?? '', row.src);
      if (pool.more || pool.loading || pool.queue.length >= windowOf(pool)) pool.more = true;
      else this.#enqueue(pool, { key, row, effectKey: effectKeyOf(row), loaded: false });
    }
    this.#pump();
  }

  /** An effect whose row a commit has removed. */
  cancel(address: string, effectId: string): void {
    const effectKey = `${address}/${effectId}`;
    this.#queued.delete(effectKey);
    for (const pool of this.#pools.values()) pool.stuck.delete(effectKey);
    if (this.#loads > 0) this.#endedWhileLoading.add(effectKey);
    const running = this.#running.get(effectKey);
    if (running === undefined) return;
    this.#abort(running);
  }

  /** Finds the pools of a kind that have rows on disk, one seek a pool, and starts what they hold. */
  async recover(definition: Definition): Promise<void> {
    let range = rangeOf('o', definition.kind);
    for (;;) {
      const [first] = await this.#options.loop.scan({ ...range, limit: 1 });
      if (first === undefined) break;
      const name = partsOf(first[0])[1] ?? '';
      const row = JSON.parse(first[1]) as EffectRow;
      this.#pool(definition, name, row.src).more = true;
      range = { gte: rangeOf('o', definition.kind, name).lt, lt: range.lt };
    }
    this.#pump();
  }

  /** Opens or closes a share: effects behind a closed one wait in their pools, whatever room there is. */
  gate(share: string, open: boolean): void {
    this.#bounds.gate(share, open);
    this.#pump();
  }

  /**
   * Starts an actor's waiting effects at once, whatever bounds their pools have: for effects that will find
   * that there is nothing left to do, and would hold up their actor behind a closed gate.
   */
  async hurry(definition: Definition, address: string, record: ActorRecord): Promise<void> {
    for (const { id, src, pool, ord } of record.effects) {
      const key = keys.effect(definition.kind, pool, ord);
      const text = await this.#options.loop.read(key);
      const effectKey = `${address}/${id}`;
      const gone = text === undefined || this.#options.loop.peek(key) === undefined;
      if (gone || !this.#accepting || this.#running.has(effectKey)) continue;
      const row = JSON.parse(text) as EffectRow;
      this.#start(this.#pool(definition, pool, src), { key, row, effectKey, loaded: true }, []);
    }
  }

  /**
   * Starts nothing more and aborts what need not drain; resolves when nothing runs or `timeoutMs` has passed.
   */
  async stop(timeoutMs: number): Promise<void> {
    this.#accepting = false;
    for (const running of this.#running.values()) {
      if (running.policy.drains !== true) this.#abort(running);
    }
    if (this.#running.size === 0) return;
    const cancel = this.#options.clock.schedule(timeoutMs, () => this.#abortAll());
    await new Promise<void>((resolve) => this.#idle.push(resolve));
    cancel();
  }

  #abortAll(): void {
    for (const running of this.#running.values()) this.#abort(running);
  }

  #abort(running: Running): void {
    running.aborted = true;
    running.probing?.abort();
    running.run?.abort();
  }

  #enqueue(pool: Pool, waiting: Waiting): void {
    const { effectKey } = waiting;
    if (this.#queued.has(effectKey) || this.#running.has(effectKey) || pool.stuck.has(effectKey)) return;
    this.#queued.add(waiting.effectKey);
    pool.queue.push(waiting);
  }

  #pump(): void {
    if (this.#pumping || !this.#accepting) return;
    this.#pumping = true;
    this.#options.clock.soon(() => {
      this.#pumping = false;
      this.#startReady();
    });
  }

  #startReady(): void {
    if (!this.#accepting) return;
    const pools = [...this.#pools.values()].sort(byPriorityThenAge);
    for (const pool of pools) {
      if (isEmpty(pool)) this.#pools.delete(poolKey(pool.definition.kind, pool.name));
      while (pool.running < pool.limit) {
        const next = pool.queue[0];
        if (next === undefined) break;
        if (this.#queued.has(next.effectKey)) {
          const shares = this.#sharesOf(pool, next);
          if (!shares.every((share) => this.#bounds.hasRoom(share))) break;
          this.#start(pool, next, shares);
        }
        pool.queue.shift();
      }
      if (pool.more && pool.queue.length < pool.limit) void this.#load(pool);
    }
  }

  async #load(pool: Pool): Promise<void> {
    if (pool.loading) return;
    pool.loading = true;
    // From here on it says what came up while the page was read; the page itself may add to it.
    pool.more = false;
    this.#loads += 1;
    try {
      const range = rangeOf('o', pool.definition.kind, pool.name);
      const held = pool.queue.length + pool.running + pool.stuck.size;
      const page = await this.#options.loop.scan({ ...range, limit: held + windowOf(pool) });
      if (page.length === held + windowOf(pool)) pool.more = true;
      for (const [key, text] of page) {
        const row = JSON.parse(text) as EffectRow;
        const effectKey = effectKeyOf(row);
        const gone = this.#endedWhileLoading.has(effectKey) || this.#options.loop.peek(key) === undefined;
        if (!gone) this.#enqueue(pool, { key, row, effectKey, loaded: true });
      }
    } catch (error) {
      pool.more = true;
      this.#options.log.error({ err: error, pool: pool.name }, 'outbox.load');
    } finally {
      pool.loading = false;
      this.#loads -= 1;
      if (this.#loads === 0) this.#endedWhileLoading.clear();
    }
    if (pool.queue.length > 0) this.#pump();
  }

  /** No actor can take the result of this one: it waits, unseen, for the next open. */
  #park(waiting: Waiting, running: Running, error: unknown): void {
    this.#options.log.error({ err: error, effect: waiting.effectKey }, 'effect.failed');
    if (!running.aborted) running.pool.stuck.add(waiting.effectKey);
  }

  #start(pool: Pool, waiting: Waiting, shares: readonly Share[]): void {
    this.#queued.delete(waiting.effectKey);
    const policy = pool.definition.policyOf(waiting.row.src);
    const running: Running = { pool, policy, shares, run: undefined, probing: undefined, aborted: false };
    this.#running.set(waiting.effectKey, running);
    pool.running += 1;
    for (const share of shares) this.#bounds.take(share);
    void this.#run(waiting, running)
      .catch((error: unknown) => this.#park(waiting, running, error))
      .finally(() => this.#release(waiting.effectKey, running));
  }

  #release(effectKey: string, running: Running): void {
    this.#running.delete(effectKey);
    running.pool.running -= 1;
    for (const share of running.shares) this.#bounds.giveBack(share);
    this.#pump();
    if (this.#running.size > 0) return;
    const idle = this.#idle;
    this.#idle = [];
    for (const resolve of idle) resolve();
  }

  async #run(waiting: Waiting, running: Running): Promise<void> {
    const { row } = waiting;
    const { recovery } = running.policy;
    if (waiting.loaded) await this.#mustBeSteppable(row.address, running.pool.definition);
    const marked = recovery === 'manual' || recovery === 'probe';
    if (marked && row.started !== undefined) {
      const found = await this.#interrupted(waiting, running);
      if (found !== 'notStarted') return;
    }
    if (marked && !(await this.#mark(waiting, running, true))) return;
    if (running.aborted) return;
    const outcome = await this.#attempt(waiting, running);
    if (outcome.type === 'deferred') await this.#putBack(waiting, running, marked);
    else if (outcome.type !== 'aborted') await this.#report(waiting, outcome);
  }

  /** Work whose actor cannot take the result is not begun: it may cost money and be lost. */
  async #mustBeSteppable(address: string, definition: Definition): Promise<void> {
    const text = await this.#options.loop.read(keys.record(address));
    const record = text === undefined ? undefined : (JSON.parse(text) as ActorRecord);
    if (record?.version === definition.version && record.quarantine === undefined) return;
    throw new HoldfastError('ACTOR_QUARANTINED', `${address} cannot be stepped, so its effect waits`);
  }

  #attempt(waiting: Waiting, running: Running): Promise<RunOutcome> {
    const { row, effectKey } = waiting;
    const logic = logicOf(running.pool.definition.machine, row.src);
    if (logic === undefined) {
      const error = { name: 'Error', message: `no actor is named ${row.src}` };
      return Promise.resolve({ type: 'error', error });
    }
    const { timeoutMs } = running.policy;
    const { clock } = this.#options;
    try {
      running.run = startEffect(logic, { effectKey, input: row.input, timeoutMs, clock });
      return running.run.outcome;
    } catch (error) {
      return Promise.resolve({ type: 'error', error: errorToJson(error) });
    }
  }

  async #report(waiting: Waiting, outcome: Extract<RunOutcome, { type: 'done' | 'error' }>): Promise<void> {
    const { address, id, child } = waiting.row;
    const event: JsonEvent =
      outcome.type === 'done'
        ? { type: `xstate.done.actor.${child}`, output: outcome.output, actorId: child }
        : { type: `xstate.error.actor.${child}`, error: outcome.error, actorId: child };
    await this.#options.deliver(address, id, event);
  }

  /** What to do with an effect that had started when the process died (K7). */
  async #interrupted(waiting: Waiting, running: Running): Promise<'settled' | 'notStarted'> {
    const { row, effectKey } = waiting;
    const found = await this.#probe(running, effectKey, row.input);
    if (running.aborted) return 'settled';
    if (found.type === 'notStarted') return 'notStarted';
    if (found.type === 'done') await this.#report(waiting, { type: 'done', output: found.output });
    else {
      const event: JsonEvent = { type: 'effect.interrupted', effect: row.child, src: row.src };
      await this.#options.deliver(row.address, row.id, event);
    }
    return 'settled';
  }

  /** Asks the probe; a probe that is too slow, or not wanted any more, has found nothing out. */
  async #probe(running: Running, effectId: string, input: Json | undefined): Promise<ProbeResult> {
    const { policy } = running;
    if (policy.recovery !== 'probe' || policy.probe === undefined) return { type: 'unknown' };
    const { timeoutMs } = policy;
    const controller = new AbortController();
    const { signal } = controller;
    running.probing = controller;
    const cancel = this.#options.clock.schedule(timeoutMs, () => controller.abort());
    const givenUp = new Promise<ProbeResult>((resolve) => {
      signal.addEventListener('abort', () => resolve({ type: 'unknown' }), { once: true });
    });
    try {
      return await Promise.race([policy.probe({ effectId, input, signal }), givenUp]);
    } catch (error) {
      this.#options.log.warn({ err: errorToJson(error), effect: effectId }, 'effect.probe.failed');
      return { type: 'unknown' };
    } finally {
      cancel();
    }
  }

  /** Writes or clears the started mark; false when the effect's row is gone. */
  async #mark(waiting: Waiting, running: Running, started: boolean): Promise<boolean> {
    const { loop, clock } = this.#options;
    if (running.aborted || loop.peek(waiting.key) === undefined) return false;
    const { started: _earlier, ...row } = waiting.row;
    const attempt = (waiting.row.started?.attempt ?? 0) + 1;
    const mark = started ? { started: { at: clock.now(), epoch: loop.epoch, attempt } } : {};
    const stage = loop.begin();
    stage.put(waiting.key, { ...row, ...mark });
    await new Promise<void>((resolve, reject) => {
      stage.after = resolve;
      stage.failed = reject;
      loop.add(stage);
    });
    return true;
  }

  /** A deferred effect waits its turn again, with its mark cleared: it did nothing. */
  async #putBack(waiting: Waiting, running: Running, marked: boolean): Promise<void> {
    if (marked && !(await this.#mark(waiting, running, false))) return;
    const { pool } = running;
    // Read again from disk, oldest first: it must not stand behind those that came later.
    for (const { effectKey } of pool.queue.splice(0)) this.#queued.delete(effectKey);
    pool.more = true;
  }

  #pool(definition: Definition, name: string, src: string): Pool {
    const key = poolKey(definition.kind, name);
    const known = this.#pools.get(key);
    if (known !== undefined) return known;
    const pool = newPool(definition, name, src);
    this.#pools.set(key, pool);
    return pool;
  }

  #sharesOf(pool: Pool, waiting: Waiting): readonly Share[] {
    const policy = pool.definition.policyOf(waiting.row.src);
    return policy.shares?.(waiting.row.input) ?? [];
  }
}
