/**
 * Documents into vectors: split in this process, embedded by two workers beside it, of which one is killed
 * again and again.
 *
 *   npx tsx examples/embed-documents/main.ts
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { openRuntime } from 'holdfast';
import { documents } from './documents.js';
import { embed, likeness } from './embedding.js';

const {
  PIPELINE_DIRECTORY: directory = './.holdfast-embed',
  PIPELINE_WORKER: program = fileURLToPath(new URL('worker.ts', import.meta.url)),
} = process.env;

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const begunAt = Date.now();
const runtime = await openRuntime({ directory });

// Done again after a crash, it finds the chunks it has enqueued by their keys.
runtime.work.handle('split', async ({ payload }) => {
  const { name, text } = payload as { readonly name: string; readonly text: string };
  const sentences = text.split(/(?<=\.)\s+/);
  const chunks = sentences.map((sentence, at) => ({ chunk: `${name}#${at}`, text: sentence }));
  const items = chunks.map((each) => ({ kind: 'embed', payload: each, dedupeKey: each.chunk }));
  const enqueued = await runtime.work.enqueueMany(items);
  return { items: enqueued.map(({ id }) => id) };
});

function startWorker(): ChildProcess {
  const env = { ...process.env, PIPELINE_DIRECTORY: directory };
  const given = [...process.execArgv, program];
  return spawn(process.execPath, given, { env, stdio: ['pipe', 'pipe', 'inherit'] });
}

/** Resolves once it has printed a line that starts so. */
async function heard(worker: ChildProcess, what: string): Promise<void> {
  for await (const line of createInterface({ input: worker.stdout ?? process.stdin })) {
    if (line.startsWith(what)) return;
  }
}

/** Nothing waits, rests or runs any more. */
async function allEnded(): Promise<void> {
  for (;;) {
    const { all } = await runtime.work.counts();
    if (all.scheduled + all.ready + all.running === 0) return;
    await setTimeout(20);
  }
}

const steady = startWorker();
let victim = startWorker();
let killed = 0;
for (const [name, text] of Object.entries(documents)) {
  await heard(victim, 'ready');
  await runtime.work.enqueue('split', { name, text }, { dedupeKey: name });
  const hasBegun = heard(victim, 'embeds').then(() => true);
  if (!(await Promise.race([hasBegun, allEnded().then(() => false)]))) continue;
  victim.kill('SIGKILL');
  killed += 1;
  await once(victim, 'close');
  victim = startWorker();
}
await allEnded();

interface Embedded {
  readonly chunk: string;
  readonly vector: readonly number[];
}

// By chunk: items that are done are kept for a while, and an earlier run of this program has left some.
const vectors = new Map<string, Embedded>();
let attempts = 0;
let cursor: string | undefined;
do {
  const page = await runtime.work.list({ kind: 'embed', status: 'done', cursor });
  for (const { id } of page.items) {
    const item = await runtime.work.get(id);
    const embedded = item.result as unknown as Embedded;
    vectors.set(embedded.chunk, embedded);
    if (item.createdAt >= begunAt) attempts += item.attempts;
  }
  ({ cursor } = page);
} while (cursor !== undefined);

const asked = embed('Who keeps the light?');
const [nearest] = [...vectors.values()].toSorted(
  (left, right) => likeness(right.vector, asked) - likeness(left.vector, asked),
);
say(`${vectors.size} chunks embedded, ${killed} workers killed, ${attempts} attempts lost with them`);
say(`nearest to the question: ${nearest?.chunk}`);

for (const worker of [steady, victim]) {
  worker.stdin?.end();
  await once(worker, 'close');
}
const { all } = await runtime.work.counts();
await runtime.close();
process.exitCode = all.failed === 0 ? 0 : 1;
