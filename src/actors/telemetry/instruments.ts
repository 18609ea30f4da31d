/**
 * Every metric there is: its name in Prometheus and in OpenTelemetry, its labels, its unit, what it says.
 *
 * Callers: measures.ts, prometheus.ts, meters.ts; docs/telemetry.md has the same table (a test compares
 * them). Invariant: an exporter that makes Prometheus names of OpenTelemetry's makes these of those.
 */

interface Instrument {
  readonly name: string;
  /** In OpenTelemetry. */
  readonly otel: string;
  readonly labels: readonly string[];
  /** Of UCUM, as OpenTelemetry wants it. */
  readonly unit: string;
  readonly help: string;
}

/** What only grows, since this runtime was opened. */
export const COUNTERS = {
  steps: {
    name: 'holdfast_steps_total',
    otel: 'holdfast.steps',
    labels: ['kind', 'event'],
    unit: '{step}',
    help: 'Steps that are on disk, by kind and type of event.',
  },
  commits: {
    name: 'holdfast_commits_total',
    otel: 'holdfast.commits',
    labels: [],
    unit: '{commit}',
    help: 'Batches that are on disk.',
  },
  rows: {
    name: 'holdfast_commit_rows_total',
    otel: 'holdfast.commit.rows',
    labels: [],
    unit: '{row}',
    help: 'Rows that were written and deleted by batches.',
  },
  bytes: {
    name: 'holdfast_commit_bytes_total',
    otel: 'holdfast.commit.bytes',
    labels: [],
    unit: 'By',
    help: 'Text of keys and values that batches wrote.',
  },
  effects: {
    name: 'holdfast_effects_total',
    otel: 'holdfast.effects',
    labels: ['kind', 'src', 'outcome'],
    unit: '{run}',
    help: 'Runs of effects that have ended: done, error, deferred, aborted, refused.',
  },
  deliveries: {
    name: 'holdfast_deliveries_total',
    otel: 'holdfast.deliveries',
    labels: ['channel', 'outcome'],
    unit: '{attempt}',
    help: 'Attempts to send a message that have ended: sent, failed, or how the run ended instead.',
  },
  quarantines: {
    name: 'holdfast_quarantines_total',
    otel: 'holdfast.quarantines',
    labels: ['kind', 'code'],
    unit: '{actor}',
    help: 'Actors that came to stand still.',
  },
  clockJumps: {
    name: 'holdfast_clock_jumps_total',
    otel: 'holdfast.clock.jumps',
    labels: ['direction'],
    unit: '{jump}',
    help: 'Jumps of the wall clock: forward, back.',
  },
} as const satisfies Readonly<Record<string, Instrument>>;

/** What is looked at when it is asked for. */
export const GAUGES = {
  info: {
    name: 'holdfast_info',
    otel: 'holdfast.info',
    labels: ['version'],
    // With '1', exporters call a gauge a ratio.
    unit: '',
    help: 'The version of holdfast; always 1.',
  },
  actors: {
    name: 'holdfast_actors',
    otel: 'holdfast.actors',
    labels: ['kind', 'state', 'status'],
    unit: '{actor}',
    help: 'Stored actors, by kind and state; status is active, or finished until their retention is over.',
  },
  running: {
    name: 'holdfast_effects_running',
    otel: 'holdfast.effects.running',
    labels: ['kind', 'src'],
    unit: '{run}',
    help: 'Runs of effects under way.',
  },
  quarantined: {
    name: 'holdfast_quarantined_actors',
    otel: 'holdfast.quarantined.actors',
    labels: ['kind'],
    unit: '{actor}',
    help: 'Actors that stand still; 10,000 of all kinds are counted at most.',
  },
  dwell: {
    name: 'holdfast_dwell_seconds',
    otel: 'holdfast.dwell',
    labels: ['kind', 'state', 'quantile'],
    unit: 's',
    help: 'How long actors stayed in a state, of all stays that are kept: quantiles 0.5 and 0.95.',
  },
} as const satisfies Readonly<Record<string, Instrument>>;

/** Times, in seconds. */
export const HISTOGRAMS = {
  commit: {
    name: 'holdfast_commit_seconds',
    otel: 'holdfast.commit',
    labels: [],
    unit: 's',
    help: 'From the call of the store to its answer, of a batch.',
    buckets: [0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5],
  },
  stepCommit: {
    name: 'holdfast_step_commit_seconds',
    otel: 'holdfast.step.commit',
    labels: [],
    unit: 's',
    help: 'From a step to its being on disk, by the wall clock in whole milliseconds.',
    buckets: [0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30],
  },
  effect: {
    name: 'holdfast_effect_seconds',
    otel: 'holdfast.effect',
    labels: ['kind', 'src'],
    unit: 's',
    help: 'Runs of effects that have ended, however.',
    buckets: [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 7_200],
  },
  timersLate: {
    name: 'holdfast_timers_late_seconds',
    otel: 'holdfast.timers.late',
    labels: [],
    unit: 's',
    help: 'From the moment a timer was due to its step.',
    buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 60, 3_600, 86_400],
  },
} as const satisfies Readonly<Record<string, Instrument & { readonly buckets: readonly number[] }>>;

export type CounterName = keyof typeof COUNTERS;
export type GaugeName = keyof typeof GAUGES;
export type HistogramName = keyof typeof HISTOGRAMS;
