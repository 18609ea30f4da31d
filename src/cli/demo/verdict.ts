/**
 * The verdict: was anything lost, billed twice or delivered under two names? From ledgers and files,
 * nothing else.
 *
 * Pure. Callers: driver.ts, tests. Invariants:
 *  V1  The bill is the simulator's, the deliveries are the receiver's, the kills are the driver's; the
 *      runtime is not asked.
 *  V2  A job counts as delivered only by an answered delivery whose every file is on disk now, with the
 *      bytes the receiver saw then and, where the provider is ours, with the bytes that were rendered for
 *      that prompt.
 *  V3  A bill that nobody wanted counts as billed twice.
 */
import { sha256Hex } from '../../ids.js';
import type { ReceiverEntry } from './facts.js';
import { standingAt, type Ledgers } from './phases.js';
import { PHASES, type Phase, type Wanted } from './plan.js';

export interface Evidence extends Ledgers {
  readonly seed: number;
  /** False at a real endpoint: its bill is its own. */
  readonly billIsOurs: boolean;
  /** SHA-256 of a file on disk now; undefined when it is not there. */
  readonly hashOf: (path: string) => string | undefined;
  /** SHA-256 of what was rendered for a job; undefined when only the provider knows. */
  readonly renderedFor: (job: Wanted) => string | undefined;
}

export interface JobVerdict {
  readonly job: Wanted;
  readonly bills: number;
  /** Answered deliveries, repeats included. */
  readonly deliveries: number;
  readonly deliveryIds: readonly string[];
  readonly artifacts: readonly { readonly path: string; readonly sha256: string; readonly bytes: number }[];
  /** Why it counts as lost; undefined when it does not. */
  readonly lost: string | undefined;
}

export interface Verdict {
  readonly jobs: readonly JobVerdict[];
  readonly kills: number;
  readonly seed: number;
  /** Null where the bill is not ours to read. */
  readonly billed: number | null;
  readonly delivered: number;
  readonly uniqueDeliveries: number;
  readonly lost: number;
  readonly billedTwice: number | null;
  /** Kills that found at least one job in the phase; null where the ledgers cannot tell. */
  readonly killedIn: Readonly<Record<Phase, number | null>>;
  /** SHA-256 over the sorted hashes of all artifacts. */
  readonly artifactsSha256: string;
  readonly good: boolean;
}

export function verdictOf(evidence: Evidence): Verdict {
  const { wanted, receiver, driver, billIsOurs } = evidence;
  const bills = evidence.biller.filter((entry) => entry.event === 'submit.billed');
  const jobs = wanted.map((job) => jobVerdict(evidence, job));
  const answered = receiver.filter((entry) => entry.event === 'delivery.answered');
  const uniqueDeliveries = new Set(answered.map((entry) => entry.deliveryId)).size;
  const lost = jobs.filter((job) => job.lost !== undefined).length;
  const extraBills = jobs.reduce((sum, job) => sum + Math.max(0, job.bills - 1), 0);
  const unwantedBills = bills.length - jobs.reduce((sum, job) => sum + job.bills, 0);
  const billedTwice = billIsOurs ? extraBills + unwantedBills : null;
  const hashes = jobs.flatMap((job) => job.artifacts.map(({ sha256 }) => sha256));
  const oneName = jobs.every((job) => job.deliveryIds.length <= 1);
  return {
    jobs,
    kills: driver.filter((entry) => entry.event === 'killed').length,
    seed: evidence.seed,
    billed: billIsOurs ? bills.length : null,
    delivered: answered.length,
    uniqueDeliveries,
    lost,
    billedTwice,
    killedIn: killedIn(evidence),
    artifactsSha256: sha256Hex(hashes.toSorted().join('\n')),
    good: lost === 0 && (billedTwice ?? 0) === 0 && oneName,
  };
}

/** What the JSON line of the demo says, its keys in order. */
export function jsonLineOf(verdict: Verdict): string {
  const { jobs, billed, delivered, uniqueDeliveries, kills, seed, lost, billedTwice, killedIn } = verdict;
  return JSON.stringify({
    jobs: jobs.length,
    billed,
    delivered,
    uniqueDeliveries,
    kills,
    seed,
    lost,
    billedTwice,
    killedIn,
    artifacts: verdict.artifactsSha256,
  });
}

function jobVerdict(evidence: Evidence, job: Wanted): JobVerdict {
  const bills = evidence.biller.filter(
    (entry) =>
      entry.event === 'submit.billed' &&
      entry.promptSha256 === job.promptSha256 &&
      entry.provider === job.provider &&
      entry.kind === job.kind,
  );
  const answered = evidence.receiver.filter(
    (entry) => entry.event === 'delivery.answered' && entry.job === job.number,
  );
  const whys = answered.map((entry) => whyLost(evidence, job, entry));
  const whole = answered[whys.indexOf(undefined)];
  return {
    job,
    bills: bills.length,
    deliveries: answered.length,
    deliveryIds: [...new Set(answered.map((entry) => entry.deliveryId))],
    artifacts: (whole?.files ?? []).map(({ path, sha256 = '', bytes = 0 }) => ({ path, sha256, bytes })),
    lost: whole === undefined ? (whys[0] ?? 'no delivery was answered') : undefined,
  };
}

function whyLost({ hashOf, renderedFor }: Evidence, job: Wanted, entry: ReceiverEntry): string | undefined {
  const rendered = renderedFor(job);
  if (entry.files.length === 0) return 'the delivery carried no file';
  for (const { path, sha256 } of entry.files) {
    if (sha256 === undefined) return `the receiver did not find ${path}`;
    const now = hashOf(path);
    if (now === undefined) return `${path} is not on disk`;
    if (now !== sha256) return `${path} changed after its delivery`;
    if (rendered !== undefined && now !== rendered) return `${path} is not what was rendered for its prompt`;
  }
  return undefined;
}

function killedIn(evidence: Evidence): Readonly<Record<Phase, number | null>> {
  const kills = evidence.driver.filter((entry) => entry.event === 'killed');
  const standings = kills.map((kill) => standingAt(evidence, kill.at));
  const count = (phase: Phase): number | null => {
    if (!evidence.billIsOurs && phase !== 'delivering') return null;
    return standings.filter((standing) => standing[phase].length > 0).length;
  };
  const [intent, posting, downloading, delivering] = PHASES.map(count);
  return {
    intent: intent ?? null,
    posting: posting ?? null,
    downloading: downloading ?? null,
    delivering: delivering ?? null,
  };
}
