/**
 * Jobs a second: ten thousand small actors, pending → running → done, beside a hand-written program.
 *
 * In each round, on fresh databases, the two take turns of a few thousand jobs, synced, with 64 submits in
 * flight; then the kernel alone with 500 jobs a call, and one job at a time. Last, restarts with a hundred
 * thousand sleeping actors. Callers: run.ts, as a process of its own.
 */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createActor } from 'xstate';
import { inChild } from './child.js';
import { atLeast, atMost, report } from './gates.js';
import { JobRun, kernelJobs, liveJobs, type JobsMeasured } from './job-run.js';
import { withKernel } from './kernel.js';
import { median } from './lanes.js';
import { withLevel } from './live.js';
import { peers } from './peers.js';
import { inFreshDirectory } from './place.js';
import { jobDefinition } from './render.js';
import { fillWithSleepers, sleeperId, sleeperInput, sleeperMachine } from './sleeper.js';

const ROUNDS = 5;
const LANES = 64;
const JOBS = 10_000;
const TURNS = 4;
const WARM_UP_JOBS = 3_000;
const BULK = 500;
const BULK_LANES = 2;
const DEPTH_ONE_JOBS = 1_000;
const RESTARTED = 100_000;

const definitions = { definitions: [jobDefinition] };

interface Round {
  readonly kernel: JobsMeasured;
  readonly live: JobsMeasured;
  readonly kernelBytesPerJob: number;
  readonly liveBytesPerJob: number;
}

function measureRound(): Promise<Round> {
  return inFreshDirectory(async (directory) => {
    const [kernelPlace, livePlace] = [join(directory, 'kernel'), join(directory, 'live')];
    const [kernel, live] = await withKernel(
      kernelPlace,
      'power',
      (opened, store) =>
        withLevel(livePlace, async (level) => {
          const one = new JobRun(kernelJobs(opened, store), LANES, 1);
          const other = new JobRun(liveJobs(level), LANES, 1);
          for (const run of [one, other]) {
            await run.slice(WARM_UP_JOBS);
            run.reset();
          }
          for (let turn = 0; turn < TURNS; turn += 1) {
            for (const run of turn % 2 === 0 ? [one, other] : [other, one]) await run.slice(JOBS / TURNS);
          }
          return [one.measured(), other.measured()] as const;
        }),
      definitions,
    );
    const jobs = JOBS + WARM_UP_JOBS;
    const kernelBytesPerJob = (await bytesOnDisk(kernelPlace)) / jobs;
    return { kernel, live, kernelBytesPerJob, liveBytesPerJob: (await bytesOnDisk(livePlace)) / jobs };
  });
}

/** The kernel alone: so many submits in flight, so many jobs in each. */
function measureAlone(lanes: number, perSubmit: number, jobs: number): Promise<JobsMeasured> {
  return inFreshDirectory((directory) =>
    withKernel(
      directory,
      'power',
      async (kernel, store) => {
        const run = new JobRun(kernelJobs(kernel, store), lanes, perSubmit);
        await run.slice(jobs);
        run.reset();
        await run.slice(jobs);
        return run.measured();
      },
      definitions,
    ),
  );
}

/** Restarts of both with the same sleeping actors, each in a process of its own. */
function measureRestart(): Promise<{ readonly kernelMs: number; readonly liveMs: number }> {
  return inFreshDirectory(async (directory) => {
    const [kernelPlace, livePlace] = [join(directory, 'kernel'), join(directory, 'live')];
    await fillWithSleepers({ directory: kernelPlace, actors: RESTARTED, dueTogether: 0 });
    await fillLive(livePlace);
    const kernels: number[] = [];
    const lives: number[] = [];
    for (let round = 0; round < 3; round += 1) {
      const { armedMs = Number.NaN } = await inChild('recovery-child', [kernelPlace]);
      const { restartMs = Number.NaN } = await inChild('live-restart-child', [livePlace]);
      kernels.push(armedMs);
      lives.push(restartMs);
    }
    return { kernelMs: median(kernels), liveMs: median(lives) };
  });
}

function fillLive(directory: string): Promise<void> {
  return withLevel(directory, async (level) => {
    const actor = createActor(sleeperMachine, { input: sleeperInput(1) });
    const text = JSON.stringify(actor.getPersistedSnapshot());
    for (let from = 0; from < RESTARTED; from += 1_000) {
      const batch = level.batch();
      for (let index = from; index < from + 1_000; index += 1) batch.put(sleeperId(index), text);
      await batch.write();
    }
  });
}

async function bytesOnDisk(directory: string): Promise<number> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const sizes = entries
    .filter((entry) => entry.isFile())
    .map(async (entry) => (await stat(join(entry.parentPath, entry.name))).size);
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

function line(name: string, run: JobsMeasured, bytesPerJob?: number): string {
  return [
    name.padEnd(36),
    run.jobsPerSecond.toFixed(0).padStart(7),
    `${run.p50Ms.toFixed(1)} / ${run.p99Ms.toFixed(1)}`.padStart(13),
    run.cpuUsPerJob.toFixed(0).padStart(7),
    run.syncsPerJob.toFixed(3).padStart(7),
    (bytesPerJob?.toFixed(0) ?? '').padStart(9),
  ].join('  ');
}

const rounds: Round[] = [];
for (let round = 0; round < ROUNDS; round += 1) rounds.push(await measureRound());
const bulk = await measureAlone(BULK_LANES, BULK, JOBS);
const alone = await measureAlone(1, 1, DEPTH_ONE_JOBS);
const restart = await measureRestart();

const of = (figure: (round: Round) => number): number => median(rounds.map(figure));
const kernelAt = (figure: (run: JobsMeasured) => number): number => of(({ kernel }) => figure(kernel));
console.log(`${'synced'.padEnd(36)}   jobs/s  submit p50/99  CPU us  syncs/job  bytes/job on disk`);
const sorted = rounds.toSorted((a, b) => a.kernel.jobsPerSecond - b.kernel.jobsPerSecond);
const middle = sorted[Math.floor(ROUNDS / 2)];
if (middle !== undefined) {
  console.log(line(`kernel, ${LANES} submits in flight`, middle.kernel, middle.kernelBytesPerJob));
  console.log(line(`live XState and level, ${LANES} in flight`, middle.live, middle.liveBytesPerJob));
}
console.log(line(`kernel, createMany of ${BULK}`, bulk));
console.log(line('kernel, one submit at a time', alone));
const [kernelMs, liveMs] = [restart.kernelMs.toFixed(0), restart.liveMs.toFixed(0)];
console.log(`restart with ${RESTARTED} sleeping: kernel ${kernelMs} ms, live ${liveMs} ms`);
console.log(
  "\nother people's, on another machine: jobs/s, 500 a call, submit p50/p99 ms, CPU us, restart ms",
);
for (const peer of peers) {
  const { name, jobsPerSecond, bulkPerSecond = '-', submitMs, cpuUsPerJob, restartMs } = peer;
  console.log(
    `  ${name}: ${jobsPerSecond}, ${bulkPerSecond}, ${submitMs.join(' / ')}, ${cpuUsPerJob}, ${restartMs}`,
  );
}
report(
  'jobs',
  [
    atLeast(
      3,
      'jobs a second, kernel to live',
      of(({ kernel, live }) => kernel.jobsPerSecond / live.jobsPerSecond),
    ),
    atLeast(40, 'restart, live to kernel', restart.liveMs / restart.kernelMs),
    atMost(
      80,
      'CPU a job',
      kernelAt((run) => run.cpuUsPerJob),
      'us',
    ),
    atMost(
      0.05,
      'syncs a job',
      kernelAt((run) => run.syncsPerJob),
    ),
  ],
  { rounds, bulk, alone, restart },
);
