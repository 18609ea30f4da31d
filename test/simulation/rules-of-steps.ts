/**
 * The rules that a write of the disk must keep about the steps in it: seq, time, versions, dedupe, order.
 *
 * Callers: the oracle, once for each write. Invariant: it looks at the write and at what was noted of earlier
 * ones, never at the kernel.
 */
import type { AnyMachineSnapshot } from 'xstate';
import type { ActorRecord, JournalEntry } from '../../src/actors/kernel/record.js';
import { limits } from '../../src/limits.js';
import { keys } from '../../src/store/keys.js';
import type { ActorChange, Batch } from './batch.js';
import { workerIndexes } from './worker-kind.js';
import { Memory, type Writes } from './memory.js';
import type { Shadow } from './shadow.js';
import type { Verdict } from './verdict.js';

interface Applied {
  readonly seq: number;
  readonly at: number;
}

/** What the living process has defined. */
export type VersionOf = (kind: string) => { readonly version: string; readonly hash: string } | undefined;

const DAY_MS = 86_400_000;

export class RulesOfSteps {
  readonly #verdict: Verdict;
  readonly #shadow: Shadow;
  /** Events that were applied, by address and event id. */
  readonly applied: Memory<Applied>;
  readonly #counts: Memory<number>;
  readonly #versionOf: VersionOf;
  #newestAt = 0;

  constructor(verdict: Verdict, shadow: Shadow, writes: Writes, versionOf: VersionOf) {
    this.#verdict = verdict;
    this.#shadow = shadow;
    this.#versionOf = versionOf;
    this.applied = new Memory(writes);
    this.#counts = new Memory(writes);
  }

  check(batch: Batch): void {
    this.#checkCommit(batch);
    for (const change of batch.actors.values()) {
      this.#checkSeqs(change);
      for (const entry of change.entries) this.#checkEntry(change, entry);
      this.#checkVersion(change);
      this.#checkIndexed(change);
    }
    this.#checkCounts(batch);
  }

  #checkCommit({ commit, generation, actors }: Batch): void {
    if (commit === undefined) return;
    const { holds } = this.#rule('K3');
    holds(commit.rows.length <= 2 * limits.commitRowsMax, () => `a batch of ${commit.rows.length} rows`);
    const expected = new Map(commit.expect.map((each) => [each.address, each]));
    for (const { address, before, isWritten, entries } of actors.values()) {
      if (!isWritten && entries.length === 0) continue;
      const expectation = expected.get(address);
      const isRight = expectation?.expectedSeq === (before?.seq ?? 0) && expectation.epoch === generation;
      holds(
        isRight,
        () => `the batch expects ${JSON.stringify(expectation)} of ${address} at ${before?.seq}`,
      );
    }
  }

  /** Each step follows the one before, and the record is that of the last one. */
  #checkSeqs({ address, before, after, entries, isWritten }: ActorChange): void {
    const { holds } = this.#rule('K2');
    let seq = before?.seq ?? 0;
    for (const entry of entries) {
      holds(entry.seq === seq + 1, () => `${address}: step ${entry.seq} follows step ${seq}`);
      seq = entry.seq;
    }
    if (after === undefined || (!isWritten && entries.length === 0)) return;
    holds(after.seq === seq, () => `${address}: the record is at ${after.seq}, its journal at ${seq}`);
    const kept = this.#shadow.own('j', address).size;
    const max = limits.journalEntriesMax + limits.checkpointEverySteps;
    this.#verdict.holds('K11', kept <= max, () => `${address} keeps ${kept} journal entries`);
  }

  #checkEntry({ address, before, entries }: ActorChange, entry: JournalEntry): void {
    const earlier = entries.find(({ seq }) => seq === entry.seq - 1)?.at ?? before?.at ?? 0;
    const { holds } = this.#rule('K10');
    holds(entry.at >= earlier, () => `${address}: step ${entry.seq} is at ${entry.at}, before ${earlier}`);
    holds(!('$' in entry.event), () => `${address}: step ${entry.seq} has stored an envelope`);
    const kind = address.slice(0, address.indexOf('/'));
    const isKnown = this.#versionOf(kind) !== undefined;
    this.#verdict.holds('K14', isKnown, () => `${address} was stepped, and nobody has defined its kind`);
    this.#newestAt = Math.max(this.#newestAt, entry.at);
    if (entry.event.type === 'xstate.init') return;
    const isUsers = entry.source === 'user';
    const isActors = entry.source.startsWith('actor:');
    if (!isUsers && !isActors) return;
    this.#applyOnce(address, entry, isUsers);
  }

  /** An event is applied once: for a day one of a caller's, for ever one of another actor's. */
  #applyOnce(address: string, entry: JournalEntry, isUsers: boolean): void {
    // The event of a quarantine's head is dropped under the operator's name.
    const key = `${address}\0${entry.eventId}`;
    const first = this.applied.get(key);
    const isOld = isUsers && first !== undefined && this.#newestAt - first.at >= DAY_MS;
    this.#verdict.holds(
      isUsers ? 'K15' : 'K8',
      first === undefined || isOld,
      () => `${address}: ${entry.eventId} was applied as step ${first?.seq} and as step ${entry.seq}`,
    );
    this.applied.set(key, { seq: entry.seq, at: entry.at });
    const hasId = !entry.eventId.startsWith(`${address}/`);
    if (!isUsers || !hasId) return;
    const row = this.#shadow.rows.get(keys.dedupe(address, entry.eventId));
    this.#verdict.holds(
      'K15',
      Number(row) === entry.seq || this.#newestAt - entry.at >= DAY_MS / 2,
      () => `${address}: the dedupe row of ${entry.eventId} says ${row}, it is step ${entry.seq}`,
    );
  }

  /** What a record says of its machine changes in a migration alone. */
  #checkVersion({ address, before, after, entries, isWritten }: ActorChange): void {
    if (after === undefined || !isWritten) return;
    const defined = this.#versionOf(address.slice(0, address.indexOf('/')));
    const { holds } = this.#rule('K12');
    const isSame = before === undefined || (before.version === after.version && before.hash === after.hash);
    const isMigrated = entries.some(({ migrated }) => migrated !== undefined);
    // Whom no machine here can read is removed as one of the present version.
    const isRemoved = entries.some(({ event }) => event.type === 'holdfast.dismissed');
    holds(
      isSame || isMigrated || isRemoved,
      () => `${address} went from ${before?.version} to ${after.version} unseen`,
    );
    if (entries.length === 0) return;
    const isPresent = defined?.version === after.version && defined.hash === after.hash;
    // Without its machine an actor can be skipped over and removed, by an operator.
    const isStanding = entries.every(({ event }) => event.type.startsWith('holdfast.'));
    holds(isPresent || isStanding, () => `${address} was stepped as version ${after.version}`);
  }

  /** A worker is found by what its snapshot says, and by nothing that an earlier one said. */
  #checkIndexed({ address, before, after, isWritten }: ActorChange): void {
    if (!isWritten || !address.startsWith('worker/')) return;
    const rows = indexRowsOf(address, after);
    const left = indexRowsOf(address, before).filter((key) => !rows.includes(key));
    const own = JSON.stringify(address);
    const isFound = rows.every((key) => this.#shadow.rows.get(key) === own);
    const isForgotten = left.every((key) => this.#shadow.rows.get(key) !== own);
    this.#verdict.holds(
      'K3',
      isFound && isForgotten,
      () => `${address} is not found by ${rows.map(printable).join()} alone`,
    );
  }

  #checkCounts(batch: Batch): void {
    const touched = new Set<string>();
    for (const { address, before, after, isWritten } of batch.actors.values()) {
      if (!isWritten) continue;
      const [from, to] = [countKey(address, before), countKey(address, after)];
      if (from === to) continue;
      if (from !== undefined) this.#counts.set(from, (this.#counts.get(from) ?? 0) - 1);
      if (to !== undefined) this.#counts.set(to, (this.#counts.get(to) ?? 0) + 1);
      for (const key of [from, to]) if (key !== undefined) touched.add(key);
    }
    for (const key of touched) {
      const stored = Number(this.#shadow.rows.get(key) ?? 0);
      const counted = this.#counts.get(key) ?? 0;
      this.#verdict.holds(
        'K12',
        stored === counted,
        () => `${printable(key)}: ${stored} on disk, ${counted} are`,
      );
    }
  }

  #rule(rule: Parameters<Verdict['holds']>[0]) {
    return { holds: (isTrue: boolean, what: () => string) => this.#verdict.holds(rule, isTrue, what) };
  }
}

function indexRowsOf(address: string, record: ActorRecord | undefined): readonly string[] {
  const snapshot = record?.snapshot as unknown as AnyMachineSnapshot | undefined;
  const rows = snapshot === undefined ? [] : workerIndexes(snapshot);
  return rows.map(({ index, parts, unique = false }) => keys.index(index, parts, unique ? '' : address));
}

function countKey(address: string, record: ActorRecord | undefined): string | undefined {
  if (record === undefined) return undefined;
  const { version, hash, snapshot, value } = record;
  const state: unknown = value ?? Reflect.get(Object(snapshot) as object, 'value') ?? null;
  return keys.count(address.slice(0, address.indexOf('/')), version, hash, JSON.stringify(state));
}

/** A key with its separators as slashes. */
export function printable(key: string): string {
  return key.replaceAll('\0', '/');
}
