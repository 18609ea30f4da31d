/**
 * The outbox: runs the effects that steps asked for, from their durable rows, within the bounds of their
 * pools.
 *
 * Owns: which effects run now. Callers: the kernel. The rows themselves are written and removed by steps; an
 * attempt rewrites one only to set or clear its started mark and to count its failures.
 *
 * Invariants:
 *  O1  An effect runs only while its row exists; it is aborted when the row goes (K6).
 *  O2  An effect is in one place: queued, running, or put aside (parked or resting). What is on disk alone is
 *      younger than what is queued.
 *  O3  A pool holds at most 2 x its limit of rows in memory, and those put aside; the rest wait on disk,
 *      oldest first.
 *  O4  A place in a pool is given back after the commit of the result, so that who runs next sees it. One who
 *      rests holds none.
 *  O5  Nothing runs before `start` or after `stop`; what is offered meanwhile keeps its rows and waits.
 *  O6  Nothing runs whose row is not on disk (K1): scans see staged rows, and leave them to their commit.
 */
import type { JsonEvent } from '../../json.js';
import { limits } from '../../limits.js';
import { keys, partsOf, rangeOf } from '../../store/keys.js';
import { Attempt, type AttemptOptions, type Ending } from './attempt.js';
import { Bounds, type Share } from './bounds.js';
import { rowOf, scanPast } from './damage.js';
import type { Definition } from './definition.js';
import { effectKeyOf, insertByAge, isEmpty, newPool, poolKey, sharesOf } from './pool.js';
import { startInTurn, windowOf, type Aside, type Pool, type UnderWay, type Waiting } from './pool.js';
import { sourceOfPool } from './pool-rows.js';
import type { ActorRecord, EffectRow } from './record.js';
import { Told } from './told.js';

export type OutboxOptions = Omit<AttemptOptions, 'told'>;

interface Running {
  readonly pool: Pool;
  readonly waiting: Waiting;
  readonly shares: readonly Share[];
  readonly attempt: Attempt;
  readonly startedAt: number;
  /** Its actor was released while it ran: it is not parked, but tried again. */
  released: boolean;
}

export class Outbox {
  readonly #options: OutboxOptions;
  readonly #attempts: AttemptOptions;
  readonly #pools = new Map<string, Pool>();
  readonly #bounds: Bounds;
  readonly #running = new Map<string, Running>();
  readonly #queued = new Set<string>();
  readonly #aside = new Map<string, Aside>();
  readonly #told = new Told();
  /** Kinds whose pools are known: what is in none of them has no row. */
  readonly #recovered = new Set<string>();
  #attemptCount = 0;
  /** Effects that ended while a page was being read: the page may still show them. */
  readonly #endedWhileLoading = new Set<string>();
  #loads = 0;
  /** False until `start` and from `stop` on: a kernel that is only looked through runs no effect (O5). */
  #accepting = false;
  #pumping = false;
  #idle: (() => void)[] = [];

  constructor(options: OutboxOptions) {
    this.#options = options;
    this.#attempts = { ...options, told: this.#told };
    this.#bounds = new Bounds(options.clock, () => this.#pump());
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
    // Its pool may have stood still because of it.
    if (this.#takeBack(effectKey)) this.#pump();
    this.#told.forget(effectKey);
    if (this.#loads > 0) this.#endedWhileLoading.add(effectKey);
    this.#running.get(effectKey)?.attempt.abort('cancelled');
  }

  /**
   * Gives an event to the running logic of an effect, at most once; it is kept until the effect starts,
   * within `limits.tellBacklogMax`.
   */
  tell(address: string, effectId: string, event: JsonEvent): void {
    const effectKey = `${address}/${effectId}`;
    if (this.#running.get(effectKey)?.attempt.tell(event) === true) return;
    if (this.#mayStart(effectKey) && this.#told.keep(effectKey, event)) return;
    this.#options.log.debug({ effect: effectKey, event: event.type }, 'effect.told.dropped');
  }

  /** Ends an effect for now, because its actor stands still: it is parked until `release`. */
  park(address: string, effectId: string): void {
    const effectKey = `${address}/${effectId}`;
    this.#running.get(effectKey)?.attempt.abort('stopped');
    if (!this.#queued.delete(effectKey)) return;
    for (const pool of this.#pools.values()) {
      const at = pool.queue.findIndex((waiting) => waiting.effectKey === effectKey);
      if (at < 0) continue;
      pool.queue.splice(at, 1);
      this.#putAside(effectKey, { pool, address, wake: undefined });
    }
  }

  /** The effects of an actor that run now, by id. */
  underWay(address: string): ReadonlyMap<string, UnderWay> {
    const own = [...this.#running.values()].filter(({ waiting }) => waiting.row.address === address);
    return new Map(own.map(({ waiting, startedAt }) => [waiting.row.id, { startedAt }]));
  }

  /** Offers the effects again that were parked because this actor could not be stepped. */
  release(address: string): void {
    for (const [effectKey, aside] of this.#aside) {
      if (aside.address !== address || aside.wake !== undefined) continue;
      this.#takeBack(effectKey);
      aside.pool.more = true;
    }
    for (const running of this.#running.values()) {
      if (running.waiting.row.address === address) running.released = true;
    }
    this.#pump();
  }

  /** Finds the pools of a kind that have rows on disk, one seek a pool, and starts what they hold. */
  async recover(definition: Definition): Promise<void> {
    let range = rangeOf('o', definition.kind);
    for (;;) {
      const [first] = await scanPast(this.#options.loop, { ...range, limit: 1 });
      if (first === undefined) break;
      const name = partsOf(first[0])[1] ?? '';
      const src = await sourceOfPool(this.#options, definition.kind, name);
      if (src !== undefined) this.#pool(definition, name, src).more = true;
      range = { gte: rangeOf('o', definition.kind, name).lt, lt: range.lt };
    }
    this.#recovered.add(definition.kind);
    this.#pump();
  }

  /** A damaged row does not say whose effect it is: it keeps its place on disk and holds up no other. */
  #leaveOut(pool: Pool, key: string): void {
    if (this.#aside.has(key)) return;
    this.#options.log.error({ key }, 'effect.damaged');
    this.#putAside(key, { pool, address: '', wake: undefined });
    // A page of nothing else must not be the last.
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
      await this.#options.loop.settled(key);
      const text = await this.#options.loop.read(key);
      const effectKey = `${address}/${id}`;
      const gone = text === undefined || this.#options.loop.peek(key) === undefined;
      if (gone || !this.#accepting || this.#running.has(effectKey)) continue;
      const row = JSON.parse(text) as EffectRow;
      this.#takeBack(effectKey);
      this.#start(this.#pool(definition, pool, src), { key, row, effectKey, loaded: true }, []);
    }
  }

  /**
   * Starts nothing more and aborts what need not drain; resolves when nothing runs or `timeoutMs` has passed.
   */
  async stop(timeoutMs: number): Promise<void> {
    this.#accepting = false;
    this.#bounds.stop();
    for (const effectKey of this.#aside.keys()) this.#takeBack(effectKey);
    for (const { attempt } of this.#running.values()) if (!attempt.drains) attempt.abort('stopped');
    if (this.#running.size === 0) return;
    const cancel = this.#options.clock.schedule(timeoutMs, () => {
      for (const { attempt } of this.#running.values()) attempt.abort('stopped');
    });
    await new Promise<void>((resolve) => this.#idle.push(resolve));
    cancel();
  }

  /** Puts one into its pool's queue, unless it is somewhere already (O2). */
  #enqueue(pool: Pool, waiting: Waiting): void {
    const { effectKey } = waiting;
    if (this.#queued.has(effectKey) || this.#running.has(effectKey) || this.#aside.has(effectKey)) return;
    this.#queued.add(effectKey);
    if (pool.queue.length === 0) pool.sinceMs = this.#options.clock.monotonicMs();
    insertByAge(pool.queue, waiting);
  }

  #putAside(effectKey: string, aside: Aside): void {
    this.#aside.set(effectKey, aside);
    aside.pool.aside += 1;
    if (aside.wake !== undefined) aside.pool.resting += 1;
  }

  #takeBack(effectKey: string): boolean {
    const aside = this.#aside.get(effectKey);
    if (aside === undefined) return false;
    this.#aside.delete(effectKey);
    aside.pool.aside -= 1;
    if (aside.wake === undefined) return true;
    aside.pool.resting -= 1;
    aside.wake();
    return true;
  }

  /** False when there is certainly no such effect, now or on disk. */
  #mayStart(effectKey: string): boolean {
    if (this.#queued.has(effectKey) || this.#running.has(effectKey) || this.#aside.has(effectKey))
      return true;
    const kind = effectKey.slice(0, effectKey.indexOf('/'));
    if (!this.#recovered.has(kind)) return true;
    for (const { definition, more, loading } of this.#pools.values()) {
      if (definition.kind === kind && (more || loading)) return true;
    }
    return false;
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
    const pools = [...this.#pools.values()];
    for (const pool of pools) if (isEmpty(pool)) this.#pools.delete(poolKey(pool.definition.kind, pool.name));
    const nowMs = this.#options.clock.monotonicMs();
    startInTurn(pools, nowMs, (pool) => this.#startNext(pool));
    for (const pool of pools) if (pool.more && pool.queue.length < pool.limit) void this.#load(pool);
  }

  /** Starts the head of a pool, where its bounds let it. */
  #startNext(pool: Pool): boolean {
    for (let next = pool.queue[0]; next !== undefined; next = pool.queue[0]) {
      if (this.#queued.has(next.effectKey)) {
        // Where so many fail, more would: the pool waits for one of them.
        if (pool.running >= pool.limit || pool.resting >= limits.restingEffectsMax) return false;
        const shares = this.#sharesOf(pool, next);
        if (shares !== undefined && !this.#bounds.admits(shares)) return false;
        pool.queue.shift();
        this.#start(pool, next, shares);
        return true;
      }
      pool.queue.shift();
    }
    return false;
  }

  async #load(pool: Pool): Promise<void> {
    if (pool.loading) return;
    pool.loading = true;
    // From here on it says what came up while the page was read; the page itself may add to it.
    pool.more = false;
    this.#loads += 1;
    try {
      const range = rangeOf('o', pool.definition.kind, pool.name);
      const held = pool.queue.length + pool.running + pool.aside;
      const page = await scanPast(this.#options.loop, { ...range, limit: held + windowOf(pool) });
      const isOffered = pool.more;
      if (page.length === held + windowOf(pool)) pool.more = true;
      for (const scanned of page) {
        const [key] = scanned;
        const row = rowOf<EffectRow>(scanned);
        if (row === undefined) {
          this.#leaveOut(pool, key);
          continue;
        }
        const effectKey = effectKeyOf(row);
        // What is staged, or will be deleted, is not on disk as it is here: it is offered by its commit (O6).
        const isStaged = this.#options.loop.peek(key) !== null;
        if (!isStaged && !this.#endedWhileLoading.has(effectKey))
          this.#enqueue(pool, { key, row, effectKey, loaded: true });
      }
      if (isOffered) this.#pump();
    } catch (error) {
      pool.more = true;
      this.#options.log.error({ err: error, pool: pool.name }, 'outbox.load');
    } finally {
      pool.loading = false;
      this.#loads -= 1;
      if (this.#loads === 0) this.#endedWhileLoading.clear();
    }
    if (!pool.more) this.#told.retain((effectKey) => this.#mayStart(effectKey));
    if (pool.queue.length > 0) this.#pump();
  }

  /** Without `shares` it cannot start: it waits for its release or the next open, and holds nobody up. */
  #start(pool: Pool, waiting: Waiting, shares: readonly Share[] | undefined): void {
    const { effectKey } = waiting;
    const { address } = waiting.row;
    this.#queued.delete(effectKey);
    if (shares === undefined) return this.#putAside(effectKey, { pool, address, wake: undefined });
    this.#attemptCount += 1;
    pool.turn = this.#attemptCount;
    pool.sinceMs = this.#options.clock.monotonicMs();
    const attempt = new Attempt(this.#attempts, pool.definition, waiting, this.#attemptCount);
    const startedAt = this.#options.clock.now();
    const running: Running = { pool, waiting, shares, attempt, startedAt, released: false };
    this.#running.set(effectKey, running);
    pool.running += 1;
    for (const share of shares) this.#bounds.take(share);
    void this.#run(running);
  }

  async #run(running: Running): Promise<void> {
    const { pool, waiting, attempt, shares } = running;
    let ending: Ending | undefined;
    try {
      ending = await attempt.run();
    } catch (error) {
      const isNews = this.#accepting && attempt.aborted === undefined;
      this.#options.log[isNews ? 'error' : 'debug'](
        { err: error, effect: waiting.effectKey },
        'effect.failed',
      );
    }
    this.#running.delete(waiting.effectKey);
    pool.running -= 1;
    for (const share of shares) this.#bounds.giveBack(share);
    if (this.#accepting && attempt.aborted !== 'cancelled') this.#goOn(running, ending);
    this.#pump();
    if (this.#running.size > 0) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  /** Where an effect goes whose row is there still, after an attempt. */
  #goOn({ pool, waiting, attempt, released }: Running, ending: Ending | undefined): void {
    const again: Waiting = { ...waiting, row: attempt.row, loaded: true };
    const wanted = attempt.aborted === undefined ? ending : undefined;
    if (wanted?.type === 'rests') this.#rest(pool, again, wanted.forMs);
    else if (wanted?.type === 'deferred') this.#putBack(pool, again);
    // Its actor could not take what it had to say, or has not yet: it waits, unseen, for its release or the
    // next open.
    else if (released) pool.more = true;
    else this.#putAside(waiting.effectKey, { pool, address: waiting.row.address, wake: undefined });
  }

  /** One that did nothing waits its turn again, in its old place. */
  #putBack(pool: Pool, waiting: Waiting): void {
    const isOpen = this.#sharesOf(pool, waiting)?.every((share) => this.#bounds.isOpen(share)) !== false;
    // With nothing to wait for it would be tried again at once, for ever.
    if (isOpen) this.#rest(pool, waiting, limits.deferredPauseMs);
    else this.#enqueue(pool, waiting);
  }

  /** Queues it again after a while; until then it holds no place. */
  #rest(pool: Pool, waiting: Waiting, forMs: number): void {
    const wake = this.#options.clock.schedule(forMs, () => {
      this.#takeBack(waiting.effectKey);
      this.#enqueue(pool, { ...waiting, rested: true });
      this.#pump();
    });
    this.#putAside(waiting.effectKey, { pool, address: waiting.row.address, wake });
  }

  #pool(definition: Definition, name: string, src: string): Pool {
    const key = poolKey(definition.kind, name);
    const known = this.#pools.get(key);
    if (known !== undefined) return known;
    const pool = newPool(definition, name, src, this.#attemptCount);
    this.#pools.set(key, pool);
    return pool;
  }

  #sharesOf(pool: Pool, waiting: Waiting): readonly Share[] | undefined {
    return sharesOf(pool, waiting, this.#options.log);
  }
}
