/**
 * The oracle: a naive model of what must be true, beside the kernel, told of everything that can be seen.
 *
 * Owns: the shadow of the disk and what was noted of each write. Callers: the world; its process, its
 * outside and its clients tell it. Invariant: what is checked when something becomes visible is checked in
 * that moment, against the disk as it is then (K1).
 */
import { hash } from 'node:crypto';
import type { CommittedStep, Outcome } from '../../src/actors/kernel/index.js';
import type { ActorRecord, JournalEntry } from '../../src/actors/kernel/record.js';
import { keys } from '../../src/store/keys.js';
import { decodeValue, encodeValue } from '../../src/store/codec.js';
import type { Database } from '../../src/store/database.js';
import type { Commit, MemoryDisk, Row } from '../../src/store/index.js';
import { actorChanges, type Batch } from './batch.js';
import type { Call, ClientsListener } from './clients.js';
import { Memory, Writes } from './memory.js';
import { Outside, type OutsideListener, type Run } from './outside.js';
import type { Process, Witness } from './process.js';
import { effectRowOf, removedEffects, RulesOfBelongings, sameEffect } from './rules-of-belongings.js';
import type { EffectOnDisk } from './rules-of-belongings.js';
import { RulesOfSessions } from './rules-of-sessions.js';
import { RulesOfStays } from './rules-of-stays.js';
import { RulesOfSteps } from './rules-of-steps.js';
import { RulesOfTasks } from './rules-of-tasks.js';
import { RulesOfWork } from './rules-of-work.js';
import { Shadow } from './shadow.js';
import type { Chance } from './chance.js';
import type { Verdict } from './verdict.js';

export interface OracleOptions {
  readonly verdict: Verdict;
  readonly chance: Chance;
  /** The process that lives now. */
  readonly living: () => Process | undefined;
}

const HISTORY_MAX = 64;

export class Oracle implements Witness, OutsideListener, ClientsListener {
  readonly verdict: Verdict;
  readonly shadow = new Shadow();
  readonly outside: Outside;
  readonly steps: RulesOfSteps;
  readonly sessions: RulesOfSessions;
  readonly work: RulesOfWork;
  readonly tasks: RulesOfTasks;
  /** Actors with a damaged record: nothing is held against them. */
  readonly rotten = new Set<string>();
  readonly #living: () => Process | undefined;
  readonly #belongings: RulesOfBelongings;
  readonly #stays: RulesOfStays;
  readonly #writes = new Writes(HISTORY_MAX);
  /** Custom actions that ran. */
  readonly #acted = new Memory<number>(this.#writes);
  /** How often an effect was run, by its key. */
  readonly #runs = new Memory<number>(this.#writes);
  readonly #records = new Map<string, ActorRecord | undefined>();
  /** The newest call of a sender that an actor has taken, and the newest step that was told, by process. */
  readonly #newest = new Map<string, number>();
  /** The pool of each run of the living process. */
  readonly #poolOf = new Map<number, string>();
  #intended: Commit | undefined;
  /** Effects whose end is on disk, and the kernel has not been told. */
  #going: readonly EffectOnDisk[] = [];
  #writeCount = 0;
  #digest = '';

  constructor({ verdict, chance, living }: OracleOptions) {
    this.verdict = verdict;
    this.#living = living;
    this.outside = new Outside(this, chance);
    const versionOf = (kind: string) => this.#living()?.kernel.definitionOf(kind);
    this.steps = new RulesOfSteps(verdict, this.shadow, this.#writes, versionOf);
    this.#belongings = new RulesOfBelongings(verdict, this.shadow, this.#writes, this.outside);
    this.#stays = new RulesOfStays(verdict, this.shadow, this.#writes);
    this.sessions = new RulesOfSessions(verdict, this.shadow, this.#writes);
    this.work = new RulesOfWork(verdict, this.#writes);
    this.tasks = new RulesOfTasks(verdict, this.#writes);
  }

  get writes(): number {
    return this.#writeCount;
  }

  /** Of everything that was ever written, in its order. */
  get digest(): string {
    return this.#digest;
  }

  /**
   * The disk, with the oracle told of every write before its writer is. Nobody sees half of a write: until it
   * is done, what was there before is read, or waited for.
   */
  watching(disk: MemoryDisk): MemoryDisk {
    return {
      ...disk,
      attach: async () => {
        const database = await disk.attach();
        let writing: Promise<void> | undefined;
        const write = async (rows: readonly Row[]): Promise<void> => {
          writing = database.write(rows);
          try {
            await writing;
          } finally {
            writing = undefined;
          }
          this.#written(rows);
        };
        return {
          ...database,
          get: (key) => (writing === undefined ? database.get(key) : this.#before(key, database)),
          getMany: async (wanted) => {
            await Promise.allSettled([writing]);
            return await database.getMany(wanted);
          },
          read: async (options) => {
            await Promise.allSettled([writing]);
            return await database.read(options);
          },
          write,
        };
      },
    };
  }

  /** The newest writes are gone. */
  lose(count: number): void {
    this.shadow.lose(count);
    this.#writes.lose(count);
    this.#records.clear();
    this.sessions.forget();
    this.#digest = hash('sha256', `${this.#digest} lost ${count}`);
  }

  /** A record that cannot be read any more. */
  rot(address: string): void {
    this.rotten.add(address);
    this.#records.delete(address);
  }

  intends(process: Process, commit: Commit): void {
    this.verdict.holds(
      'K4',
      process.isRunning || process.state === 'opening',
      () => `${process.state}, and writes`,
    );
    this.verdict.holds(
      'K3',
      this.#intended === undefined,
      () => `commit ${commit.number} while one is in flight`,
    );
    this.#intended = commit;
  }

  opened(_process: Process): void {
    this.#intended = undefined;
    this.#newest.clear();
    this.#poolOf.clear();
    this.#going = [];
    this.sessions.forget();
  }

  tells(): void {
    this.#going = [];
  }

  failed(_process: Process): void {
    this.#intended = undefined;
  }

  started(run: Run): void {
    const process = this.#living();
    if (process?.number !== run.processNumber) return;
    // The kernel has not been told yet that a row is gone: it may still begin what it found there.
    const going = this.#going.find(({ row }) => sameEffect(run.effectKey, `${row.address}/${row.id}`));
    const found = effectRowOf(this.shadow, run.effectKey) ?? going;
    this.verdict.holds('K1', found !== undefined, () => `${run.effectKey} runs, and is not on disk`);
    if (found === undefined || this.rotten.has(found.row.address)) return;
    const { key, row } = found;
    const kind = row.address.slice(0, row.address.indexOf('/'));
    const definition = process.kernel.definitionOf(kind);
    const policy = definition?.policyOf(row.src);
    if (policy === undefined) return;
    const beside = this.outside.running().filter(({ number }) => number !== run.number);
    const isTwice = beside.some(({ effectKey }) => effectKey === run.effectKey);
    this.verdict.holds('K6', !isTwice, () => `${run.effectKey} runs twice at once`);
    const [, , pool = ''] = key.split('\0');
    this.#poolOf.set(run.number, `${kind} ${pool}`);
    const mates = beside.filter(({ number }) => this.#poolOf.get(number) === `${kind} ${pool}`);
    const { limit, recovery, restart } = policy;
    this.verdict.holds('K7', mates.length < limit, () => `${mates.length + 1} run in the pool ${pool}`);
    const runs = (this.#runs.get(`${row.address}/${row.id}`) ?? 0) + 1;
    this.#runs.set(`${row.address}/${row.id}`, runs);
    const isCareful = recovery === 'manual' || recovery === 'probe';
    if (!isCareful && (restart === undefined || run.type !== 'promise')) return;
    const isMarked = row.started?.epoch === process.generation;
    this.verdict.holds('K7', isMarked, () => `${run.effectKey} runs without its mark on disk`);
    if (!isCareful || run.effectKey.endsWith('*')) return;
    const allowed =
      1 + (this.outside.notStarted.get(run.effectKey) ?? 0) + this.outside.deferredOf(run.effectKey);
    this.verdict.holds('K7', runs <= allowed, () => `${run.effectKey} (${recovery}) runs the ${runs}. time`);
  }

  acted(processNumber: number, name: string, address: string, seq: number): void {
    if (this.#living()?.number !== processNumber) return;
    const isThere = this.shadow.rows.has(keys.journal(address, seq));
    this.verdict.holds('K1', isThere, () => `${name} of ${address} ran before step ${seq} was on disk`);
    const key = `${address}\0${seq}\0${name}`;
    this.verdict.holds(
      'K13',
      this.#acted.get(key) === undefined,
      () => `${name} of ${address} ran twice at ${seq}`,
    );
    this.#acted.set(key, seq);
  }

  /** A step that listeners are told of. */
  stepped(process: Process, step: CommittedStep): void {
    const { address, entry } = step;
    if (this.#living() !== process || this.rotten.has(address)) return;
    this.sessions.told(step, this.record(address));
    // Its last step, and its removal with all its rows, are one write where it need not stay.
    if (entry.status !== 'active' && this.record(address) === undefined) return;
    const row = this.#entry(address, entry.seq);
    const isSame = row?.eventId === entry.eventId && row.commit === entry.commit;
    this.verdict.holds('K1', isSame, () => `step ${entry.seq} of ${address} was told, and is not on disk`);
    const emitted = JSON.stringify(row?.emitted) === JSON.stringify(entry.emitted);
    this.verdict.holds('K13', emitted, () => `step ${entry.seq} of ${address} emits what is not on disk`);
    const last = entry.seq === 1 ? 0 : this.#newest.get(`step ${address}`);
    const follows = last === undefined || entry.seq === last + 1;
    this.verdict.holds('K16', follows, () => `${address}: step ${entry.seq} was told after step ${last}`);
    this.#newest.set(`step ${address}`, entry.seq);
  }

  answered(call: Call, outcome: Outcome): void {
    const { address, id, what } = call;
    if (this.rotten.has(address) || !outcome.accepted) return;
    const { seq, deduplicated } = outcome;
    // As for listeners: gone in the write of its last step. A first step that is not there is no such thing.
    const mayBeGone = what.type === 'operate' || (seq > 1 && !deduplicated);
    if (mayBeGone && this.record(address) === undefined) return;
    const entry = this.#entry(address, seq);
    const applied = id === undefined ? undefined : this.steps.applied.get(`${address}\0${id}`);
    if (deduplicated && what.type === 'send') {
      // One that was skipped, or that its actor was restarted for, has no step of its own name.
      const row = Number(this.shadow.rows.get(keys.dedupe(address, id ?? '')));
      const isOriginal = applied === undefined ? row === seq : applied.seq === seq;
      this.verdict.holds('K15', isOriginal, () => `${id} is said to be a duplicate of step ${seq}`);
      return;
    }
    const isIt = entry !== undefined && (id === undefined || what.type !== 'send' || entry.eventId === id);
    this.verdict.holds(
      'K1',
      isIt,
      () => `${address}: ${JSON.stringify(what)} is answered, step ${seq} is not on disk`,
    );
    if (what.type !== 'send') return;
    const last = this.#newest.get(`call ${address}`) ?? 0;
    this.verdict.holds(
      'K2',
      call.order > last,
      () => `${address} took call ${call.order} after call ${last}`,
    );
    this.#newest.set(`call ${address}`, call.order);
  }

  refused(call: Call, unexpected: string): void {
    const { address, what } = call;
    if (this.rotten.has(address)) return;
    this.verdict.holds(
      'K11',
      unexpected === '',
      () => `${address}: ${JSON.stringify(what)} got ${unexpected}`,
    );
  }

  /** The record of an actor on disk. */
  record(address: string): ActorRecord | undefined {
    if (this.rotten.has(address)) return undefined;
    if (!this.#records.has(address)) {
      this.#records.set(address, this.shadow.read<ActorRecord>(keys.record(address)));
    }
    return this.#records.get(address);
  }

  /** A row as it was before the write under way. */
  #before(key: string, database: Pick<Database, 'get'>): string | undefined {
    if (key.startsWith('s\0') && this.rotten.has(key.slice(2))) return database.get(key);
    const text = this.shadow.rows.get(key);
    return text === undefined ? undefined : encodeValue(text);
  }

  #entry(address: string, seq: number): JournalEntry | undefined {
    return this.shadow.read<JournalEntry>(keys.journal(address, seq));
  }

  #written(encoded: readonly Row[]): void {
    const rows = encoded.map(({ key, value }) => ({
      key,
      value: value === undefined ? undefined : decodeValue(value, key),
    }));
    this.#writeCount += 1;
    this.#digest = hash('sha256', `${this.#digest}${JSON.stringify(encoded)}`);
    this.#writes.begin();
    const process = this.#living();
    // As they are before the write.
    for (const { key } of rows) if (key.startsWith('s\0')) this.record(key.slice(2));
    const changes = this.shadow.apply(rows);
    const actors = actorChanges(changes, (address) => this.record(address));
    for (const address of this.rotten) (actors as Map<string, unknown>).delete(address);
    for (const { address, after } of actors.values()) this.#records.set(address, after);
    const commit = this.#intended;
    this.#intended = undefined;
    const generation = process?.generation ?? 0;
    const batch: Batch = { commit, generation, processNumber: process?.number ?? 0, changes, actors };
    if (commit === undefined) return;
    this.#going = removedEffects(batch);
    this.steps.check(batch);
    this.#stays.check(batch);
    this.#belongings.check(batch);
    this.sessions.check(batch);
    this.work.check(batch);
    this.tasks.check(batch);
    this.onWrite(batch);
  }

  /** Replaced by who waits for commits. */
  onWrite: (batch: Batch) => void = () => undefined;
}
