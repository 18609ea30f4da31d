/**
 * The journals of a story: each read once, its steps by what caused them.
 *
 * Owns: what was read of one story. Callers: story.ts. Invariants:
 *  J1  At most twice `limits.storyActorsMax` journals are read; who is not read is a gap.
 *  J2  A journal that cannot be read, or is gone, is a gap, and no fault of the story.
 */
import { isEndOfWriting } from '../../errors.js';
import { splitAddress } from '../../ids.js';
import { isPlainObject } from '../../json.js';
import { limits } from '../../limits.js';
import { jobIndexes } from '../job-index.js';
import type { JournalEntry } from '../kernel/index.js';
import { taskIndexes } from '../tasks/task-index.js';
import type { Scene } from './scene.js';
import { causesIn, runOf, turnAt, turnNamed, workIdIn, type Cause, type StepName } from './story-causes.js';
import { loose, text } from './titles.js';

/** One actor's kept steps; none for one that is gone. */
export interface StoryJournal {
  readonly address: string;
  readonly entries: readonly JournalEntry[];
  readonly causes: ReadonlyMap<number, readonly Cause[]>;
}

const JOURNALS_MAX = limits.storyActorsMax * 2;

export class StoryJournals {
  readonly #scene: Scene;
  readonly #read = new Map<string, StoryJournal>();
  /** What each step is known to have caused, by name. */
  readonly #effects = new Map<string, Cause[]>();
  /** Who names a turn that is not kept, and the session that it would be of. */
  readonly #originless = new Map<string, string>();
  /** Addresses of whom something is missing. */
  readonly gaps = new Set<string>();

  constructor(scene: Scene) {
    this.#scene = scene;
  }

  async of(address: string): Promise<StoryJournal> {
    const known = this.#read.get(address);
    if (known !== undefined) return known;
    if (this.#read.size >= JOURNALS_MAX) {
      this.gaps.add(address);
      return { address, entries: [], causes: new Map() };
    }
    const entries = await this.#entries(address);
    const causes = new Map<number, readonly Cause[]>();
    const journal = { address, entries, causes };
    // Known before its causes are looked up: what those name may name it.
    this.#read.set(address, journal);
    if (entries.length === 0) this.gaps.add(address);
    for (const [index, entry] of entries.entries()) {
      const found = causesIn(address, entries, index);
      const all = found.length > 0 || entry.seq > 1 ? found : await this.#originOf(address, entry);
      causes.set(entry.seq, all);
      for (const cause of all) {
        const known = this.#effects.get(nameOf(cause)) ?? [];
        const how = cause.isInferred === true ? { isInferred: cause.isInferred } : {};
        this.#effects.set(nameOf(cause), [...known, { address, seq: entry.seq, ...how }]);
      }
    }
    return journal;
  }

  /** What a step led to, in itself and in others, and whether that is inferred. */
  async effectsOf(step: StepName): Promise<readonly Cause[]> {
    const { entries } = await this.of(step.address);
    const entry = entries.find(({ seq }) => seq === step.seq);
    const asked = entry === undefined ? [] : await this.#askedBy(step.address, entry, entries);
    for (const address of new Set(asked)) await this.of(address);
    for (const { id, to } of entry?.sends ?? []) this.#noteGap(to, `${step.address}/${id}`);
    return this.#effects.get(nameOf(step)) ?? [];
  }

  /** What was sent may wait still; where the first steps are gone, it may have been in one of them. */
  #noteGap(to: string, eventId: string): void {
    const { entries = [] } = this.#read.get(to) ?? {};
    const isCut = (entries[0]?.seq ?? 0) > 1;
    if (isCut && !entries.some((entry) => entry.eventId === eventId)) this.gaps.add(to);
  }

  /** Who has steps that it may have caused. */
  async #askedBy(
    address: string,
    entry: JournalEntry,
    entries: readonly JournalEntry[],
  ): Promise<readonly string[]> {
    const sent = (entry.sends ?? []).map(({ to }) => to);
    const { kind, id } = splitAddress(address);
    if (kind === 'schedule') return [...sent, ...itemsOf(entry, entries)];
    const isTurn = entry.event.type === 'turn.begin' || entry.event.type === 'turn.checkpoint';
    if (kind !== 'session' || !isTurn) return sent;
    const turnId = text(entry.event['turnId']) ?? '';
    const wakers = entries.filter(({ seq, source }) => seq > entry.seq && source.startsWith('actor:'));
    return [
      ...sent,
      ...(await this.#found(jobIndexes.turn, [id, turnId])),
      ...(await this.#found(taskIndexes.turn, [id, turnId])),
      ...wakers.map(({ source }) => source.slice('actor:'.length)),
      ...(await this.#found(jobIndexes.session, [id])),
    ];
  }

  async #found(index: string, parts: readonly string[]): Promise<readonly string[]> {
    const page = { newestFirst: true, limit: limits.storyActorsMax };
    return (await this.#scene.kernel.reader.byIndex(index, parts, page)).items;
  }

  /** Of an actor that was made by nobody's step: the turn, or the run of a schedule, that it is of. */
  async #originOf(address: string, { event, commit }: JournalEntry): Promise<readonly Cause[]> {
    const { kind, id } = splitAddress(address);
    const input = loose(event['input']);
    const notify = text(input['notify']);
    if (kind === 'work' && notify?.startsWith('schedule/') === true) {
      const { entries } = await this.of(notify);
      return oneOrNone(runOf(notify, entries, id));
    }
    if (kind !== 'job' && kind !== 'task') return [];
    const turn = loose(input['turn']);
    const [of, turnId] = [text(turn['sessionId']), text(turn['turnId'])];
    if (of !== undefined && turnId !== undefined)
      return this.#namedBy(address, `session/${of}`, { turnId, commit });
    const session = text(input['sessionKey']);
    if (session === undefined) return [];
    const { entries } = await this.of(`session/${session}`);
    return oneOrNone(turnAt(`session/${session}`, entries, commit));
  }

  /** Nothing else is taken for a turn that it names and that is not kept. */
  async #namedBy(
    address: string,
    session: string,
    named: { readonly turnId: string; readonly commit: number },
  ): Promise<readonly Cause[]> {
    const { entries } = await this.of(session);
    const turn = turnNamed(session, entries, named);
    if (turn === undefined) this.#originless.set(address, session);
    return oneOrNone(turn);
  }

  /** Of who begins a story: the turn that it names and that is not kept is a gap of it. */
  noteOrigin({ address, seq }: StepName): void {
    const session = seq === 1 ? this.#originless.get(address) : undefined;
    if (session !== undefined) this.gaps.add(session);
  }

  async #entries(address: string): Promise<readonly JournalEntry[]> {
    try {
      const entries = await this.#scene.kernel.reader.journalOnDisk(address);
      return entries.every((entry: unknown) => isPlainObject(entry)) ? entries : [];
    } catch (error) {
      if (isEndOfWriting(error)) throw error;
      return [];
    }
  }
}

function oneOrNone(step: Cause | undefined): readonly Cause[] {
  return step === undefined ? [] : [step];
}

/** The items that the effects of a schedule's step enqueued. */
function itemsOf({ effects = [] }: JournalEntry, entries: readonly JournalEntry[]): readonly string[] {
  const answers = effects.map(({ id }) => entries.find(({ eventId }) => eventId === `effect/${id}`));
  return answers.flatMap((answer) => {
    const workId = answer && workIdIn(answer.event);
    return workId === undefined ? [] : [`work/${workId}`];
  });
}

export function nameOf({ address, seq }: StepName): string {
  return `${seq}@${address}`;
}
