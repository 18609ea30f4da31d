/**
 * The inspector: how long the first page over a hundred thousand actors takes, how long a step of a scrubber,
 * what an open page costs the runtime, and whether drawing ever holds the page up.
 *
 * A store of a hundred thousand work items beside errands and one errand of more steps than a journal
 * keeps. The cost is CPU time of the whole process a step, the page's own reading included, in five pairs
 * of turns: with an open stream and without, each first in every second pair. `HOLDFAST_BENCH_ACTORS` makes
 * the store smaller. inspector-page.ts has the browser. Callers: run.ts, as a process of its own.
 */
import { performance } from 'node:perf_hooks';
import { workDefinition } from '../src/actors/house-machines.js';
import { openRuntime, silentLogger, type Inspector, type Runtime } from '../src/index.js';
import { workRows } from '../src/machines/index.js';
import { errandDefinition, errandInput, errandLife } from './errand.js';
import { atMost, report } from './gates.js';
import { watched } from './inspector-page.js';
import { median } from './lanes.js';
import { inFreshDirectory } from './place.js';
import { fillAlike } from './template.js';

const ACTORS = Number(process.env['HOLDFAST_BENCH_ACTORS'] ?? 100_000);
const FIRST_PAGE_MS_MAX = 300;
const SCRUB_MS_MAX = 50;
const CPU_FACTOR_MAX = 1.1;
const TASK_MS_MAX = 200;
const PAIRS = 5;
/** Lives of a turn, so many at a time: some seconds of steps, so that frames come as they do. */
const LIVES = 2_000;
const LANES = 50;
/** Beyond what a journal keeps: the oldest kept step is as far from a checkpoint as one can be. */
const LONG_LIFE_STEPS = 1_400;
const SCRUBBED = 120;

const KIND = 'chunk_embed';
const TOKEN = 'a-token-of-the-benchmark-alone';

type Errand = ReturnType<typeof defined>;

function defined(runtime: Runtime) {
  return runtime.define(errandDefinition.machine, { kind: 'errand' });
}

/** What a page asks for, as it is asked through the gate. */
async function asked(inspector: Inspector, path: string): Promise<string> {
  const headers = { authorization: `Bearer ${TOKEN}`, host: 'localhost' };
  const response = await inspector.fetch(new Request(`http://localhost${path}`, { headers }));
  const text = await response.text();
  if (!response.ok) throw new Error(`${path}: ${response.status} ${text.slice(0, 200)}`);
  return text;
}

async function timed(inspector: Inspector, path: string): Promise<number> {
  const startedAt = performance.now();
  await asked(inspector, path);
  return performance.now() - startedAt;
}

/** All that the first view asks for, in a process that has just opened the directory. */
async function firstPage(
  inspector: Inspector,
): Promise<{ readonly firstMs: number; readonly againMs: number }> {
  const all = async (): Promise<number> => {
    const startedAt = performance.now();
    await Promise.all(
      ['/v1/population', '/v1/actors?limit=100', `/v1/actors?kind=work&limit=100`].map((path) =>
        asked(inspector, path),
      ),
    );
    return performance.now() - startedAt;
  };
  const firstMs = await all();
  const again = [await all(), await all(), await all()];
  return { firstMs, againMs: median(again) };
}

async function scrub(runtime: Runtime, inspector: Inspector, errands: Errand): Promise<readonly number[]> {
  const { id, send } = await errands.create({ id: 'long', input: { ...errandInput } });
  for (const event of errandLife.slice(0, 4)) await send(event);
  for (let step = 0; step < LONG_LIFE_STEPS; step += 100) {
    const events = Array.from({ length: 100 }, (_unused, index) => step + index + 1);
    await Promise.all(
      events.map((number) => send({ type: 'progress', progress: number, note: `shot ${number}` })),
    );
  }
  const { firstSeq, seq = 0 } = await runtime.inspection.actor(`errand/${id}`);
  const seqs = Array.from({ length: SCRUBBED }, (_unused, index) =>
    Math.round(firstSeq + (index * (seq - firstSeq)) / (SCRUBBED - 1)),
  );
  const times: number[] = [];
  for (const each of seqs)
    times.push(await timed(inspector, `/v1/actors/step?address=errand%2F${id}&seq=${each}`));
  return times;
}

/** CPU microseconds a step of so many errands' lives. */
async function turn(errands: Errand, name: string): Promise<number> {
  const cpu = process.cpuUsage();
  const ids = Array.from({ length: LIVES }, (_unused, index) => `${name}-${index}`);
  const lane = async (): Promise<void> => {
    for (let id = ids.pop(); id !== undefined; id = ids.pop()) {
      const ref = await errands.create({ id, input: { ...errandInput } });
      for (const event of errandLife) await ref.send(event);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  const { user, system } = process.cpuUsage(cpu);
  return (user + system) / (LIVES * (errandLife.length + 1));
}

/** The steps of errands, one life after the other. */
function oneByOne(errands: Errand): () => Promise<unknown> {
  let lives = 0;
  let left: (() => Promise<unknown>)[] = [];
  return async () => {
    const next = left.shift();
    if (next !== undefined) return next();
    lives += 1;
    const ref = await errands.create({ id: `seen-${lives}`, input: { ...errandInput } });
    left = errandLife.map((event) => () => ref.send(event));
    return ref;
  };
}

/** Reads what a page would: the stream of all that happens. Returns what ends it, with the frames it got. */
async function opened(inspector: Inspector): Promise<() => Promise<number>> {
  const headers = { authorization: `Bearer ${TOKEN}`, host: 'localhost' };
  const request = new Request('http://localhost/v1/live', { headers });
  const response = await inspector.fetch(request);
  const reader = response.body?.getReader();
  if (!response.ok || reader === undefined) throw new Error(`/v1/live: ${response.status}`);
  let frames = 0;
  const reading = (async () => {
    for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) frames += 1;
  })();
  return async () => {
    await reader.cancel();
    await reading;
    return frames;
  };
}

async function pairs(inspector: Inspector, errands: Errand) {
  await turn(errands, 'warm');
  const closedUs: number[] = [];
  const openUs: number[] = [];
  let frames = 0;
  const withPage = async (name: string): Promise<void> => {
    const leave = await opened(inspector);
    openUs.push(await turn(errands, name));
    frames += await leave();
  };
  for (let pair = 0; pair < PAIRS; pair += 1) {
    if (pair % 2 === 1) await withPage(`open-${pair}`);
    closedUs.push(await turn(errands, `closed-${pair}`));
    if (pair % 2 === 0) await withPage(`open-${pair}`);
  }
  const factors = openUs.map((us, index) => us / (closedUs[index] ?? Number.NaN));
  return { closedUs, openUs, factors, frames };
}

await inFreshDirectory(async (directory) => {
  await fillAlike({
    directory,
    definition: workDefinition,
    actors: ACTORS,
    id: (number) => `work_${String(number).padStart(12, '0')}`,
    input: { workId: 'work_000000000000', kind: KIND, priority: 128, attemptsMax: 5 },
    options: { payloads: { [workRows.payload]: { docId: 'doc_01J8ZQ3E', chunk: 12 } } },
  });
  const runtime = await openRuntime({ directory, control: false, durability: 'process', log: silentLogger });
  const errands = defined(runtime);
  const inspector = runtime.inspector({ token: TOKEN });
  const { firstMs, againMs } = await firstPage(inspector);
  const scrubMs = (await scrub(runtime, inspector, errands)).toSorted((a, b) => a - b);
  const worstMs = scrubMs.at(-1) ?? Number.NaN;
  const cost = await pairs(inspector, errands);
  const page = await watched(inspector, TOKEN, oneByOne(errands));
  const longestMs = page.tasksMs[0] ?? 0;
  inspector.close();
  await runtime.close();
  console.log(`first page over ${ACTORS} actors: ${firstMs.toFixed(1)} ms, again ${againMs.toFixed(1)} ms`);
  console.log(
    `a step of the scrubber: median ${median(scrubMs).toFixed(1)} ms, worst ${worstMs.toFixed(1)} ms`,
  );
  const [closedUs, openUs] = [median(cost.closedUs).toFixed(1), median(cost.openUs).toFixed(1)];
  console.log(`${closedUs} us of CPU a step closed, ${openUs} open; ${cost.frames} frames`);
  const [openingMs = 0] = page.openingMs;
  console.log(
    `the page, ${page.steps} steps in 5 s: ${page.tasksMs.length} tasks of 50 ms or more, the longest ` +
      `${longestMs.toFixed(0)} ms; while it opened ${openingMs.toFixed(0)} ms`,
  );
  report(
    'inspector',
    [
      atMost(FIRST_PAGE_MS_MAX, `first page over ${ACTORS} actors`, firstMs, 'ms'),
      atMost(SCRUB_MS_MAX, 'step of the scrubber, worst', worstMs, 'ms'),
      atMost(
        CPU_FACTOR_MAX,
        'CPU a step, inspector open to closed, median of the pairs',
        median(cost.factors),
      ),
      atMost(TASK_MS_MAX, 'longest task of the page, 40 steps a second', longestMs, 'ms'),
    ],
    { firstMs, againMs, scrubMs, ...cost, page },
  );
});
