/**
 * Reads a directory that nobody holds and proves that it is whole: journals gapless and replayable, no row
 * without its owner, counts and indexes equal to the records.
 *
 * Callers: the crash and runtime tests. Invariant: it changes nothing.
 */
import { strict as assert } from 'node:assert';
import { jobIndexes, jobIndexRows, jobReferences } from '../../src/actors/job-index.js';
import {
  checkReplay,
  defineMachine,
  type ActorRecord,
  type Definition,
} from '../../src/actors/kernel/index.js';
import type { EffectRow, HistoryEntry, JournalEntry } from '../../src/actors/kernel/record.js';
import { restored } from '../../src/actors/kernel/step.js';
import { timerKey } from '../../src/actors/kernel/belongings.js';
import { deliveryMachine, jobMachine, providerAccountMachine } from '../../src/machines/index.js';
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

const definitions: ReadonlyMap<string, Definition> = new Map(
  [
    { kind: 'job', machine: jobMachine },
    { kind: 'delivery', machine: deliveryMachine },
    { kind: 'provider', machine: providerAccountMachine },
  ].map((options) => [options.kind, defineMachine(options)]),
);

/** Audits the store of a directory and says what its jobs are. */
export async function auditStore(directory: string): Promise<AuditedJob[]> {
  const store = await openLevelStore({ directory, purpose: 'look' });
  try {
    const records = new Map<string, ActorRecord>();
    for (const [key, text] of await everyRow(store, 's')) {
      records.set(partsOf(key)[0] ?? '', JSON.parse(text) as ActorRecord);
    }
    for (const [address, record] of records) await auditJournal(store, address, record);
    await auditOwned(store, records);
    await auditCounts(store, records);
    await auditIndexes(store, records);
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

/** From its oldest mark to its record: every step there, in order, and leading to the stored snapshot. */
async function auditJournal(store: Store, address: string, record: ActorRecord): Promise<void> {
  assert.equal(record.quarantine, undefined, `${address} stands still`);
  const entries = (await everyRow(store, 'j', address)).map(([, text]) => JSON.parse(text) as JournalEntry);
  const oldest = record.marks[0]?.[0] ?? 0;
  const seqs = Array.from({ length: record.seq - oldest }, (_unused, index) => oldest + 1 + index);
  const found = entries.map(({ seq }) => seq);
  assert.deepEqual(found, seqs, `${address}: its journal has gaps`);
  const commits = entries.map(({ commit }) => commit);
  const ordered = commits.toSorted((a, b) => a - b);
  assert.deepEqual(commits, ordered, `${address}: its journal is not in the order of commits`);
  const checkpoint = await store.get(keys.checkpoint(address, oldest));
  const start = checkpoint === undefined ? {} : { checkpoint: JSON.parse(checkpoint) as ActorRecord };
  checkReplay({ definition: definitionOf(address), address, entries, ...start }, record.snapshot);
}

/** Timers, effects and inbox rows: each has its actor, and each actor has its own. */
async function auditOwned(store: Store, records: ReadonlyMap<string, ActorRecord>): Promise<void> {
  const timers = (await everyRow(store, 'd')).map(([key]) => key);
  const effects = (await everyRow(store, 'o')).map(([, text]) => JSON.parse(text) as EffectRow);
  const owned = [...records].map(([address, record]) => ({ address, record }));
  const timersOwned = owned.flatMap(({ address, record }) =>
    record.timers.map((timer) => timerKey(address, timer)),
  );
  const effectsOwned = owned.flatMap(({ address, record }) =>
    record.effects.map(({ id }) => `${address}/${id}`),
  );
  assert.deepEqual(
    timers.toSorted(),
    timersOwned.toSorted(),
    'timers without actors, or actors without timers',
  );
  const found = effects.map(({ address, id }) => `${address}/${id}`);
  assert.deepEqual(found.toSorted(), effectsOwned.toSorted(), 'effects without actors, or the reverse');
  assert.deepEqual(await everyRow(store, 'i'), [], 'events that nobody took');
  for (const { address, record } of owned) {
    if (record.status === 'active') continue;
    assert.deepEqual(record.effects, [], `${address} is finished`);
    assert.deepEqual(
      record.timers.map(({ sendId }) => sendId),
      ['holdfast.retention'],
    );
  }
}

async function auditCounts(store: Store, records: ReadonlyMap<string, ActorRecord>): Promise<void> {
  const counted: Record<string, number> = {};
  for (const [address, { version, hash, snapshot }] of records) {
    const { value } = snapshot as { readonly value: unknown };
    const key = keys.count(kindOf(address), version, hash, JSON.stringify(value));
    counted[key] = (counted[key] ?? 0) + 1;
  }
  const stored = (await everyRow(store, 'n')).map(([key, text]) => [key, Number(text)] as const);
  assert.deepEqual(Object.fromEntries(stored), counted, 'counts');
}

/** Index and artifact rows of jobs are what their snapshots say, no more and no fewer. */
async function auditIndexes(store: Store, records: ReadonlyMap<string, ActorRecord>): Promise<void> {
  const indexed: string[] = [];
  const referred: string[] = [];
  for (const [address, record] of records) {
    if (kindOf(address) !== 'job') continue;
    const snapshot = restored(definitionOf(address).steppable, record.snapshot);
    for (const { index, parts, unique } of jobIndexRows(snapshot, { address, ord: record.ord })) {
      indexed.push(keys.index(index, parts, unique === true ? '' : address));
    }
    for (const sha256 of jobReferences(snapshot)) referred.push(keys.artifact(sha256, address));
  }
  const names = new Set<string>(Object.values(jobIndexes));
  const rows = (await everyRow(store, 'q')).map(([key]) => key);
  const jobRows = rows.filter((key) => names.has(partsOf(key)[0] ?? ''));
  assert.deepEqual(jobRows.toSorted(), indexed.toSorted(), 'index rows');
  const deadLetters = rows.filter((key) => partsOf(key)[0] === 'dead-letter');
  assert.deepEqual(deadLetters, [], 'events for actors that are not there');
  const artifacts = (await everyRow(store, 'a')).map(([key]) => key);
  assert.deepEqual(artifacts.toSorted(), referred.toSorted(), 'references to artifacts');
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

function kindOf(address: string): string {
  return address.slice(0, address.indexOf('/'));
}

function definitionOf(address: string): Definition {
  const definition = definitions.get(kindOf(address));
  if (definition === undefined) throw new Error(`${address} is of no known kind`);
  return definition;
}
