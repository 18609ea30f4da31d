/**
 * What stays alive while an agent is killed again and again: the provider, the receiver, the directory, the
 * time.
 *
 * Callers: the crash tests. Invariant: all of it goes when its test ends.
 */
import { strict as assert } from 'node:assert';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { sha256Hex } from '../../src/ids.js';
import { startSimulator } from '../../src/simulator/index.js';
import type { LedgerEntry, Simulator, SimulatorScript } from '../../src/simulator/index.js';
import { auditStore, type AuditedJob } from './audit.js';
import { Nursery, type Child } from './child.js';
import { createFastClock, type FastClock } from './fast-clock.js';
import type { Kill, Work } from './plan.js';
import { startReceiver, type Receiver } from './receiver.js';

const SPEED = 10;

export interface Run {
  readonly jobs: readonly Work[];
  readonly settleFirst?: boolean;
  /** Somebody will kill it. */
  readonly isKilled?: boolean;
  readonly kill?: Kill;
  /** See plan.ts. */
  readonly entry?: string;
}

export class World {
  readonly directory: string;
  readonly simulator: Simulator;
  readonly receiver: Receiver;
  readonly #clock: FastClock;
  readonly #nursery: Nursery;

  constructor(
    directory: string,
    nursery: Nursery,
    clock: FastClock,
    simulator: Simulator,
    receiver: Receiver,
  ) {
    this.directory = directory;
    this.simulator = simulator;
    this.receiver = receiver;
    this.#clock = clock;
    this.#nursery = nursery;
  }

  start({ jobs, settleFirst = false, isKilled = false, kill, entry }: Run): Child {
    return this.#nursery.start({
      directory: this.directory,
      simulatorUrl: this.simulator.url,
      receiverUrl: this.receiver.url,
      clock: this.#clock,
      settleFirst,
      isKilled,
      jobs,
      ...(kill === undefined ? {} : { kill }),
      ...(entry === undefined ? {} : { entry }),
    });
  }

  /** Runs a process that nobody kills until all jobs are over. */
  async finish(jobs: readonly Work[], entry?: string): Promise<void> {
    const child = this.start({ jobs, ...(entry === undefined ? {} : { entry }) });
    assert.equal(await child.ended, '0');
    assert.ok(child.lines.includes('quiet'));
  }

  /** Holds both ledgers and the store against each other. Call when no process runs. */
  async audit(jobs: readonly Work[]): Promise<void> {
    const audited = await auditStore(this.directory);
    const found = audited.map(({ prompt }) => prompt);
    assert.deepEqual(found.toSorted(), jobs.map(({ key }) => key).toSorted());
    for (const job of audited) await this.#auditJob(job);
  }

  async #auditJob(job: AuditedJob): Promise<void> {
    const { prompt } = job;
    const bills = this.billsOf(prompt).length;
    if (job.state === 'submitUnknown') {
      assert.ok(bills <= 1, `${prompt} is in doubt and was billed ${bills} times`);
      return;
    }
    assert.equal(job.outcome, 'done', `${prompt} ended as ${job.outcome ?? job.state}`);
    assert.equal(bills, 1, `${prompt} was billed ${bills} times`);
    assert.equal(job.history, 1, `${prompt} is ${job.history} times in its session`);
    const receipts = this.receiver.receipts.filter(({ jobId }) => jobId === job.id);
    assert.ok(receipts.length > 0, `${prompt} was not delivered`);
    const ids = new Set(receipts.map(({ deliveryId }) => deliveryId));
    assert.deepEqual([...ids], job.deliveryIds, `${prompt} has one delivery`);
    const paths = job.artifacts.map(({ path }) => path);
    assert.ok(paths.length > 0, `${prompt} has no artifact`);
    for (const receipt of receipts) assert.deepEqual(receipt.paths, paths);
    for (const { path, sha256 } of job.artifacts) {
      assert.equal(sha256Hex(await readFile(path)), sha256);
      assert.ok(basename(path).startsWith(`${sha256}.`));
    }
  }

  billsOf(prompt: string): readonly LedgerEntry[] {
    const hash = sha256Hex(prompt);
    return this.simulator
      .ledger()
      .filter(({ event, promptSha256 }) => event === 'submit.billed' && promptSha256 === hash);
  }
}

/** What tidies up after a test: its own `onTestFinished`, since tests run side by side. */
export type Finish = (tidy: () => Promise<void>) => void;

/** `agent` is the path of the bundled child program. */
export async function openWorld(agent: string, finish: Finish, script: SimulatorScript): Promise<World> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-crash-'));
  finish(() => rm(directory, { recursive: true, force: true }));
  const clock: FastClock = { startMs: Date.now(), speed: SPEED };
  const simulator = await startSimulator({ script, clock: createFastClock(clock) });
  finish(() => simulator.close());
  const receiver = await startReceiver();
  finish(() => receiver.close());
  return new World(directory, new Nursery(agent, finish), clock, simulator, receiver);
}

/** The seed of a test, printed so that a failure can be repeated. */
export function seedOf(test: string): number {
  const seed = Number(process.env['HOLDFAST_SEED'] ?? Date.now() % 1_000_000);
  process.stdout.write(`${test}: HOLDFAST_SEED=${seed}\n`);
  return seed;
}

/** The n-th chance of a seed, in [0, 1). */
export function chance(seed: number, n: number): number {
  return Number.parseInt(sha256Hex(`${seed}/${n}`).slice(0, 8), 16) / 2 ** 32;
}
