/**
 * The version that tracers, meters and `holdfast_info` say.
 *
 * Callers: the telemetry. Invariant: it is package.json's (test/telemetry/metrics.test.ts); to read that file
 * here would tie a bundle of a user's to the place of it.
 */
export const VERSION = '0.1.0';
