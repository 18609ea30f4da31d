/**
 * What must be true of a job that is over, whatever went wrong and whoever died on the way.
 *
 * Callers: life.ts. Invariant: it reads, and judges by the provider's own ledger and by what arrived in the
 * chat, not by what the runtime says of itself.
 */
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { sha256Hex } from '../../../src/ids.js';
import type { Runtime } from '../../../src/runtime.js';
import type { LedgerEntry } from '../../../src/simulator/index.js';
import type { Ending } from './faults.js';

export interface Sent {
  readonly deliveryId: string;
  readonly paths: readonly string[];
}

export interface Fate {
  readonly ending: string;
  readonly error: string;
  readonly bills: number;
  readonly crashes: number;
  /** Commits of the last process, and lines of the provider's ledger: where other cases may die. */
  readonly commits: number;
  readonly lines: number;
  /** Empty when all is well. */
  readonly wrong: readonly string[];
}

export interface Evidence {
  readonly runtime: Runtime;
  readonly jobId: string;
  readonly sent: readonly Sent[];
  readonly ledger: readonly LedgerEntry[];
  /** The host that is configured. */
  readonly own: string;
  readonly mayEnd: readonly Ending[];
  readonly crashes: number;
}

export async function judge(evidence: Evidence): Promise<Omit<Fate, 'crashes' | 'commits'>> {
  const { runtime, jobId, sent, ledger, own, mayEnd, crashes } = evidence;
  const wrong: string[] = [];
  const { status, error, artifacts } = await runtime.jobs.view(jobId);
  const bills = ledger.filter(({ event }) => event === 'submit.billed').length;
  if (bills > 1) wrong.push(`billed ${bills} times`);
  // Who dies while a POST is out cannot know what became of it.
  const endings: readonly string[] = ['done', ...(crashes > 0 ? ['submitUnknown'] : []), ...mayEnd];
  if (!endings.includes(status)) wrong.push(`ended as ${status}`);
  if (status === 'done' && bills !== 1) wrong.push(`done, and billed ${bills} times`);
  if (status === 'done' && artifacts.length === 0) wrong.push('done without an artifact');
  for (const { path, sha256 } of artifacts) {
    const bytes = await readFile(path).catch(() => Buffer.alloc(0));
    if (sha256Hex(bytes) !== sha256 || !basename(path).startsWith(sha256)) wrong.push('a file is damaged');
  }
  const ids = new Set(sent.map(({ deliveryId }) => deliveryId));
  const wanted = status === 'submitUnknown' ? 0 : 1;
  if (ids.size !== wanted) wrong.push(`${ids.size} deliveries`);
  const paths = artifacts.map(({ path }) => path);
  if (sent.some((one) => one.paths.join() !== paths.join())) wrong.push('delivered without its files');
  for (const { host, credentialHeaders } of ledger) {
    if (credentialHeaders.length > 0 && host !== own) wrong.push(`a credential went to ${String(host)}`);
  }
  return { ending: status, error: error?.code ?? '', bills, lines: ledger.length, wrong };
}
