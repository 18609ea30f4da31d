/**
 * The rules that a write of the disk must keep about what actors have under way: timers, effects, children,
 * letters, and about those who stand still.
 *
 * Callers: the oracle, once for each write. Invariant: it looks at the write and at what was noted of earlier
 * ones, never at the kernel.
 */
import { timerKey } from '../../src/actors/kernel/belongings.js';
import { QUARANTINE_INDEX } from '../../src/actors/kernel/index.js';
import type { ActorRecord, ChildRef, EffectRow, JournalEntry } from '../../src/actors/kernel/record.js';
import { keys } from '../../src/store/keys.js';
import type { ActorChange, Batch } from './batch.js';
import { Memory, type Writes } from './memory.js';
import type { Outside } from './outside.js';
import type { Shadow } from './shadow.js';
import type { RuleName, Verdict } from './verdict.js';

const RETENTION = 'holdfast.retention';

export class RulesOfBelongings {
  readonly #verdict: Verdict;
  readonly #shadow: Shadow;
  readonly #outside: Outside;
  /** Effects whose end was applied, by their keys. */
  readonly #ended: Memory<number>;
  /** Answers of the world that were applied. */
  readonly #heard: Memory<number>;
  /** The newest event of each attempt at a stream. */
  readonly #streamed: Memory<number>;

  constructor(verdict: Verdict, shadow: Shadow, writes: Writes, outside: Outside) {
    this.#verdict = verdict;
    this.#shadow = shadow;
    this.#outside = outside;
    this.#ended = new Memory(writes);
    this.#heard = new Memory(writes);
    this.#streamed = new Memory(writes);
  }

  check(batch: Batch): void {
    for (const change of batch.actors.values()) {
      this.#checkTimers(change);
      this.#checkEffects(change);
      this.#checkEnd(change);
      this.#checkStanding(change);
      for (const child of change.after?.children ?? []) this.#checkChild(change.address, child);
      this.#checkLetters(batch, change);
      for (const entry of change.entries) this.#checkSends(batch, change, entry);
    }
  }

  /** The due index has the timers of a record, of one who stands still none; what fired was armed. */
  #checkTimers({ address, before, after, entries }: ActorChange): void {
    const rows = this.#shadow.own('d', address);
    const timers = after === undefined || after.quarantine !== undefined ? [] : after.timers;
    const wanted = new Set(timers.map((timer) => timerKey(address, timer)));
    const isSame = rows.size === wanted.size && [...wanted].every((key) => rows.has(key));
    this.#holds('K5', isSame, () => `${address} has ${timers.length} timers and ${rows.size} rows of them`);
    const names = new Set(after?.timers.map(({ sendId }) => sendId));
    this.#holds('K5', names.size === (after?.timers.length ?? 0), () => `${address} has a send id twice`);
    const armed = new Set(before?.timers.map(({ id }) => id));
    for (const entry of entries) {
      for (const { id, dueAt } of entry.timers ?? []) {
        armed.add(id);
        const isAhead = dueAt >= entry.at || Number(id.split(':')[0]) < entry.seq;
        this.#holds('K5', isAhead, () => `${address}: ${id} is due at ${dueAt}, armed at ${entry.at}`);
      }
      if (entry.source !== 'timer') continue;
      const id = entry.eventId.replace('timer/', '');
      this.#holds(
        'K5',
        armed.delete(id),
        () => `${address}: step ${entry.seq} is of a timer that is not armed`,
      );
      const due = entry.dueAt ?? Infinity;
      this.#holds(
        'K5',
        entry.at >= due,
        () => `${address}: step ${entry.seq} fired ${due - entry.at} ms early`,
      );
    }
  }

  /** The outbox has the effects of a record; what was applied was under way, and once. */
  #checkEffects({ address, before, after, entries }: ActorChange): void {
    const kind = address.slice(0, address.indexOf('/'));
    const rows = this.#shadow.own('o', address);
    const effects = after?.effects ?? [];
    const wanted = effects.map(({ pool, ord }) => keys.effect(kind, pool, ord));
    const isSame = rows.size === wanted.length && wanted.every((key) => rows.has(key));
    this.#holds('K6', isSame, () => `${address} has ${effects.length} effects and ${rows.size} rows of them`);
    const running = new Map((before?.effects ?? []).map((effect) => [effect.id, effect.src]));
    for (const entry of entries) {
      if (entry.source === 'effect') this.#checkResult(address, entry, running);
      for (const { id, src } of entry.effects ?? []) running.set(id, src);
    }
  }

  #checkResult(address: string, entry: JournalEntry, running: Map<string, string>): void {
    const { seq, event, eventId } = entry;
    // A result that waited in the inbox is named after its effect, what a stream sends after its attempt.
    const own = eventId.startsWith(`${address}/`) ? eventId.slice(address.length + 1) : undefined;
    const isEnd = own === undefined || !own.includes('/');
    const id = isEnd ? (own ?? eventId.slice('effect/'.length)) : own.slice(0, own.indexOf('/'));
    const key = `${address}/${id}`;
    this.#holds('K6', running.has(id), () => `${address}: step ${seq} is of ${key}, which is not under way`);
    if (isEnd) {
      running.delete(id);
      const first = this.#ended.get(key);
      this.#holds('K6', first === undefined, () => `${key} ended in step ${first} and in step ${seq}`);
      this.#ended.set(key, seq);
    } else this.#checkStream(key, eventId);
    const answer = answerIn(event);
    if (answer === undefined) return;
    const given = this.#outside.answers.get(answer);
    const isOwn = given !== undefined && sameEffect(given.run.effectKey, key);
    this.#holds('K6', isOwn, () => `${key} got answer ${answer}, which is for ${given?.run.effectKey}`);
    this.#holds(
      'K6',
      given?.isLate === false,
      () => `${key} got answer ${answer}, given when nobody wanted it`,
    );
    this.#holds('K6', this.#heard.get(`${answer}`) === undefined, () => `answer ${answer} was applied twice`);
    this.#heard.set(`${answer}`, seq);
  }

  /** `<effect>/<epoch>.<attempt>/<n>`: n rises, and an older attempt is not heard after a newer one. */
  #checkStream(key: string, eventId: string): void {
    const [attempt = '', n = ''] = eventId.split('/').slice(-2);
    const [epoch = '', number = ''] = attempt.split('.');
    const order = Number(epoch) * 1e12 + Number(number) * 1e6 + Number(n);
    const last = this.#streamed.get(key) ?? 0;
    this.#holds('K6', order > last, () => `${eventId} was applied after ${last}`);
    this.#streamed.set(key, order);
  }

  #checkEnd({ address, after, isWritten }: ActorChange): void {
    if (after === undefined || !isWritten || after.status === 'active') return;
    const left = after.timers.map(({ sendId }) => sendId).join();
    const isBare = after.effects.length === 0 && (after.children ?? []).length === 0 && left === RETENTION;
    this.#holds('K9', isBare, () => `${address} is ${after.status} and has ${left} and effects or children`);
  }

  /** Who stands still keeps its snapshot, is listed, and is let go by a step alone. */
  #checkStanding({ address, before, after, entries, isWritten }: ActorChange): void {
    if (!isWritten) return;
    const kind = address.slice(0, address.indexOf('/'));
    const isListed = this.#shadow.rows.has(keys.index(QUARANTINE_INDEX, [kind], address));
    const stands = after?.quarantine !== undefined;
    this.#holds(
      'K14',
      stands === isListed,
      () => `${address}: it stands still: ${stands}, listed: ${isListed}`,
    );
    if (!stands || entries.length > 0 || before === undefined) return;
    const [earlier, later] = [before.snapshot, after.snapshot].map((json) => JSON.stringify(json));
    // Where snapshots are written seldom, that of one who stands still is written.
    const isKept = (earlier === undefined || earlier === later) && before.seq === after.seq;
    this.#holds('K14', isKept, () => `${address} changed while it was set aside`);
  }

  /** A child is there, or asked for, or its end is on its way. */
  #checkChild(parent: string, { id, address }: ChildRef): void {
    const record = this.#shadow.read<ActorRecord>(keys.record(address));
    const isThere = record?.parent?.id === id;
    const isComing = isThere || this.#hasLetter(address, ({ type }) => type === 'create');
    const isOver = isComing || this.#hasLetter(parent, (row) => row.type === 'event' && row.from === id);
    this.#holds('K8', isOver, () => `${parent} waits for ${address}, which is nowhere`);
  }

  /** What was taken out of an inbox was applied, or there was a reason not to. */
  #checkLetters({ actors }: Batch, change: ActorChange): void {
    const { address, before, after, entries, taken, arrived } = change;
    for (const { row } of arrived) {
      const isSent = hasSent(actors.get(row.source.replace('actor:', '')), row.id);
      const isTold = row.type === 'result' || row.id.endsWith('/0:0');
      this.#holds('K8', isSent || isTold, () => `${address} got ${row.id}, which nobody has sent`);
    }
    for (const { row } of taken) {
      const isApplied = entries.some(({ eventId }) => eventId === row.id);
      const wasFenced = row.type !== 'event' || row.from !== undefined;
      const couldNot = after?.status !== 'active' || before === undefined || before.quarantine !== undefined;
      this.#holds('K8', isApplied || wasFenced || couldNot, () => `${address} has lost ${row.id}`);
    }
  }

  /** What a step has sent has arrived, in the same write. */
  #checkSends({ actors }: Batch, { address }: ActorChange, { sends = [] }: JournalEntry): void {
    for (const { id, to } of sends) {
      const target = actors.get(to);
      const has = target?.arrived.some(({ row }) => row.id === id) === true;
      this.#holds(
        'K8',
        has || (target?.passed ?? 0) > 0,
        () => `${address} sent ${id}, ${to} did not get it`,
      );
    }
  }

  #hasLetter(address: string, isMeant: (row: ActorChange['arrived'][number]['row']) => boolean): boolean {
    for (const key of this.#shadow.own('i', address)) {
      const row = this.#shadow.read<ActorChange['arrived'][number]['row']>(key);
      if (row !== undefined && isMeant(row)) return true;
    }
    return false;
  }

  #holds(rule: RuleName, isTrue: boolean, what: () => string): void {
    this.#verdict.holds(rule, isTrue, what);
  }
}

/** A step that went with its actor in the write that brought it has left no list of what it sent. */
function hasSent(sender: ActorChange | undefined, id: string): boolean {
  if (sender === undefined) return false;
  const isListed = sender.entries.some(({ sends }) => sends?.some((sent) => sent.id === id));
  const isGone = sender.after === undefined;
  return isListed || (isGone && sender.unseen.some((seq) => id.startsWith(`${sender.address}/${seq}:`)));
}

export interface EffectOnDisk {
  readonly key: string;
  readonly row: EffectRow;
}

/** The row of an effect by its key, with its pool. */
export function effectRowOf(shadow: Shadow, effectKey: string): EffectOnDisk | undefined {
  const address = effectKey.slice(0, effectKey.lastIndexOf('/'));
  for (const key of shadow.own('o', address)) {
    const row = shadow.read<EffectRow>(key);
    if (row !== undefined && sameEffect(effectKey, `${row.address}/${row.id}`)) return { key, row };
  }
  return undefined;
}

/** The effects whose rows a write has removed. */
export function removedEffects({ changes }: Pick<Batch, 'changes'>): readonly EffectOnDisk[] {
  return changes.flatMap(({ key, before, after }) =>
    key.startsWith('o\0') && before !== undefined && after === undefined
      ? [{ key, row: JSON.parse(before) as EffectRow }]
      : [],
  );
}

/** `asked` may name the only effect of its actor (`*`). */
export function sameEffect(asked: string, key: string): boolean {
  return asked === key || (asked.endsWith('/*') && key.startsWith(asked.slice(0, -1)));
}

/** The number of the world's answer that an event carries. */
function answerIn(event: JournalEntry['event']): number | undefined {
  const { output, snapshot, answer, error } = event as unknown as Record<string, unknown>;
  const inside: unknown = Reflect.get(Object(snapshot) as object, 'context');
  const found: unknown =
    answer ??
    Reflect.get(Object(output) as object, 'answer') ??
    Reflect.get(Object(inside) as object, 'answer');
  if (typeof found === 'number') return found;
  const said = /\(answer (\d+)\)/.exec(String(Reflect.get(Object(error) as object, 'message')));
  return said === null ? undefined : Number(said[1]);
}
