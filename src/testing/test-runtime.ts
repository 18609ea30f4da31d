/**
 * The test runtime: a whole runtime that a test holds in its hand, without a disk, a network or real time.
 *
 * It is the very `Runtime` of production, over a store in memory, a clock that stands still and effects that
 * wait for the test to answer them. Owns: the memory disk and the runtimes opened on it, one after the other.
 * Callers: tests of any runner; what a test does wrong is an AssertionError of node:assert. Invariants:
 *  1  The same test writes the same rows, byte for byte: no chance and no real time reaches the disk.
 *  2  After `settle` nothing can happen until time passes, an effect is answered or the test acts.
 *  3  A crash loses what a SIGKILL loses, and nothing more; effects and promises of before are never heard
 *     of.
 */
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock, type Clock } from '../clock.js';
import { newId } from '../ids.js';
import type { ActorName, Capsule } from '../index.js';
import { isPlainObject } from '../json.js';
import { silentLogger } from '../log.js';
import type { RuntimeOptions } from '../runtime-options.js';
import { openOver, type Runtime } from '../runtime.js';
import { createMemoryDisk, openMemoryStore, type MemoryDisk } from '../store/index.js';
import { Activity, turn } from './test-activity.js';
import { millisecondsOf, TestClock } from './test-clock.js';
import { testDisk, type CrashMoment, type TestDisk } from './test-disk.js';
import { failure, TestEffects, type Answers } from './test-effects.js';
import { armedTimers, type TestTimer } from './test-timers.js';

export interface TestRuntimeOptions<Kinds> extends Pick<
  RuntimeOptions,
  'providers' | 'channels' | 'jobs' | 'sessions' | 'work' | 'memory' | 'telemetry' | 'log'
> {
  /** Defines the machines; called at the start, and again after every crash, as your program would. */
  readonly define?: (runtime: Runtime) => Kinds;
  /**
   * What answers effects by itself, by `<kind>.<src>` or `<src>`: `{'order.charge': (input) => receipt}`. The
   * runtime's own are `job.submit`, `job.reconcile`, `job.poll`, `job.fetch`, `job.cancelRemote`,
   * `delivery.send` and `delivery.reconcile`. Those of schedules run by themselves.
   */
  readonly answers?: Answers;
  /** What becomes of all others: `wait` (default) for the test, or `run` the machine's own logic. */
  readonly effects?: 'wait' | 'run';
  /** Wall-clock time at the start, epoch milliseconds; default 2026-01-01T00:00:00Z. */
  readonly startAt?: number;
  /** `power` (default): a crash loses nothing acknowledged. `process`: it may, see `crash({losing})`. */
  readonly durability?: 'power' | 'process';
  /**
   * Actors to begin with: capsules, of `fixture` or of `runtime.export`. They go on as after a crash; the
   * clock starts at the latest of their `exportedAt`, unless `startAt` says otherwise, so timers have what
   * was left.
   */
  readonly fixtures?: readonly unknown[];
  /** What to begin with: the disk of another test runtime that was closed. Default: an empty one. */
  readonly disk?: MemoryDisk;
  /**
   * Where jobs that run their own `fetch` put artifacts; default a temporary directory, removed at the
   * close.
   */
  readonly directory?: string;
  /**
   * How long `settle` waits, in real milliseconds, for logic and answers that do real work; default 5,000.
   */
  readonly patienceMs?: number;
}

export interface CrashOptions {
  /**
   * Not now, but once settled, at the next commit: before anything of it is written, or when all of it is.
   */
  readonly at?: CrashMoment;
  /** What brings that commit about. What it returns or throws after the crash is dropped. */
  readonly during?: () => unknown;
  /** With durability `process`: how many of the newest commits are lost with the power; default 0. */
  readonly losing?: number;
}

/** 2026-01-01T00:00:00Z. */
const START_AT = 1_767_225_600_000;
/** Within one `settle`, and timers within one `advance`: more are a loop. */
const COMMITS_MAX = 2_000;
const TURNS_MAX = 1_000_000;
const TIMERS_MAX = 100_000;

/** Opens one. Throws what `openRuntime` and `define` throw. */
export async function createTestRuntime<Kinds = undefined>(
  options: TestRuntimeOptions<Kinds> = {},
): Promise<TestRuntime<Kinds>> {
  const { fixtures = [] } = options;
  const {
    startAt = exportedAt(fixtures) ?? START_AT,
    disk = createMemoryDisk({ durability: options.durability ?? 'power' }),
  } = options;
  const activity = new Activity();
  const test = new TestRuntime(options, { activity, clock: new TestClock(startAt, activity), disk });
  await test.open();
  try {
    await test.begin(fixtures);
  } catch (error) {
    await test.close();
    throw error;
  }
  return test;
}

/** When the latest of them was exported; whether they are capsules is for the import to say. */
function exportedAt(fixtures: readonly unknown[]): number | undefined {
  const times = fixtures.flatMap((fixture) => {
    const at: unknown = isPlainObject(fixture) ? fixture['exportedAt'] : undefined;
    return typeof at === 'number' ? [at] : [];
  });
  return times.length === 0 ? undefined : Math.max(...times);
}

interface Parts {
  readonly activity: Activity;
  readonly clock: TestClock;
  readonly disk: MemoryDisk;
}

/** What is open: replaced by a crash. */
interface Life<Kinds> {
  readonly runtime: Runtime;
  readonly kinds: Kinds;
}

export class TestRuntime<Kinds = undefined> {
  /** Every effect that was asked for, and the hands to answer it. */
  readonly effects: TestEffects;
  /** The runtime's clock: reads it, and sets timers on it, as code under test should. */
  readonly clock: Clock;
  /** What survives: give it to another test runtime once this one is closed. */
  readonly disk: MemoryDisk;
  readonly #options: TestRuntimeOptions<Kinds>;
  readonly #activity: Activity;
  readonly #clock: TestClock;
  readonly #disk: TestDisk;
  readonly #directory: string;
  #life: Life<Kinds> | undefined;
  #idsMade = 0;
  #isKilled = false;
  #lastStep = 'none';

  /** Use `createTestRuntime`. */
  constructor(options: TestRuntimeOptions<Kinds>, { activity, clock, disk }: Parts) {
    this.#options = options;
    this.#activity = activity;
    this.#clock = clock;
    this.clock = clock;
    this.disk = disk;
    this.#disk = testDisk(disk, activity);
    this.#directory = options.directory ?? join(tmpdir(), newId('holdfast-test'));
    this.effects = new TestEffects({
      answers: options.answers ?? {},
      otherwise: options.effects ?? 'wait',
      activity,
      settle: () => this.settle(),
    });
  }

  /** The runtime itself; another one after a crash. */
  get runtime(): Runtime {
    return this.#alive().runtime;
  }

  /** What `define` returned; after a crash, what it returned then. Refs of before the crash are dead. */
  get kinds(): Kinds {
    return this.#alive().kinds;
  }

  /** For `createTestRuntime`. */
  async open(): Promise<void> {
    const { define, log = silentLogger } = this.#options;
    const store = await openMemoryStore({ disk: this.#disk.disk });
    const runtime = await openOver(
      store,
      { ...this.#options, directory: this.#directory, clock: this.#clock, log, control: false },
      { newId: (prefix) => this.#newId(prefix), hook: this.effects.hook },
    );
    this.#isKilled = false;
    runtime.on('step', ({ address, entry }) => {
      this.#lastStep = `${entry.event.type} at ${address}`;
    });
    try {
      // Without a `define` there is nothing that the test could ask of it.
      this.#life = { runtime, kinds: define?.(runtime) as Kinds };
    } catch (error) {
      await this.#shut(runtime);
      throw error;
    }
    await this.settle();
  }

  /** For `createTestRuntime`: all are there before the first goes on. */
  async begin(fixtures: readonly unknown[]): Promise<void> {
    const addresses: string[] = [];
    for (const fixture of fixtures) {
      addresses.push(await this.runtime.import(fixture, { standIns: 'accept', children: 'failed' }));
    }
    for (const address of addresses) await this.runtime.quarantine.resume(address, { operator: 'fixture' });
    await this.settle();
  }

  /**
   * An actor as plain JSON, as it is on disk: a capsule, with nothing taken out. Keep it as a file, and begin
   * other tests with it. Throws ACTOR_NOT_FOUND.
   */
  async fixture(actor: ActorName): Promise<Capsule> {
    await this.settle();
    return this.runtime.export(actor, { redact: false });
  }

  /**
   * Resolves when everything has run that can without time passing or an effect being answered; timers that
   * are due now fire. AssertionError when it never comes to rest: a machine that loops, real work that
   * hangs.
   */
  async settle(): Promise<void> {
    await this.#rest();
    if (this.#life?.runtime.status === 'failed' && !this.#isKilled) throw failure('the runtime has failed');
  }

  /**
   * Moves the clock, by milliseconds or `'90 s'`, `'2 h'` (ms, s, min, h, d). Timers on the way fire in their
   * order, each at its time and with everything that follows from it settled.
   */
  async advance(duration: number | string): Promise<void> {
    const ms = millisecondsOf(duration);
    if (ms === undefined) throw failure(`${JSON.stringify(duration)} is no duration: 1500, '90 s', '2 h'`);
    await this.settle();
    const until = this.#clock.monotonicMs() + ms;
    for (let fired = 0; ; fired += 1) {
      const dueMs = this.#clock.nextDueMs();
      if (dueMs === undefined || dueMs > until) break;
      if (fired === TIMERS_MAX) throw failure(`more than ${TIMERS_MAX} timers; the last: ${this.#lastStep}`);
      this.#clock.moveTo(dueMs);
      await this.settle();
    }
    this.#clock.moveTo(until);
  }

  /**
   * Kills the process, now or at its next commit, and opens the same disk again: `define` is called, recovery
   * runs, and everything settles. What was under way rejects; what was not on disk is gone.
   */
  async crash(options: CrashOptions = {}): Promise<void> {
    const { runtime } = this.#alive();
    if (options.at === undefined) this.#kill(options.losing);
    else await this.#dieAt(options.at, options);
    this.#life = undefined;
    await this.#shut(runtime);
    await this.open();
  }

  /** The timers of users' machines that are armed, soonest first. */
  timers(): Promise<readonly TestTimer[]> {
    return armedTimers(this.runtime);
  }

  /** AssertionError, with a list, when an effect waits, a timer is armed or an actor stands still. */
  async expectQuiet(): Promise<void> {
    await this.settle();
    const effects = this.effects
      .waiting()
      .map(({ name, actor }) => `${name} of ${actor} waits for an answer`);
    const timers = (await this.timers()).map(
      ({ actor, name, dueAt }) => `${name} of ${actor} fires in ${dueAt - this.#clock.now()} ms`,
    );
    const { items } = await this.runtime.quarantine.list();
    const standing = items.map(({ address, message }) => `${address} stands still: ${message}`);
    const all = [...effects, ...timers, ...standing];
    if (all.length > 0) throw failure(`not quiet:\n  ${all.join('\n  ')}`);
  }

  /** Closes the runtime; asserts nothing. Closing twice is harmless. */
  async close(): Promise<void> {
    const life = this.#life;
    this.#life = undefined;
    if (life !== undefined) await this.#shut(life.runtime);
    if (this.#options.directory === undefined) await rm(this.#directory, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #alive(): Life<Kinds> {
    if (this.#life === undefined) throw failure('the test runtime is closed');
    return this.#life;
  }

  /** Closing waits on the clock, which nobody else moves. */
  async #shut(runtime: Runtime): Promise<void> {
    const closing = runtime.close({ timeoutMs: 0 });
    await this.#rest();
    await closing;
  }

  #kill(losing = 0): void {
    this.#isKilled = true;
    this.effects.interrupt();
    this.disk.cutPower({ losing });
  }

  async #dieAt(moment: CrashMoment, { during, losing }: CrashOptions): Promise<void> {
    // What is under way has commits of its own, which are not meant.
    await this.settle();
    const takeBack = this.#disk.dieAt(moment, () => this.#kill(losing));
    const outcome = { error: undefined as unknown };
    const work = Promise.resolve()
      .then(() => during?.())
      .catch((error: unknown) => {
        outcome.error = error;
      });
    await this.#rest();
    if (this.#isKilled) return;
    await work;
    await this.#rest();
    if (this.#isKilled) return;
    takeBack();
    throw outcome.error ?? failure(`nothing was committed, so nothing died ${moment}`);
  }

  #newId(prefix: string): string {
    this.#idsMade += 1;
    return `${prefix}_${String(this.#idsMade).padStart(4, '0')}`;
  }

  async #rest(): Promise<void> {
    const commitsMax = this.#disk.commitCount() + COMMITS_MAX;
    for (let turns = 0; ; turns += 1) {
      await turn();
      if (turns === TURNS_MAX || this.#disk.commitCount() > commitsMax)
        throw failure(`it does not come to rest; the last step: ${this.#lastStep}`);
      if (this.#activity.isBusy('kernel') || this.#clock.fireDue()) continue;
      if (!this.#activity.isBusy('world')) return;
      await this.#awaitWorld();
    }
  }

  /** Real work ends in real time. */
  async #awaitWorld(): Promise<void> {
    const { patienceMs = 5_000 } = this.#options;
    let cancel = (): void => undefined;
    const outOfPatience = new Promise<'late'>((resolve) => {
      cancel = systemClock.schedule(patienceMs, () => resolve('late'));
    });
    const first = await Promise.race([this.#activity.change(), outOfPatience]);
    cancel();
    if (first !== 'late') return;
    const running = this.effects.all().filter(({ status }) => status === 'running');
    const names = running.map(({ name, actor }) => `${name} of ${actor}`).join(', ') || 'a probe';
    throw failure(`still at work after ${patienceMs} ms: ${names}; let it wait, and answer it`);
  }
}
