/**
 * Other people's numbers on the job-shaped work: measured earlier, on another machine, with their servers.
 *
 * Callers: jobs.ts, which prints them for a sense of size. Invariant: no gate depends on them.
 */

interface Peer {
  readonly name: string;
  readonly jobsPerSecond: number;
  /** Created 500 a call. */
  readonly bulkPerSecond: number | undefined;
  readonly submitMs: readonly [p50: number, p99: number];
  readonly cpuUsPerJob: number;
  /** Until ready with 100,000 sleeping jobs after SIGKILL. */
  readonly restartMs: number;
}

export const peers: readonly Peer[] = [
  {
    name: 'BullMQ 6, Redis appendfsync always',
    jobsPerSecond: 7_730,
    bulkPerSecond: 7_218,
    submitMs: [3.7, 22],
    cpuUsPerJob: 212,
    restartMs: 951,
  },
  {
    name: 'pg-boss 12',
    jobsPerSecond: 1_932,
    bulkPerSecond: 15_015,
    submitMs: [29, 53],
    cpuUsPerJob: 857,
    restartMs: 1_129,
  },
  {
    name: 'plainjob (SQLite, synchronous FULL)',
    jobsPerSecond: 1_916,
    bulkPerSecond: 2_512,
    submitMs: [10, 19],
    cpuUsPerJob: 311,
    restartMs: 125,
  },
  {
    name: 'Restate 1.7',
    jobsPerSecond: 1_246,
    bulkPerSecond: undefined,
    submitMs: [48, 120],
    cpuUsPerJob: 1_322,
    restartMs: 3_363,
  },
  {
    name: 'graphile-worker 0.18',
    jobsPerSecond: 1_025,
    bulkPerSecond: 20_665,
    submitMs: [61, 86],
    cpuUsPerJob: 1_504,
    restartMs: 724,
  },
  {
    name: 'DBOS 5',
    jobsPerSecond: 932,
    bulkPerSecond: undefined,
    submitMs: [32, 71],
    cpuUsPerJob: 1_699,
    restartMs: 1_260,
  },
];
