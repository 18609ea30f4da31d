/**
 * The closing table: a row a job, then the sums and where they come from.
 *
 * Pure. Callers: driver.ts, tests. Invariant: every number in it is the verdict's.
 */
import { basename } from 'node:path';
import type { Places } from './places.js';
import { PHASES } from './plan.js';
import { counted, shortened } from './timeline.js';
import type { JobVerdict, Verdict } from './verdict.js';

const ROWS_MAX = 60;
const UNKNOWN = 'see your provider';

export function tableOf(verdict: Verdict, places: Places): readonly string[] {
  const head = ['job', 'asked of', 'bills', 'deliveries', 'ids', 'bytes', 'artifact'];
  const shown = verdict.jobs.slice(0, ROWS_MAX);
  const rows = [head, ...shown.map((job) => rowOf(job, verdict.billed !== null))];
  const left = verdict.jobs.length - shown.length;
  return [
    ...aligned(rows),
    ...(left > 0 ? [`… and ${counted(left, 'job')} more`] : []),
    '',
    ...sumsOf(verdict, places),
  ];
}

function rowOf({ job, bills, deliveries, deliveryIds, artifacts, lost }: JobVerdict, billIsOurs: boolean) {
  const bytes = artifacts.reduce((sum, artifact) => sum + artifact.bytes, 0);
  const names = artifacts.map(({ path }) => shortened(basename(path), 24)).join(' ');
  return [
    String(job.number),
    `${job.provider} ${job.kind}`,
    billIsOurs ? String(bills) : '?',
    String(deliveries),
    String(deliveryIds.length),
    String(bytes),
    lost === undefined ? names : `LOST: ${lost}`,
  ];
}

function sumsOf(verdict: Verdict, places: Places): readonly string[] {
  const { jobs, billed, billedTwice, delivered, uniqueDeliveries, kills, killedIn, lost } = verdict;
  const struck = PHASES.map((phase) => `${phase} ${killedIn[phase] ?? '?'}`).join(', ');
  const bill =
    billed === null
      ? `bill: ${UNKNOWN}`
      : `${counted(billed, 'bill')}, ${billedTwice ?? 0} too many (${places.simulatorLedger})`;
  return aligned([
    ['wanted', `${counted(jobs.length, 'job')} (${places.wanted})`],
    ['billed', bill],
    [
      'delivered',
      `${delivered} answered, ${counted(uniqueDeliveries, 'delivery id')} (${places.receiverLedger})`,
    ],
    ['killed', `${counted(kills, 'time')}, in: ${struck} (${places.driverLedger})`],
    ['lost', String(lost)],
    ['artifacts', `sha256 of their sorted hashes: ${verdict.artifactsSha256}`],
    ['', `the files: ${places.agent}/artifacts`],
  ]);
}

function aligned(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
