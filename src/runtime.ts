/**
 * The runtime: one directory, opened and run.
 *
 * Owns: the lifecycle (machines/supervisor.ts), the parts (assembly.ts), the control server.
 * Callers: users, the CLI. Invariants:
 *  1  Nothing is accepted before recovery has begun, or after `close` was called and served turns have ended.
 *  2  A failed store fails the runtime: every call says STORE_FAILED or STORE_FULL until the directory is
 *     opened again.
 *  3  `close` leaves nothing running and the directory free for the next process.
 */
import { EventEmitter } from 'node:events';
import { resolve } from 'node:path';
import { createActor, type ActorRefFrom, type AnyStateMachine } from 'xstate';
import type { Accounts } from './actors/accounts.js';
import type { ActorView, ListActors } from './actors/actor-view.js';
import type { ActorKind, DefineOptions } from './actors/actors.js';
import type { Capsule } from './actors/capsule/capsule.js';
import type { ActorName, ExportOptions, ImportOptions } from './actors/capsule/capsules.js';
import {
  storedCounts,
  takeCensus,
  type Census,
  type CensusOptions,
  type StoredCount,
} from './actors/census.js';
import type { Deliveries } from './actors/deliveries.js';
import type { InspectionFace } from './actors/inspection/face.js';
import type { Jobs } from './actors/jobs.js';
import type { CommittedStep, Kernel, Page } from './actors/kernel/index.js';
import { ProviderBook } from './actors/provider-book.js';
import type { Providers } from './actors/providers.js';
import { quarantineView, type Quarantine, type QuarantineView } from './actors/quarantine.js';
import type { Sessions } from './actors/sessions.js';
import type { Tasks } from './actors/tasks.js';
import type { Work } from './actors/work.js';
import { assemble, type Assembly } from './assembly.js';
import type { BackupOptions } from './backup.js';
import { startControlServer, type ControlServer } from './control/server.js';
import { HoldfastError, isHoldfastError } from './errors.js';
import type { Address } from './ids.js';
import type { Inspector, InspectorOptions } from './inspector/index.js';
import { limits } from './limits.js';
import { supervisorMachine, type SupervisorEvent } from './machines/index.js';
import { checkGiven, checkOptions, type Doubles, type RuntimeOptions } from './runtime-options.js';
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
  checkGiven(options);
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
    const directory = resolve(options.directory);
    const providers = new ProviderBook(options.providers ?? []);
    return await Runtime.start({ ...options, directory }, store, providers, doubles);
  } catch (error) {
    await store.close();
    throw error;
  }
}

export class Runtime {
  /** Renders by providers: submit, look, wait, cancel. */
  readonly jobs: Jobs;
  /** Messages on their way to chats, and those that are given up. */
  readonly deliveries: Deliveries;
  /** Conversations, and what was written into them. */
  readonly sessions: Sessions;
  /** Prompts given to agents, worked on in the background. */
  readonly tasks: Tasks;
  /** Local jobs that workers claim, and what comes again and again. */
  readonly work: Work;
  /** Provider accounts that are held back, and the way to go on. */
  readonly accounts: Accounts;
  /** Who is registered, what they can do, and whether they know their accounts. */
  readonly providers: Providers;
  /** Actors that stand still after a fault or an import: look, resume, skip, dismiss. */
  readonly quarantine: Quarantine;
  /** Any actor, looked at without secrets: where it stands, how it came there, what could be next. */
  readonly inspection: InspectionFace;
  /** Absolute. */
  readonly directory: string;
  readonly #parts: Assembly;
  readonly #events = new EventEmitter<RuntimeEvents>().setMaxListeners(0);
  readonly #supervisor: ActorRefFrom<typeof supervisorMachine>;
  #control: ControlServer | undefined;
  #closing: Promise<void> | undefined;

  /** Use `openRuntime`. */
  static async start(
    options: RuntimeOptions,
    store: Store,
    providers: ProviderBook,
    doubles?: Doubles,
  ): Promise<Runtime> {
    const parts = await assemble(options, store, providers, doubles);
    const runtime = new Runtime(options.directory, parts);
    try {
      await runtime.#recover(options.control !== false);
    } catch (error) {
      // Half of it may be at work already: none of it may outlive the refusal.
      await runtime.close({ timeoutMs: 0 });
      throw error;
    }
    return runtime;
  }

  private constructor(directory: string, parts: Assembly) {
    const { kernel, files } = parts;
    this.directory = directory;
    this.accounts = parts.accounts;
    this.providers = parts.providers;
    this.deliveries = parts.deliveries;
    this.jobs = parts.jobs;
    this.sessions = parts.sessions;
    this.work = parts.work;
    this.tasks = parts.tasks;
    this.quarantine = parts.quarantine;
    this.inspection = parts.inspection;
    this.#parts = parts;
    this.#supervisor = createActor(supervisorMachine, { input: { closeTimeoutMs: limits.closeTimeoutMs } });
    this.#supervisor.start();
    kernel.onUnreferenced((file) => files.letGo(file));
    kernel.onFailure((error) => this.#failed(error));
    kernel.onStep((step) => this.#events.emit('step', step));
    kernel.onQuarantined((...who) => this.#events.emit('quarantined', quarantineView(...who)));
  }

  /** `opening`, `recovering`, `running`, `draining`, `closed`; or `failed`, as its store has. */
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
    return this.#parts.actors.define(machine, options);
  }

  /** As the `list` of a kind's handle, by the kind's name, whether or not it is defined in this process. */
  list(kind: string, options?: ListActors): Promise<Page<ActorView>> {
    return this.#parts.actors.list(kind, options);
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
        this.#parts.log.error({ err: error, event: name }, 'listener.failed');
      }
    };
    this.#events.on(name, guarded as never);
    return () => this.#events.off(name, guarded as never);
  }

  /** Journals, records and replays of any actor: what debugging and tests look at. */
  get inspect(): Pick<Kernel, 'reader' | 'definitionOf' | 'counts' | 'snapshot'> {
    return this.#parts.kernel;
  }

  /**
   * What a machine would make of the stored actors of its kind and of its children's: which are safe, which
   * migrate, which are blocked. It works with a machine that `define` would refuse, and changes nothing.
   * Throws INVALID_DEFINITION for a machine that cannot be durable at all.
   */
  census(machine: AnyStateMachine, options?: CensusOptions): Promise<Census> {
    return takeCensus(this.#parts.kernel, machine, options);
  }

  /**
   * One actor as a capsule: JSON to look at, replay and test elsewhere (`holdfast/testing`); it needs no
   * machine. Stand-ins replace what looks like a secret; `gaps` names rows that cannot be read. Throws
   * ACTOR_NOT_FOUND, INVALID_ID, INVALID_INPUT, STORE_CORRUPTED for a damaged record, RUNTIME_CLOSED.
   */
  export(actor: ActorName, options?: ExportOptions): Promise<Capsule> {
    return this.#parts.capsules.export(actor, options);
  }

  /**
   * Puts an actor of a capsule into this store, standing still (CAPSULE_IMPORTED): nothing of it runs until
   * `quarantine.resume`. Resolves with its address once it is on disk. Throws ADDRESS_TAKEN, CAPSULE_ALTERED,
   * CAPSULE_INVALID, CAPSULE_UNFIT, INVALID_ID, INVALID_INPUT, RUNTIME_CLOSED, STORE_FAILED.
   */
  import(capsule: unknown, options?: ImportOptions): Promise<Address> {
    return this.#parts.capsules.import(capsule, options);
  }

  /** How many actors of every kind are in each state, of kinds too that are not defined here. */
  counts(): readonly StoredCount[] {
    return storedCounts(this.#parts.kernel);
  }

  /**
   * What was counted and measured since this runtime was opened, and how many actors are in each state, in
   * Prometheus' text format (version 0.0.4). docs/telemetry.md lists the metrics. It never rejects for one
   * that cannot be read: that one is left out.
   */
  metrics(): Promise<string> {
    return this.#parts.telemetry?.text() ?? Promise.resolve('');
  }

  /**
   * Copies this moment of the directory into `target`, which is new or empty and whose parent exists, while
   * everything goes on; `restore` makes a directory of it again. Damaged rows and missing files stop nothing:
   * see the report. Throws INVALID_INPUT for a target inside the directory, STORE_FOREIGN for one that is not
   * empty, STORE_UNWRITABLE, STORE_FULL, STORE_BUSY, RUNTIME_CLOSED and the signal's reason; nothing of the
   * copy is then left.
   */
  backup(target: string, options?: BackupOptions): Promise<CopyReport> {
    return this.#parts.backups.take(target, options);
  }

  /**
   * Serves `POST /hooks/{provider}/{token}`, where providers send news of tasks, and with `work.token` those
   * routes of `/v1/work` that `holdfast/client` needs, in any server that knows `Request` and `Response`; all
   * else is 404. It never rejects: what is wrong is a status (401 forged or stale, 413 over 1 MiB, 503 come
   * again).
   */
  fetch(request: Request): Promise<Response> {
    return this.#parts.workDoor?.fetch(request) ?? this.#parts.ingress.fetch(request);
  }

  /**
   * The inspector's page and its data, as a handler for your own server: see docs/inspector.md. It only
   * looks, unless `allowActions`; it ends with the runtime. Throws INVALID_OPTIONS.
   */
  inspector(options?: InspectorOptions): Inspector {
    return this.#parts.inspectors.open(options);
  }

  /**
   * Begins no new turns and no tools of tasks, and lets those under way come to their end; then takes no
   * new work: polls, downloads and sleeps stop, submits and sends may finish. All of it until `timeoutMs`
   * (default 10 s): what is cut off then goes on at the next open. Closing twice is harmless.
   */
  close(options: { readonly timeoutMs?: number } = {}): Promise<void> {
    this.#closing ??= this.#close(options.timeoutMs ?? limits.closeTimeoutMs);
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #recover(control: boolean): Promise<void> {
    const { attachments, kernel, log, parts } = this.#parts;
    this.#supervisor.send({ type: 'runtime.opened' });
    await parts.recover();
    await attachments.recover();
    await this.accounts.recover();
    await kernel.start();
    await this.deliveries.recover();
    await this.jobs.recover();
    await this.#parts.parked.recover();
    await this.sessions.recover();
    await this.work.recover();
    await this.tasks.recover();
    if (control) this.#control = await startControlServer(this, this.directory, log);
    this.#supervisor.send({ type: 'runtime.recovered' });
  }

  async #close(timeoutMs: number): Promise<void> {
    const { backups, kernel, parts, transport, store, log } = this.#parts;
    this.#tell({ type: 'runtime.close' });
    this.#parts.workDoor?.close();
    this.#parts.inspectors.close();
    const control = Promise.allSettled([this.#control?.close()]);
    // Turns, tools and handlers that run come to their end while everything they need is there.
    const ending = [
      this.sessions.stopServing(timeoutMs),
      this.tasks.stop(timeoutMs),
      this.work.stop(timeoutMs),
    ];
    const underWay = ending.filter((each) => each !== undefined);
    const leftMs = underWay.length === 0 ? timeoutMs : Math.min(...(await Promise.all(underWay)));
    kernel.drain();
    this.work.close();
    const sessions = await Promise.allSettled([this.sessions.close()]);
    // At the same time: calls of the control door end as they can, and nothing new is taken by any door.
    const inside = await Promise.allSettled([backups.close(), kernel.close(leftMs)]);
    const lines = await Promise.allSettled([transport.close(), parts.close()]);
    // Whatever went wrong with these, the directory must be free for the next process.
    for (const part of [...(await control), ...sessions, ...inside, ...lines]) {
      if (part.status === 'rejected') log.error({ err: part.reason as unknown }, 'close.incomplete');
    }
    this.#parts.telemetry?.close();
    await store.close();
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
    this.#parts.log.error({ err: error }, 'runtime.failed');
    this.#events.emit('failed', error);
  }
}
