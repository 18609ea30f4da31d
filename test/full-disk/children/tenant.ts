/**
 * The program on a small disk: `tenant.ts <directory> <kind of disk> <errand>`.
 *
 * Every line on its standard output is a fact, `["name", value]`. Callers: small-disk.ts. Owns the disk below
 * the directory. Invariant: it ends by itself, whatever it meets.
 */
import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { assign, setup } from 'xstate';
import { examine } from '../../../src/doctor.js';
import { isHoldfastError } from '../../../src/errors.js';
import { assemble } from '../../../src/assembly.js';
import { ProviderBook } from '../../../src/actors/provider-book.js';
import { openRuntime, silentLogger } from '../../../src/index.js';
import type { JobHandle, Runtime } from '../../../src/index.js';
import type { JobContext } from '../../../src/machines/index.js';
import { openai } from '../../../src/providers/index.js';
import { renderArtifact, startSimulator } from '../../../src/simulator/index.js';
import { openLevelStore } from '../../../src/store/index.js';
import { createMovableClock } from '../../runtime/movable-clock.js';

const [disk = '', kind = '', errand = ''] = process.argv.slice(2);
const BALLAST = join(disk, 'ballast');
const PAGE_BYTES = 4_096;
const MIB = 1_048_576;
const SENDS_MAX = 2_000;
const TEXT_BYTES = 20_000;
const ROOMS_MAX = 12;
const LOOKS_MAX = 10_000;

function fact(name: string, value: unknown): void {
  writeSync(1, `${JSON.stringify([name, value])}\n`);
}

/** Fills the disk but for so many bytes. A disk that only bounds its files is never full. */
function fill(bytesLeft: number): void {
  if (kind !== 'tmpfs') return;
  const file = openSync(BALLAST, 'a');
  const page = new Uint8Array(PAGE_BYTES);
  let pages = 0;
  try {
    for (;;) {
      writeSync(file, page);
      pages += 1;
    }
  } catch (error) {
    if (codeOf(error) !== 'ENOSPC') throw error;
  }
  ftruncateSync(file, Math.max(0, pages * PAGE_BYTES - bytesLeft));
  closeSync(file);
}

function makeRoom(): void {
  rmSync(BALLAST, { force: true });
}

function codeOf(error: unknown): string {
  if (isHoldfastError(error)) return error.code;
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}

/** `fine`, or the code of what it was refused with. */
async function outcomeOf(work: () => Promise<unknown>): Promise<string> {
  try {
    await work();
    return 'fine';
  } catch (error) {
    return codeOf(error);
  }
}

/** Text that does not compress. */
function textOf(count: number): string {
  const hash = createHash('shake256', { outputLength: TEXT_BYTES });
  return hash.update(String(count)).digest('base64');
}

const notebook = setup({
  types: {
    context: {} as { count: number; text: string },
    events: {} as { readonly type: 'write'; readonly text: string },
  },
  actions: {
    keep: assign(({ context, event }) => ({ count: context.count + 1, text: event.text })),
  },
}).createMachine({
  id: 'notebook',
  version: '1',
  context: { count: 0, text: '' },
  on: { write: { actions: 'keep' } },
});

function open(directory: string): Promise<Runtime> {
  return openRuntime({ directory, control: false, log: silentLogger });
}

/** Writes until the disk refuses; closes before there is room again or after it; opens, and goes on. */
async function commits(bytesLeft: number, roomFirst: boolean): Promise<void> {
  const directory = join(disk, 'holdfast');
  const first = await open(directory);
  const failed: string[] = [];
  first.on('failed', (error) => void failed.push(codeOf(error)));
  const notes = first.define(notebook);
  const ref = await notes.create({ id: 'one' });
  fill(bytesLeft);
  const write = (count: number): (() => Promise<unknown>) => {
    return () => ref.send({ type: 'write', text: textOf(count) }, { id: `write-${count}` });
  };
  let acknowledged = 0;
  let refusal = 'fine';
  while (refusal === 'fine' && acknowledged < SENDS_MAX) {
    refusal = await outcomeOf(write(acknowledged + 1));
    if (refusal === 'fine') acknowledged += 1;
  }
  fact('refusal', refusal);
  fact('acknowledged', acknowledged);
  fact('later calls', [await outcomeOf(write(acknowledged + 2)), await outcomeOf(() => ref.snapshot())]);
  fact('failed', failed);
  fact('status', first.status);
  if (roomFirst) makeRoom();
  fact('closed', await outcomeOf(() => first.close()));
  if (!roomFirst) {
    const again: string[] = [];
    for (let count = 0; count < 3; count += 1) {
      again.push(await outcomeOf(async () => await (await open(directory)).close()));
    }
    fact('opened while full', again);
    makeRoom();
  }
  const second = await open(directory);
  const found = second.define(notebook).get('one');
  const kept = (await found.snapshot())?.context.count ?? 0;
  fact('kept', kept);
  // The refused one is repeated under its id, as its sender would.
  for (const count of [acknowledged + 1, acknowledged + 2]) {
    await found.send({ type: 'write', text: textOf(count) }, { id: `write-${count}` });
  }
  const { context } = (await found.snapshot()) ?? {};
  fact('after', [context?.count, context?.text === textOf(acknowledged + 2)]);
  const seqs = (await found.journal()).map(({ seq }) => seq);
  fact(
    'journal without gaps',
    seqs.every((seq, index) => index === 0 || seq === (seqs[index - 1] ?? 0) + 1),
  );
  await second.close();
  fact('opens again', await outcomeOf(async () => await (await open(directory)).close()));
  await health(directory);
}

/** What the doctor says. */
async function health(directory: string): Promise<void> {
  const { verdict, byCode } = await examine({ directory, machines: [{ machine: notebook }], deep: true });
  fact('health', [verdict, byCode]);
}

/**
 * Opens a new directory with every little room: refused by its code, and never in the way of the next try.
 */
async function opens(): Promise<void> {
  const codes: string[] = [];
  const left: string[] = [];
  const afterwards = new Set<string>();
  for (let pages = 0; pages < ROOMS_MAX; pages += 1) {
    const directory = join(disk, `holdfast-${pages}`);
    fill(pages * PAGE_BYTES);
    codes.push(await outcomeOf(async () => await (await open(directory)).close()));
    left.push(markerIn(directory));
    makeRoom();
    afterwards.add(await outcomeOf(async () => await (await open(directory)).close()));
    rmSync(directory, { recursive: true });
  }
  fact('codes', codes);
  fact('markers', left);
  fact('afterwards', [...afterwards]);
}

/** The state in the marker; what is left of a directory without one. */
function markerIn(directory: string): string {
  if (!existsSync(directory)) return 'no directory';
  const marker = join(directory, 'holdfast.json');
  if (!existsSync(marker)) return readdirSync(directory).join();
  const { state } = JSON.parse(readFileSync(marker, 'utf8')) as { readonly state?: string };
  return state ?? 'no state';
}

/** Downloads more than there is room for, until there is room, or until the job gives up. */
async function downloads(patient: boolean): Promise<void> {
  const directory = join(disk, 'holdfast');
  const clock = createMovableClock();
  // More than there is room for; no more than a file may have.
  const artifacts = { videoBytes: kind === 'tmpfs' ? 3 * MIB : MIB };
  const life = { queued: { polls: 0 }, running: { polls: 0 } } as const;
  const simulator = await startSimulator({ script: { life, artifacts }, clock });
  const provider = openai({ apiKey: 'sk-test', clock, baseUrl: `${simulator.url}/openai/v1` });
  const poll = { everyMs: 1_000, slowMs: 1_000 };
  const options = { directory, providers: [provider], jobs: { poll }, control: false, clock };
  const runtime = await openRuntime({ ...options, log: silentLogger });
  const ref = await runtime.define(notebook).create({ id: 'one' });
  fill(1.5 * MIB);
  let failures = 0;
  let looked: () => void = () => undefined;
  runtime.on('step', ({ kind: of, snapshot }) => {
    if (of !== 'job') return;
    failures = (snapshot.context as JobContext).fetchFailures;
    if (snapshot.matches('fetching')) clock.advance(300_000);
    looked();
  });
  const job = await runtime.jobs.submit({ provider: 'openai', prompt: 'a flood', sessionKey: 'chat:1' });
  const settled = job.settled();
  settled.catch(() => undefined);
  for (let looks = 0; failures < 2 && kind === 'tmpfs' && looks < LOOKS_MAX; looks += 1) {
    await new Promise<void>((resolve) => (looked = resolve));
  }
  fact('fetches that failed', failures);
  fact('others meanwhile', await outcomeOf(() => ref.send({ type: 'write', text: 'short' })));
  if (patient) makeRoom();
  const first = await settled;
  fact('settled', [first.status, first.error?.code]);
  if (first.status !== 'done') fact('retried', await retried(job));
  const [artifact] = (await job.view()).artifacts;
  fact('on disk', artifact === undefined ? 0 : readFileSync(artifact.path).byteLength);
  fact('parts', readdirSync(join(directory, 'artifacts', 'parts')));
  await runtime.close();
  await simulator.close();
  await health(directory);
}

/** Puts an image that there is no room for, then one that there is. */
async function attachments(): Promise<void> {
  const directory = join(disk, 'holdfast');
  const store = await openLevelStore({ directory });
  const parts = await assemble({ directory, log: silentLogger }, store, new ProviderBook([]));
  fill(1.5 * MIB);
  const put = (bytesMin: number) => (): Promise<unknown> => {
    const { bytes } = renderArtifact({ kind: 'image', prompt: 'a flood', seed: 1, index: 0, bytesMin });
    return parts.attachments.during(({ put: bring }) => bring(bytes));
  };
  fact('large', await outcomeOf(put(3 * MIB)));
  fact('left', readdirSync(join(directory, 'attachments'), { recursive: true }));
  fact('small', await outcomeOf(put(0)));
  await parts.kernel.close(0);
  await store.close();
  makeRoom();
  await health(directory);
}

async function retried(job: JobHandle): Promise<string> {
  makeRoom();
  await job.retry();
  return (await job.settled()).status;
}

switch (errand) {
  case 'commits, room before the close':
    await commits(3 * MIB, true);
    break;
  case 'commits, room after the close':
    await commits(3 * MIB, false);
    break;
  case 'commits, in mid-flush':
    // LevelDB writes a full log of 16 MiB into a table while the next log grows.
    await commits(24 * MIB, true);
    break;
  case 'opens':
    await opens();
    break;
  case 'attachments':
    await attachments();
    break;
  case 'downloads, room in time':
    await downloads(true);
    break;
  case 'downloads, no room':
    await downloads(false);
    break;
  default:
    throw new Error(`no such errand: ${errand}`);
}
