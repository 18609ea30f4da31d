/**
 * The runtime: one directory, opened; the only file that names concrete implementations.
 *
 * Owns: the lifecycle (machines/supervisor.ts), the store, the kernel, the façades, the control server.
 * Callers: users, the CLI. Invariants:
 *  1  Nothing is accepted before recovery has begun, or after `close` was called.
 *  2  A failed store fails the runtime: every call says STORE_FAILED or STORE_FULL until the directory is
 *     opened again.
 *  3  `close` leaves nothing running and the directory free for the next process.
 */
import { EventEmitter } from 'node:events';
import { join, resolve } from 'node:path';
import { createActor, type ActorRefFrom, type AnyStateMachine } from 'xstate';
import { Accounts } from './actors/accounts.js';
import type { ActorView, ListActors } from './actors/actor-view.js';
import { Actors, type ActorKind, type DefineOptions } from './actors/actors.js';
import { ArtifactFiles } from './actors/artifact-files.js';
import { Capsules } from './actors/capsule/capsules.js';
import {
  storedCounts,
  takeCensus,
  type Census,
  type CensusOptions,
  type StoredCount,
} from './actors/census.js';
import { Deliveries } from './actors/deliveries.js';
import { JobEffects } from './actors/job-effects.js';
import { JobReconcile } from './actors/job-reconcile.js';
import { Jobs } from './actors/jobs.js';
import { Kernel, type CommittedStep, type Page } from './actors/kernel/index.js';
import { ProviderBook } from './actors/provider-book.js';
import { Quarantine, quarantineView, type QuarantineView } from './actors/quarantine.js';
import { Sessions } from './actors/sessions.js';
import { Backups, type BackupOptions } from './backup.js';
import { systemClock, type Clock } from './clock.js';
import { startControlServer, type ControlServer } from './control/server.js';
import { HoldfastError, isHoldfastError } from './errors.js';
import { limits } from './limits.js';
import { createLogger, type Logger } from './log.js';
import { supervisorMachine, type SupervisorEvent } from './machines/index.js';
import { createTransport, sweepParts, type Transport } from './providers/index.js';
import { checkOptions, type Doubles, type RuntimeOptions } from './runtime-options.js';
import { openLevelStore, type CopyReport, type Store } from './store/index.js';

export interface RuntimeEvents {
  /** After every commit of a step. */
  readonly step: [step: CommittedStep];
  /** After the commit that made an actor stand still. */
  readonly quarantined: [info: QuarantineView];
  /** Once, when the store can no longer be trusted. */
  readonly failed: [error: unknown];
}

export type RuntimeStatus = 'opening' | 'recovering' | 'running' | 'draining' | 'closed' | 'failed';

/**
 * Opens a directory and brings back what was in flight. Resolves when recovery is in hand.
 * Throws STORE_LOCKED, STORE_FOREIGN, STORE_FORMAT_NEWER, STORE_UNWRITABLE, STORE_FULL, STORE_CORRUPTED,
 * INVALID_OPTIONS.
 */
export async function openRuntime(options: RuntimeOptions): Promise<Runtime> {
  checkOptions(options);
  const providers = new ProviderBook(options.providers ?? []);
  const directory = resolve(options.directory);
  const opened = await openLevelStore({ directory, durability: options.durability ?? 'power' });
  let store = opened;
  try {
    store = options.wrapStore?.(opened) ?? opened;
    return await Runtime.start({ ...options, directory }, store, providers);
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** The same over a store that is open, and is the runtime's from then on: for tests. */
export async function openOver(
  store: Store,
  options: RuntimeOptions,
  doubles: Doubles = {},
): Promise<Runtime> {
  try {
    checkOptions(options);
    return await Runtime.start(options, store, new ProviderBook(options.providers ?? []), doubles);
  } catch (error) {
    await store.close();
    throw error;
  }
}

/**
 * What can be done in a directory that nobody runs: look, cancel, retry. Steps are committed as ever; what
 * they ask for is done by the next `openRuntime`.
 */
export interface OfflineRuntime {
  readonly directory: string;
  readonly jobs: Pick<Jobs, 'list' | 'view' | 'get'>;
  readonly deliveries: Pick<Deliveries, 'list' | 'get' | 'retry'>;
  readonly sessions: Sessions;
  /** Looks at every kind; acts on the runtime's own kinds alone, whose machines are here. */
  readonly quarantine: Quarantine;
  /** What a machine would make of the stored actors of its kind; it changes nothing. */
  census(machine: AnyStateMachine, options?: CensusOptions): Promise<Census>;
  /** How many actors of every kind are in each state. */
  counts(): readonly StoredCount[];
  /** See `Runtime.backup`. */
  backup(target: string, options?: BackupOptions): Promise<CopyReport>;
  /** See `Runtime.export` and `Runtime.import`. */
  readonly export: Capsules['export'];
  readonly import: Capsules['import'];
  /** Flushes and frees the directory. */
  close(): Promise<void>;
}

/**
 * Opens a directory without running it: takes its lock, raises no generation, starts no effect, arms no
 * timer. Throws as `openRuntime` does, and INVALID_OPTIONS when the directory holds no store: nothing is
 * created.
 */
export async function openOffline(
  options: Pick<RuntimeOptions, 'directory' | 'log'>,
): Promise<OfflineRuntime> {
  const directory = resolve(options.directory);
  const store = await openLevelStore({ directory, purpose: 'look' });
  try {
    const log = options.log ?? createLogger({ level: 'warn' });
    const clock = systemClock;
    const kernel = await Kernel.open({ store, clock, log });
    const files = new ArtifactFiles(join(directory, 'artifacts'), kernel, log);
    const parts = { store, kernel, providers: new ProviderBook([]), clock, log, files };
    const { transport, ...rooms } = assemble({ directory }, parts);
    const capsules = new Capsules(kernel, clock);
    const backups = new Backups({ directory, store, files, clock });
    const close = async (): Promise<void> => {
      await backups.close();
      await kernel.close(0);
      await transport.close();
      await store.close();
    };
    return {
      directory,
      jobs: rooms.jobs,
      deliveries: rooms.deliveries,
      sessions: rooms.sessions,
      quarantine: new Quarantine(kernel),
      census: (machine, census) => takeCensus(kernel, machine, census),
      counts: () => storedCounts(kernel),
      backup: (target, taken) => backups.take(target, taken),
      export: (...asked) => capsules.export(...asked),
      import: (...given) => capsules.import(...given),
      close,
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}

export class Runtime {
  readonly jobs: Jobs;
  readonly deliveries: Deliveries;
  readonly sessions: Sessions;
  readonly accounts: Accounts;
  readonly quarantine: Quarantine;
  readonly directory: string;
  readonly #store: Store;
  readonly #kernel: Kernel;
  readonly #actors: Actors;
  readonly #capsules: Capsules;
  readonly #transport: Transport;
  readonly #backups: Backups;
  readonly #log: Logger;
  readonly #events = new EventEmitter<RuntimeEvents>().setMaxListeners(0);
  readonly #supervisor: ActorRefFrom<typeof supervisorMachine>;
  #control: ControlServer | undefined;
  #closing: Promise<void> | undefined;

  /** Use `openRuntime`. */
  static async start(
    options: RuntimeOptions,
    store: Store,
    providers: ProviderBook,
    { newId, hook }: Doubles = {},
  ): Promise<Runtime> {
    const log = options.log ?? createLogger({ level: 'warn' });
    const clock = options.clock ?? systemClock;
    const artifacts = join(options.directory, 'artifacts');
    const kernel = await Kernel.open({ store, clock, log, memory: options.memory, hook });
    const files = new ArtifactFiles(artifacts, kernel, log);
    const runtime = new Runtime(options, { store, kernel, providers, clock, log, files, newId });
    kernel.onUnreferenced((file) => files.letGo(file));
    kernel.onFailure((error) => runtime.#failed(error));
    try {
      await runtime.#recover(artifacts, options.control !== false);
    } catch (error) {
      // Half of it may be at work already: none of it may outlive the refusal.
      await runtime.close({ timeoutMs: 0 });
      throw error;
    }
    return runtime;
  }

  private constructor(options: RuntimeOptions, parts: RuntimeParts) {
    const { store, kernel, log } = parts;
    const { accounts, deliveries, jobs, sessions, transport } = assemble(options, parts);
    this.directory = options.directory;
    this.accounts = accounts;
    this.deliveries = deliveries;
    this.jobs = jobs;
    this.sessions = sessions;
    this.quarantine = new Quarantine(kernel);
    this.#store = store;
    this.#kernel = kernel;
    this.#capsules = new Capsules(kernel, parts.clock);
    this.#actors = new Actors(kernel, log, parts.newId);
    this.#log = log;
    this.#transport = transport;
    this.#backups = new Backups({ ...parts, directory: options.directory });
    this.#supervisor = createActor(supervisorMachine, { input: { closeTimeoutMs: limits.closeTimeoutMs } });
    this.#supervisor.start();
    kernel.onStep((step) => this.#events.emit('step', step));
    kernel.onQuarantined((...who) => this.#events.emit('quarantined', quarantineView(...who)));
  }

  get status(): RuntimeStatus {
    return this.#supervisor.getSnapshot().value;
  }

  /** Where other processes reach this runtime; undefined with `control: false`. */
  get controlAddress(): string | undefined {
    return this.#control?.address;
  }

  /**
   * Makes a machine durable and returns the handle of its actors. Stored ones wake up now: their effects go
   * on as their recovery says, overdue timers fire. The same machine may be defined twice; the first
   * options stand. Throws INVALID_DEFINITION for what cannot be made durable (K13), for a structure that
   * changed under its version (K12), and for a kind that is taken; RUNTIME_CLOSED.
   */
  define<Machine extends AnyStateMachine>(
    machine: Machine,
    options?: DefineOptions<Machine>,
  ): ActorKind<Machine> {
    if (this.#closing !== undefined) throw new HoldfastError('RUNTIME_CLOSED', 'the runtime is closed');
    return this.#actors.define(machine, options);
  }

  /** As the `list` of a kind's handle, by the kind's name, whether or not it is defined in this process. */
  list(kind: string, options?: ListActors): Promise<Page<ActorView>> {
    return this.#actors.list(kind, options);
  }

  /**
   * Listens to an event; returns a function that stops it. A listener that throws or rejects is logged, never
   * felt.
   */
  on<Name extends keyof RuntimeEvents>(
    name: Name,
    listener: (...event: RuntimeEvents[Name]) => void,
  ): () => void {
    const guarded = async (...event: unknown[]): Promise<void> => {
      try {
        // The emitter passes on exactly what was emitted under this name; an async function may get it.
        await (listener(...(event as RuntimeEvents[Name])) as unknown);
      } catch (error) {
        this.#log.error({ err: error, event: name }, 'listener.failed');
      }
    };
    this.#events.on(name, guarded as never);
    return () => this.#events.off(name, guarded as never);
  }

  /** Journals, records and replays of any actor: what debugging and tests look at. */
  get inspect(): Pick<Kernel, 'reader' | 'definitionOf' | 'counts' | 'snapshot'> {
    return this.#kernel;
  }

  /**
   * What a machine would make of the stored actors of its kind and of its children's: which are safe, which
   * migrate, which are blocked. It works with a machine that `define` would refuse, and changes nothing.
   * Throws INVALID_DEFINITION for a machine that cannot be durable at all.
   */
  census(machine: AnyStateMachine, options?: CensusOptions): Promise<Census> {
    return takeCensus(this.#kernel, machine, options);
  }

  /**
   * One actor as a capsule: JSON to look at, replay and test elsewhere (`holdfast/testing`); it needs no
   * machine. Stand-ins replace what looks like a secret; `gaps` names rows that cannot be read. Throws
   * ACTOR_NOT_FOUND, INVALID_ID, INVALID_INPUT, STORE_CORRUPTED for a damaged record, RUNTIME_CLOSED.
   */
  export(...asked: Parameters<Capsules['export']>): ReturnType<Capsules['export']> {
    return this.#capsules.export(...asked);
  }

  /**
   * Puts an actor of a capsule into this store, standing still (CAPSULE_IMPORTED): nothing of it runs until
   * `quarantine.resume`. Resolves with its address once it is on disk. Throws ADDRESS_TAKEN, CAPSULE_ALTERED,
   * CAPSULE_INVALID, CAPSULE_UNFIT, INVALID_ID, INVALID_INPUT, RUNTIME_CLOSED, STORE_FAILED.
   */
  import(...given: Parameters<Capsules['import']>): ReturnType<Capsules['import']> {
    return this.#capsules.import(...given);
  }

  /** How many actors of every kind are in each state, of kinds too that are not defined here. */
  counts(): readonly StoredCount[] {
    return storedCounts(this.#kernel);
  }

  /**
   * Copies this moment of the directory into `target`, which is new or empty and whose parent exists, while
   * everything goes on; `restore` makes a directory of it again. Damaged rows and missing files stop nothing:
   * see the report. Throws INVALID_INPUT for a target inside the directory, STORE_FOREIGN for one that is not
   * empty, STORE_UNWRITABLE, STORE_FULL, STORE_BUSY, RUNTIME_CLOSED and the signal's reason; nothing of the
   * copy is then left.
   */
  backup(target: string, options?: BackupOptions): Promise<CopyReport> {
    return this.#backups.take(target, options);
  }

  /**
   * Takes no new work; polls, downloads and sleeps stop at once, submits and sends may finish until
   * `timeoutMs` (default 10 s). What is cut off goes on at the next open. Closing twice is harmless.
   */
  close(options: { readonly timeoutMs?: number } = {}): Promise<void> {
    this.#closing ??= this.#close(options.timeoutMs ?? limits.closeTimeoutMs);
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #recover(artifacts: string, control: boolean): Promise<void> {
    this.#supervisor.send({ type: 'runtime.opened' });
    await sweepParts(artifacts);
    await this.accounts.recover();
    await this.#kernel.start();
    await this.deliveries.recover();
    await this.jobs.recover();
    if (control) this.#control = await startControlServer(this, this.directory, this.#log);
    this.#supervisor.send({ type: 'runtime.recovered' });
  }

  async #close(timeoutMs: number): Promise<void> {
    this.#tell({ type: 'runtime.close' });
    // At the same time: calls of the control door end as they can, and nothing new is taken by any door.
    const inside = [this.#backups.close(), this.#kernel.close(timeoutMs)];
    const doors = await Promise.allSettled([this.#control?.close(), ...inside]);
    const lines = await Promise.allSettled([this.#transport.close()]);
    // Whatever went wrong with these, the directory must be free for the next process.
    for (const part of [...doors, ...lines]) {
      if (part.status === 'rejected') this.#log.error({ err: part.reason as unknown }, 'close.incomplete');
    }
    await this.#store.close();
    this.#tell({ type: 'runtime.drained' });
    this.#supervisor.stop();
  }

  /** The supervisor of a runtime that failed has ended: it is told nothing more. */
  #tell(event: SupervisorEvent): void {
    if (this.#supervisor.getSnapshot().status === 'active') this.#supervisor.send(event);
  }

  #failed(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    const code = isHoldfastError(error) ? error.code : 'STORE_FAILED';
    this.#tell({ type: 'runtime.failed', code, message });
    this.#log.error({ err: error }, 'runtime.failed');
    this.#events.emit('failed', error);
  }
}

interface RuntimeParts {
  readonly store: Store;
  readonly kernel: Kernel;
  readonly providers: ProviderBook;
  readonly clock: Clock;
  readonly log: Logger;
  readonly files: ArtifactFiles;
  readonly newId?: Doubles['newId'] | undefined;
}

/** The rooms of one kernel, wired: nothing of it acts before the kernel starts. */
function assemble(options: RuntimeOptions, parts: RuntimeParts) {
  const { kernel, providers, clock, log, files, newId } = parts;
  const transport = createTransport({ clock, log });
  const accounts = new Accounts(kernel, clock, log);
  const { channels = {}, jobs: defaults = {} } = options;
  const pathOf = (path: string): string => files.pathOf(path);
  const { retentionMs } = defaults;
  const deliveries = new Deliveries(kernel, { channels, retentionMs, pathOf }, log);
  const effects = new JobEffects({ kernel, providers, accounts, transport, clock, files, log });
  const reconcile = new JobReconcile({ kernel, providers, accounts, transport, effects });
  const jobs = new Jobs({ kernel, providers, deliveries, effects, reconcile, defaults, log, newId });
  return { accounts, deliveries, jobs, sessions: new Sessions(kernel), transport };
}
