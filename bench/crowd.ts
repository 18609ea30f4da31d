/**
 * The crowd: ten thousand jobs in flight over all providers, in one process, against a simulator in another.
 *
 * Each job is polled once a minute. When all are accepted and polled once, the process is watched for two
 * more rounds: how late each poll goes out after the moment its job had set for it, how long the event loop
 * is held up, and what memory is resident. Callers: run.ts, as a process of its own.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../src/clock.js';
import { openRuntime, silentLogger, type CommittedStep } from '../src/index.js';
import type { JobContext } from '../src/machines/index.js';
import type { ProviderAdapter } from '../src/providers/index.js';
import { every } from '../test/providers/every.js';
import { atLeast, atMost, report } from './gates.js';
import { inFreshDirectory } from './place.js';

const JOBS = 10_000;
const SUBMITS_IN_FLIGHT = 200;
const POLL_EVERY_MS = 60_000;
/**
 * As many as are polled in six seconds. The default is about as many as there are jobs: one more, and whoever
 * is due next is whoever has just been dropped.
 */
const ACTORS_IN_MEMORY = 1_000;
const WATCH_MS = 120_000;
const SAMPLE_MS = 500;
const NS_PER_MS = 1e6;
const MIB = 1_048_576;

/** When a job wanted its next poll, and how late polls were asked for. */
class Punctuality {
  readonly #wanted = new Map<string, number>();
  readonly latenessMs: number[] = [];
  pending = 0;

  note({ kind, snapshot }: CommittedStep): void {
    if (kind !== 'job' || snapshot.value !== 'pending') return;
    const { ref, nextPollAt, pollCount } = snapshot.context as JobContext;
    if (ref === undefined || nextPollAt === undefined) return;
    if (pollCount === 0) this.pending += 1;
    this.#wanted.set(`${ref.taskId}`, nextPollAt);
  }

  asked(taskId: string): void {
    const wanted = this.#wanted.get(taskId);
    if (wanted !== undefined) this.latenessMs.push(Date.now() - wanted);
  }

  percentile(share: number): number {
    const sorted = this.latenessMs.toSorted((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  }
}

const child = spawn(process.execPath, [fileURLToPath(new URL('crowd-child.js', import.meta.url))], {
  stdio: ['pipe', 'pipe', 'inherit'],
});
const [line] = (await once(child.stdout, 'data')) as [Buffer];
const url = line.toString().trim();
const punctuality = new Punctuality();
// One adapter a provider: two generations of one share an id.
const entries = new Map(
  Object.values(every).map((entry) => {
    const adapter = entry.adapter({ url, clock: systemClock, apiKey: 'any', env: () => ({}) });
    return [adapter.id, { entry, adapter: watched(adapter) }] as const;
  }),
);

function watched(adapter: ProviderAdapter): ProviderAdapter {
  return {
    ...adapter,
    buildPoll: (ref) => {
      punctuality.asked(ref.taskId);
      return adapter.buildPoll(ref);
    },
  };
}

await inFreshDirectory(async (directory) => {
  const runtime = await openRuntime({
    directory,
    providers: [...entries.values()].map(({ adapter }) => adapter),
    jobs: { timeoutMs: 86_400_000, poll: { everyMs: POLL_EVERY_MS, slowMs: POLL_EVERY_MS } },
    memory: { actorsMax: ACTORS_IN_MEMORY },
    control: false,
    log: silentLogger,
  });
  runtime.on('step', (step) => punctuality.note(step));
  const choices = [...entries].map(([provider, { entry }]) => ({ provider, entry }));
  const startedMs = performance.now();
  for (let done = 0; done < JOBS; done += SUBMITS_IN_FLIGHT) {
    const submits = Array.from({ length: SUBMITS_IN_FLIGHT }, (_unused, index) => {
      const { provider, entry } = choices[(done + index) % choices.length] ?? {
        provider: '',
        entry: undefined,
      };
      const kind = entry?.kinds[0] ?? 'video';
      return runtime.jobs.submit({ provider, kind, prompt: `a cat, ${done + index}`, ...entry?.request });
    });
    await Promise.all(submits);
  }
  const submittedMs = performance.now() - startedMs;
  for (let waits = 0; punctuality.pending < JOBS && waits < 600; waits += 1) await setTimeout(1_000);
  const acceptedMs = performance.now() - startedMs;
  await setTimeout(POLL_EVERY_MS);

  punctuality.latenessMs.length = 0;
  const loop = monitorEventLoopDelay({ resolution: 10 });
  loop.enable();
  const cpu = process.cpuUsage();
  let rssBytes = 0;
  for (let waited = 0; waited < WATCH_MS; waited += SAMPLE_MS) {
    await setTimeout(SAMPLE_MS);
    rssBytes = Math.max(rssBytes, process.memoryUsage.rss());
  }
  loop.disable();
  const { user, system } = process.cpuUsage(cpu);
  const polls = punctuality.latenessMs.length;
  const figures = {
    jobs: punctuality.pending,
    providers: choices.length,
    submittedMs,
    acceptedMs,
    polls,
    cpuUsPerPoll: (user + system) / polls,
    latenessP50Ms: punctuality.percentile(0.5),
    latenessP99Ms: punctuality.percentile(0.99),
    loopP50Ms: loop.percentile(50) / NS_PER_MS - 10,
    loopP99Ms: loop.percentile(99) / NS_PER_MS - 10,
    rssMiB: rssBytes / MIB,
  };
  console.log(figures);
  report(
    'crowd',
    [
      atLeast(JOBS, 'jobs in flight', figures.jobs),
      atLeast((JOBS * WATCH_MS) / POLL_EVERY_MS / 1.3, 'polls while it was watched', polls),
      atMost(1_000, 'lateness of a poll, p99', figures.latenessP99Ms, 'ms'),
      atMost(50, 'event-loop delay, p99', figures.loopP99Ms, 'ms'),
      atMost(400, 'resident memory, highest', figures.rssMiB, 'MiB'),
    ],
    figures,
  );
  await runtime.close({ timeoutMs: 0 });
});
child.stdin.end();
