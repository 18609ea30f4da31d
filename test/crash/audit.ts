/**
 * Reads a directory that nobody holds and proves that it is whole, as the doctor sees it, and at rest.
 *
 * Callers: the crash and runtime tests. Invariant: it changes nothing.
 */
import { strict as assert } from 'node:assert';
import { examineRows } from '../../src/actors/examination/index.js';
import { houseMachines } from '../../src/actors/house-machines.js';
import type { ActorRecord, HistoryEntry } from '../../src/actors/kernel/index.js';
import type { JobArtifact, JobContext } from '../../src/machines/index.js';
import { keys, openLevelStore, partsOf, rangeAfter, rangeOf } from '../../src/store/index.js';
import type { Entry, RowLetter, Store } from '../../src/store/index.js';

export interface AuditedJob {
  readonly id: string;
  readonly prompt: string;
  readonly state: string;
  readonly outcome: string | undefined;
  readonly deliveryIds: readonly string[];
  readonly artifacts: readonly JobArtifact[];
  /** Entries in its session's history. */
  readonly history: number;
}

const PAGES_MAX = 10_000;

/** Audits the store of a directory and says what its jobs are. */
export async function auditStore(directory: string): Promise<AuditedJob[]> {
  const store = await openLevelStore({ directory, purpose: 'look' });
  try {
    const records = new Map<string, ActorRecord>();
    for (const [key, text] of await everyRow(store, 's')) {
      records.set(partsOf(key)[0] ?? '', JSON.parse(text) as ActorRecord);
    }
    const found: string[] = [];
    for await (const { code, what } of examineRows(store, { machines: houseMachines, deep: true })) {
      found.push(`${code}: ${what}`);
    }
    assert.deepEqual(found, []);
    await auditRest(store, records);
    const jobs = [...records].filter(([address]) => address.startsWith('job/'));
    return await Promise.all(jobs.map(([address, record]) => auditedJob(store, address, record)));
  } finally {
    await store.close();
  }
}

async function everyRow(store: Store, letter: RowLetter, ...parts: readonly string[]): Promise<Entry[]> {
  const found: Entry[] = [];
  let range = rangeOf(letter, ...parts);
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const some = await store.scan({ ...range, limit: 1_000 });
    found.push(...some);
    const last = some.at(-1);
    if (last === undefined) return found;
    range = rangeAfter(range, last[0]);
  }
  throw new Error('more rows than a test may write');
}

/** Nothing waits, stands still, or was sent to nobody: each crash test comes to rest. */
async function auditRest(store: Store, records: ReadonlyMap<string, ActorRecord>): Promise<void> {
  for (const [address, record] of records) {
    assert.equal(record.quarantine, undefined, `${address} stands still`);
  }
  assert.deepEqual(await everyRow(store, 'i'), [], 'events that nobody took');
  assert.deepEqual(await everyRow(store, 'q', 'dead-letter'), [], 'events for actors that are not there');
}

async function auditedJob(store: Store, address: string, record: ActorRecord): Promise<AuditedJob> {
  const { context, value } = record.snapshot as unknown as {
    readonly context: JobContext;
    readonly value: unknown;
  };
  const request = JSON.parse((await store.get(keys.payload(address, 'request'))) ?? '{}') as {
    readonly prompt?: string;
  };
  const { sessionKey } = context.input;
  const history = sessionKey === undefined ? [] : await everyRow(store, 'h', sessionKey);
  const own = history.filter(([, text]) => (JSON.parse(text) as HistoryEntry).cause === address);
  return {
    id: context.input.jobId,
    prompt: request.prompt ?? '',
    state: typeof value === 'string' ? value : JSON.stringify(value),
    outcome: context.outcome?.status,
    deliveryIds: context.deliveries.map(({ deliveryId }) => deliveryId),
    artifacts: context.artifacts,
    history: own.length,
  };
}
