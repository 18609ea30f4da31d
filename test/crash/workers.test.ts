/**
 * Two worker processes at one runtime, of which one is killed again and again: every item is done once, by a
 * token that the runtime accepted.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test } from 'vitest';
import { openRuntime, silentLogger, type Runtime } from '../../src/index.js';
import type { WorkClaim, WorkItemContext } from '../../src/machines/work-words.js';
import { bundled } from '../bundled.js';
import { newDirectory } from '../control/world.js';

const isDeep = process.env['HOLDFAST_DEEP'] === '1';
const ITEMS = isDeep ? 10_000 : 3_000;
const KILLS = isDeep ? 20 : 8;
/** The victim holds many when it dies; the other takes few at once, and leaves it some. */
const BATCHES = { victim: 100, steady: 20 };
/** The shortest there is: what a killed worker held waits for it. */
const TTL_MS = 1_000;
/**
 * By how much a timer may be late on a machine with other things to do: an item that is stuck is so for
 * good.
 */
const LATE_MS = 20_000;
const program = bundled('test/crash/children/worker.ts');

test(`${ITEMS} items, one of two workers killed ${KILLS} times: each is done by one token`, async () => {
  const directory = await newDirectory();
  const runtime = await openRuntime({ directory, log: silentLogger, durability: 'process' });
  onTestFinished(() => runtime.close());
  const book = new Book(runtime);
  const begun = performance.now();
  const steady = new Worker(directory, 'steady', BATCHES.steady);
  const victims: Worker[] = [];

  for (let wave = 0; wave <= KILLS; wave += 1) {
    const victim = new Worker(directory, `victim-${wave}`, BATCHES.victim);
    victims.push(victim);
    await victim.heard('waiting');
    const [from, to] = [wave, wave + 1].map((at) => Math.floor((ITEMS * at) / (KILLS + 1)));
    const payloads = Array.from({ length: (to ?? 0) - (from ?? 0) }, (_, at) => (from ?? 0) + at);
    await runtime.work.enqueueMany(
      payloads.map((payload) => ({ kind: 'count', payload, attemptsMax: 1_000 })),
    );
    if (wave === KILLS) break;
    // One item woke it; then it has a batch, and ends some of it.
    await victim.heard('claimed', 1 + (wave % 2));
    victim.kill();
    expect(await victim.ended).toBe('SIGKILL');
  }
  await book.settled(ITEMS);
  const workers = [steady, ...victims];
  for (const worker of workers) worker.dismiss();
  expect(await Promise.all(workers.map(({ ended }) => ended))).toEqual([
    '0',
    ...victims.map((_, at) => (at < KILLS ? 'SIGKILL' : '0')),
  ]);

  expect((await runtime.work.counts()).all).toMatchObject({ done: ITEMS, ready: 0, running: 0, failed: 0 });
  const lines = (await Promise.all(workers.map((worker) => worker.ledger()))).flat();
  expect(book.wrongIn(lines)).toEqual({
    ...{ doneTwice: [], acceptedOfAnother: [], acceptedTwice: [] },
    ...{ claimedTwice: [], doneUnbegun: [], doneThoughRefused: [] },
  });
  expect(book.lost).toBeGreaterThanOrEqual(KILLS);
  expect(book.latestMs).toBeLessThanOrEqual(LATE_MS);
  const { lost, latestMs } = book;
  const seconds = ((performance.now() - begun) / 1_000).toFixed(1);
  process.stdout.write(
    `${ITEMS} items, ${KILLS} kills, ${lost} claims lost, latest ${latestMs} ms, ${seconds} s\n`,
  );
});

interface Line {
  readonly what: string;
  readonly id: string;
  readonly token: string;
}

/** What the runtime committed of its items, step by step. */
class Book {
  /** The token that ended it, by item. */
  readonly done = new Map<string, string>();
  /** Claims that were taken away, and by how much the latest was later than its end. */
  lost = 0;
  latestMs = 0;
  readonly #doneTwice: string[] = [];
  readonly #claims = new Map<string, WorkClaim>();
  readonly #looking = new Set<() => void>();

  constructor(runtime: Runtime) {
    const stop = runtime.on('step', ({ address, kind, entry, snapshot }) => {
      if (kind !== 'work') return;
      const id = address.slice('work/'.length);
      const { claim, ended } = snapshot.context as WorkItemContext;
      const before = this.#claims.get(id);
      if (claim !== undefined) this.#claims.set(id, claim);
      else this.#claims.delete(id);
      if (snapshot.value === 'ready' && before !== undefined) {
        this.lost += 1;
        this.latestMs = Math.max(this.latestMs, entry.at - before.expiresAt);
      }
      if (snapshot.value !== 'done') return;
      if (this.done.has(id)) this.#doneTwice.push(id);
      this.done.set(id, ended?.token ?? 'none');
      for (const look of this.#looking) look();
    });
    onTestFinished(stop);
  }

  settled(items: number): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (this.done.size < items) return;
        this.#looking.delete(look);
        resolve();
      };
      this.#looking.add(look);
      look();
    });
  }

  /** What cannot be, by name: nothing of it is to be found. */
  wrongIn(lines: readonly Line[]): Readonly<Record<string, readonly string[]>> {
    const tokensOf = (what: string): readonly string[] =>
      lines.filter((line) => line.what === what).map(({ token }) => token);
    const done = Array.from(this.done.values());
    const [began, refused] = [new Set(tokensOf('began')), new Set(tokensOf('refused'))];
    const accepted = lines.filter(({ what }) => what === 'accepted');
    return {
      doneTwice: this.#doneTwice,
      acceptedOfAnother: accepted.filter(({ id, token }) => this.done.get(id) !== token).map(({ id }) => id),
      acceptedTwice: repeatedIn(accepted.map(({ id }) => id)),
      claimedTwice: repeatedIn(tokensOf('began')),
      doneUnbegun: done.filter((token) => !began.has(token)),
      doneThoughRefused: done.filter((token) => refused.has(token)),
    };
  }
}

function repeatedIn(names: readonly string[]): readonly string[] {
  const seen = new Set<string>();
  return names.filter((name) => seen.size === seen.add(name).size);
}

/** One life of a worker process. */
class Worker {
  /** `SIGKILL`, or its exit code. */
  readonly ended: Promise<string>;
  readonly #child: ChildProcess;
  readonly #ledger: string;
  readonly #lines: string[] = [];
  readonly #looking = new Set<() => void>();

  constructor(directory: string, name: string, batch: number) {
    this.#ledger = join(directory, `${name}.ledger`);
    const given = [program, directory, this.#ledger, String(batch), String(TTL_MS)];
    const child = spawn(process.execPath, given, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#child = child;
    createInterface({ input: child.stdout }).on('line', (line) => {
      this.#lines.push(line);
      for (const look of this.#looking) look();
    });
    this.ended = once(child, 'close').then(() => String(child.signalCode ?? child.exitCode));
    onTestFinished(() => this.kill());
  }

  /** Resolves once it has said so, so many times. */
  heard(fact: string, times = 1): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (this.#lines.filter((line) => line.startsWith(fact)).length < times) return;
        this.#looking.delete(look);
        resolve();
      };
      this.#looking.add(look);
      look();
    });
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  dismiss(): void {
    this.#child.stdin?.end();
  }

  /** What it wrote down; the last line of a killed one may be cut. */
  async ledger(): Promise<readonly Line[]> {
    const text = await readFile(this.#ledger, 'utf8').catch(() => '');
    const whole = text.slice(0, text.lastIndexOf('\n') + 1).trimEnd();
    return whole.split('\n').flatMap((line) => {
      const [what = '', id = '', token = ''] = line.split(' ');
      return token === '' ? [] : [{ what, id, token }];
    });
  }
}
