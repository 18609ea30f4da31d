/**
 * One case of the matrix: one adapter, one trouble, one moment to die at; and what came of it.
 *
 * A process here is a runtime over a disk in memory, whose power is cut at its n-th commit or as soon as the
 * provider has written its n-th line; the next one opens the same disk and the same directory. Callers: the
 * tests of the matrix. Invariants: one process at a time; everything of a case is gone when it ends.
 */
import { mkdir, rm } from 'node:fs/promises';
import { setImmediate, setTimeout } from 'node:timers/promises';
import type { ChannelSend } from '../../../src/channels/index.js';
import { isHoldfastError } from '../../../src/errors.js';
import { silentLogger, type Logger } from '../../../src/index.js';
import type { JobContext } from '../../../src/machines/index.js';
import type { JobKind, ProviderAdapter } from '../../../src/providers/index.js';
import { openOver, type Runtime } from '../../../src/runtime.js';
import type { EffectHook, RuntimeOptions } from '../../../src/runtime-options.js';
import { startSimulator } from '../../../src/simulator/index.js';
import type { Simulator, SimulatorScript } from '../../../src/simulator/index.js';
import { createMemoryDisk, openLevelStore, openMemoryStore } from '../../../src/store/index.js';
import type { MemoryDisk, Store } from '../../../src/store/index.js';
import { faultyStore, type CommitPhase } from '../../../src/testing/index.js';
import type { Entry } from '../../providers/every.js';
import { judge, type Fate, type Sent } from './audit.js';
import type { Trouble } from './faults.js';
import { IdleTime } from './time.js';

export type Moment =
  | { readonly at: 'before' | 'after'; readonly commit: number }
  | { readonly at: 'line'; readonly line: number };

export interface Case {
  readonly entry: Entry;
  readonly kind: JobKind;
  readonly trouble: Trouble;
  /** Where each process dies in turn; the next ones are spared. */
  readonly moments: readonly Moment[];
  /** A directory that is not there yet. */
  readonly directory: string;
  readonly prompt: string;
  readonly apiKey?: string;
  readonly options?: Partial<RuntimeOptions>;
  readonly log?: Logger;
  readonly env?: Readonly<Record<string, string>>;
  readonly script?: Partial<SimulatorScript>;
  /** Stands between the runtime and the adapter. */
  readonly wrap?: (adapter: ProviderAdapter) => ProviderAdapter;
  /** The store is LevelDB's, and the directory stays when all is over. Moments are those of commits alone. */
  readonly onDisk?: true;
  /** Called with each process. */
  readonly onOpen?: (runtime: Runtime) => void;
  /** Called with the last process while it runs, when all is over. */
  readonly inspect?: (runtime: Runtime, jobId: string) => Promise<void>;
}

const ROUNDS_MAX = 3_000;
const SPINS = 60;
/** An effect that takes longer waits on our own clock. */
const PATIENCE_MS = 3_000;
const CRASHES_MAX = 4;

export async function live(one: Case): Promise<Fate> {
  const time = new IdleTime();
  await mkdir(one.directory, { recursive: true });
  const { faults, life, ranges = true } = one.trouble;
  const simulator = await startSimulator({
    script: {
      ...one.script,
      life: { queued: { polls: 0 }, running: { polls: 1 }, ...life },
      faults: [...faults],
      artifacts: { videoBytes: 40_000, imageBytes: 20_000, chunkBytes: 4_096, ranges },
    },
    clock: time.outside,
  });
  try {
    return await new Life(one, time, simulator).run();
  } finally {
    await simulator.close();
    if (one.onDisk !== true)
      await rm(one.directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 });
  }
}

class Life {
  readonly #case: Case;
  readonly #time: IdleTime;
  readonly #disk: MemoryDisk;
  readonly #simulator: Simulator;
  readonly #adapter: ProviderAdapter;
  readonly #sent: Sent[] = [];
  #running = 0;
  #underWay = 0;
  #commits = 0;
  #process = 0;
  #moment: Moment | undefined;
  #isDead = false;

  constructor(one: Case, time: IdleTime, simulator: Simulator) {
    this.#case = one;
    this.#time = time;
    this.#simulator = simulator;
    this.#disk = this.#counted(createMemoryDisk());
    const { apiKey = 'sk-matrix-0123456789', env = {}, wrap = (adapter) => adapter } = one;
    const place = { url: simulator.url, clock: time.clock, apiKey, env: () => env };
    this.#adapter = wrap(one.entry.adapter(place));
  }

  async run(): Promise<Fate> {
    for (let crashes = 0; crashes <= CRASHES_MAX; crashes += 1) {
      this.#begin(crashes);
      const runtime = await this.#open();
      const jobId = runtime === undefined ? undefined : await this.#follow(runtime);
      if (runtime !== undefined && jobId !== undefined) {
        const { trouble } = this.#case;
        const fate = await judge({
          runtime,
          jobId,
          sent: this.#sent,
          ledger: this.#simulator.ledger(),
          own: new URL(this.#simulator.url).host,
          mayEnd: [...trouble.mayEnd, ...(trouble.mayEndOf?.[this.#adapter.id] ?? [])],
          crashes,
        });
        await this.#case.inspect?.(runtime, jobId);
        await this.#close(runtime);
        return { ...fate, crashes, commits: this.#commits };
      }
      if (runtime !== undefined) await this.#close(runtime);
      this.#time.forget();
    }
    throw new Error('too many crashes');
  }

  /** A new process, and the moment it is to die at. */
  #begin(number: number): void {
    this.#process = number + 1;
    this.#isDead = false;
    this.#running = 0;
    this.#commits = 0;
    this.#moment = this.#case.moments[number];
    if (this.#moment?.at !== 'line') return;
    const { line } = this.#moment;
    const before = this.#simulator.ledger().length;
    let lines = 0;
    // Past entries are looked at too, and count as well.
    const isIt = (): boolean => (lines += 1) === before + line;
    this.#simulator.waitForEntry(isIt).then(
      () => this.#process === number + 1 && this.#die(),
      () => undefined,
    );
  }

  #die(): void {
    if (this.#isDead) return;
    this.#isDead = true;
    this.#disk.cutPower();
  }

  /** Undefined when it died at that. */
  async #open(): Promise<Runtime | undefined> {
    const { directory, options, log = silentLogger } = this.#case;
    const chat: ChannelSend = (message, { deliveryId }) => {
      const paths = message.files.map(({ path }) => path);
      if (!this.#isDead) this.#sent.push({ deliveryId, paths });
      return Promise.resolve({ ok: true });
    };
    const opening = this.#store().then((store) =>
      openOver(
        store,
        {
          directory,
          providers: [this.#adapter],
          channels: { chat },
          jobs: { timeoutMs: 86_400_000, poll: { everyMs: 1_000, slowMs: 1_000 } },
          control: false,
          log,
          clock: this.#time.clock,
          ...options,
        },
        { hook: this.#hook },
      ),
    );
    const runtime = await this.#unlessDead(opening);
    if (runtime !== undefined) this.#case.onOpen?.(runtime);
    return runtime;
  }

  async #store(): Promise<Store> {
    const { directory, onDisk } = this.#case;
    if (onDisk !== true) return await openMemoryStore({ disk: this.#disk });
    const store = await openLevelStore({ directory, durability: 'process' });
    const onCommit = (_number: number, phase: CommitPhase): void => {
      if (phase === 'before') this.#commits += 1;
      this.#reach(phase);
    };
    return this.#watched(faultyStore(store, { onCommit }));
  }

  /** What is under way at a store is counted. */
  #watched(store: Store): Store {
    return {
      generation: store.generation,
      get lastCommit() {
        return store.lastCommit;
      },
      get: (key) => {
        const found = store.get(key);
        return found instanceof Promise ? this.#count(found) : found;
      },
      getMany: (wanted) => this.#count(store.getMany(wanted)),
      scan: (options) => this.#count(store.scan(options)),
      commit: (commit) => this.#count(store.commit(commit)),
      view: () => this.#count(store.view()),
      close: () => store.close(),
    };
  }

  async #count<T>(work: Promise<T>): Promise<T> {
    this.#underWay += 1;
    try {
      return await work;
    } finally {
      this.#underWay -= 1;
    }
  }

  /** What was asked for, once it is over; undefined when the process died before. */
  async #follow(runtime: Runtime): Promise<string | undefined> {
    const { entry, kind, prompt } = this.#case;
    const submitted = await this.#unlessDead(
      runtime.jobs.submit({
        ...entry.request,
        provider: this.#adapter.id,
        kind,
        prompt,
        idempotencyKey: 'one',
        sessionKey: 'chat:1',
        delivery: { channel: 'chat', target: '1' },
      }),
    );
    if (submitted === undefined) return undefined;
    const { id } = submitted;
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      await this.#idle();
      const over = this.#isDead ? false : await this.#unlessDead(isOver(runtime, id));
      if (this.#isDead) return undefined;
      if (over === true) return id;
      const paused = await this.#unlessDead(this.#mend(runtime));
      if (paused !== true) this.#time.pass();
    }
    const view = await runtime.jobs.view(id);
    throw new Error(`it is never over: ${JSON.stringify(view)}`);
  }

  /** What its operator does: a key that was refused is good now. */
  async #mend(runtime: Runtime): Promise<boolean> {
    const accounts = await runtime.accounts.list();
    const paused = accounts.filter(({ status }) => status === 'paused');
    for (const { provider, credential } of paused) await runtime.accounts.resume({ provider, credential });
    return paused.length > 0;
  }

  /** What a process says that may die instead. */
  async #unlessDead<T>(answer: Promise<T>): Promise<T | undefined> {
    const settled = answer.then(
      (value) => ({ value }),
      (error: unknown) => ({ error }),
    );
    const found = await settled;
    if ('value' in found) return this.#isDead ? undefined : found.value;
    const isItsDeath = ['STORE_FAILED', 'RUNTIME_CLOSED'].some((code) =>
      isHoldfastError(found.error, code as 'STORE_FAILED'),
    );
    if (this.#isDead && isItsDeath) return undefined;
    throw found.error;
  }

  /** Resolves when nothing happens any more without time passing, or it is dead. */
  async #idle(): Promise<void> {
    const startMs = performance.now();
    let calm = 0;
    for (let spins = 0; !this.#isDead && calm < 2; spins += 1) {
      if (spins % SPINS === SPINS - 1) await setTimeout(1);
      await setImmediate();
      const isBusy = this.#running > 0 || this.#underWay > 0 || this.#time.isBusy;
      calm = isBusy ? 0 : calm + 1;
      if (performance.now() - startMs > PATIENCE_MS) return;
    }
  }

  async #close(runtime: Runtime): Promise<void> {
    let isClosed = false;
    const closing = runtime.close({ timeoutMs: 0 }).finally(() => {
      isClosed = true;
    });
    while (!isClosed) {
      await setImmediate();
      if (!this.#time.isBusy) this.#time.pass();
    }
    await closing;
  }

  get #hook(): EffectHook {
    const process = this.#process;
    return {
      perform: (_call, own) => {
        this.#running += 1;
        return {
          logic: own,
          ended: () => {
            // What ends in a process that is dead is not counted any more.
            if (process === this.#process) this.#running -= 1;
          },
        };
      },
      probing: () => undefined,
    };
  }

  #counted(inner: MemoryDisk): MemoryDisk {
    return {
      ...inner,
      attach: async () => {
        const database = await inner.attach();
        const write: typeof database.write = async (rows) => {
          this.#commits += 1;
          this.#reach('before');
          await database.write(rows);
          this.#reach('after');
        };
        return {
          ...database,
          getMany: (wanted) => this.#count(database.getMany(wanted)),
          read: (scan) => this.#count(database.read(scan)),
          write: (rows) => this.#count(write(rows)),
        };
      },
    };
  }

  #reach(at: 'before' | 'after'): void {
    const moment = this.#moment;
    if (moment?.at !== at || moment.commit !== this.#commits) return;
    this.#die();
    throw new Error('the process was killed');
  }
}

/** Has its outcome, and every message of it has ended; or waits for an operator. */
async function isOver(runtime: Runtime, id: string): Promise<boolean> {
  const actor = await runtime.inspect.snapshot(`job/${id}`);
  if (actor === undefined) return false;
  const { snapshot } = actor;
  if (snapshot.value === 'submitUnknown') return true;
  const { deliveries } = snapshot.context as JobContext;
  return (
    snapshot.matches({ settled: { withdrawal: 'over' } }) &&
    deliveries.every(({ status }) => status !== 'queued')
  );
}
