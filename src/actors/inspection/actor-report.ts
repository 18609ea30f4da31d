/**
 * One actor, whole: where it stands, what it has under way, and whom it has to do with.
 *
 * Callers: inspection.ts, capsule-look.ts. Invariant: it works without the actor's machine, whose names are
 * then those of its stored shape.
 */
import { isPlainObject, type Json } from '../../json.js';
import { limits } from '../../limits.js';
import type { EffectRow, JournalEntry } from '../kernel/index.js';
import type { EffectRef } from '../kernel/record.js';
import { artifactsOf } from './artifacts.js';
import type { ActorReport, EffectView, LinkView } from './face.js';
import { actorLine, delayNames, timerView } from './lines.js';
import { linksOf } from './links.js';
import type { Scene } from './scene.js';
import { firstSeqOf, type Subject } from './subject.js';
import { aboutOf, contextOf, loose } from './titles.js';

/** What is beside the record. */
export interface Surroundings {
  readonly outbox: readonly EffectRow[];
  /** The steps that asked for its effects, as far as they are kept, among others. */
  readonly entries: readonly JournalEntry[];
  readonly links: readonly LinkView[];
  readonly waiting: number;
  readonly history: ActorReport['history'];
  readonly delivery: ActorReport['delivery'];
  /** Of one effect: that it runs, is waited for, or is nobody's here. */
  readonly running: (id: string) => Pick<EffectView, 'state' | 'startedAt'>;
}

export async function actorReport(scene: Scene, subject: Subject): Promise<ActorReport> {
  const { address, kind, record } = subject;
  const { reader } = scene.kernel;
  const first = firstSeqOf(record);
  const asked = record.effects.map(({ id }) => seqOf(id));
  const creation = first === 1 ? [1] : [];
  const [outbox, waiting, history, ...entries] = await Promise.all([
    reader.effects(address, record),
    reader.waiting(address),
    historyOf(scene, subject),
    ...[...new Set([...creation, ...asked])].map((seq) => reader.entries(address, seq, seq)),
  ]);
  const kept = entries.flat();
  const links = await linksOf(
    scene,
    subject,
    kept.find(({ seq }) => seq === 1),
  );
  const last = links.filter(({ rel }) => rel === 'delivery').at(-1);
  const delivery = await deliveryOf(scene, kind === 'delivery' ? address : last?.address);
  const running = scene.kernel.underWay(address);
  const isAtWork =
    scene.live && record.quarantine === undefined && scene.kernel.definitionOf(kind) !== undefined;
  return reportOf(subject, {
    ...{ outbox, waiting, history, entries: kept, links, delivery },
    running: (id) => {
      const now = running.get(id);
      if (now !== undefined) return { state: 'running', startedAt: now.startedAt };
      return { state: isAtWork ? 'waiting' : 'parked' };
    },
  });
}

/** Puts together what was read of an actor. */
export function reportOf(subject: Subject, around: Surroundings): ActorReport {
  const { address, record, definition, shape } = subject;
  const { snapshot } = record as { readonly snapshot?: Json };
  const { context, output, error } = isPlainObject(snapshot) ? snapshot : {};
  const names = delayNames(shape);
  return {
    ...actorLine({ address, record }),
    ...{ machine: record.machine, hash: record.hash, defined: definition !== undefined },
    ...(context !== undefined && { context: context as Json }),
    ...(output !== undefined && { output: output as Json }),
    ...(error !== undefined && { error: error as Json }),
    timers: record.timers.map((timer) => timerView(timer, names)).toSorted((a, b) => a.dueAt - b.dueAt),
    effects: record.effects.map((effect) => effectView(effect, around)),
    children: (record.children ?? []).map(({ child, src, address: of }) => ({ child, src, address: of })),
    links: around.links,
    artifacts: artifactsOf(record),
    ...(around.delivery && { delivery: around.delivery }),
    waiting: around.waiting,
    firstSeq: firstSeqOf(record),
    history: around.history,
  };
}

function effectView({ id, src, child, pool }: EffectRef, around: Surroundings): EffectView {
  const row = around.outbox.find((each) => each.id === id);
  const asked = around.entries.find(({ seq }) => seq === seqOf(id));
  const { state, startedAt = row?.started?.at } = around.running(id);
  const attempts = Math.max(row?.started?.attempt ?? 0, state === 'running' ? 1 : 0);
  return {
    ...{ id, src, child, pool, state, attempts },
    ...(asked && { since: asked.at }),
    ...(startedAt !== undefined && { startedAt }),
    ...(row?.input !== undefined && { input: row.input }),
  };
}

function seqOf(partId: string): number {
  return Number.parseInt(partId, 10);
}

/** Of a session its newest entries; of others those that they wrote, among the newest of their session. */
async function historyOf(
  { kernel }: Scene,
  { address, kind, record }: Subject,
): Promise<ActorReport['history']> {
  const { session } = aboutOf(address, record);
  if (session === undefined) return [];
  const page = { newestFirst: true, limit: limits.inspectedHistoryMax };
  const { items } = await kernel.reader.history(session, page);
  return items.filter(({ cause }) => kind === 'session' || cause === address).toReversed();
}

async function deliveryOf({ kernel }: Scene, address: string | undefined): Promise<ActorReport['delivery']> {
  const record = address === undefined ? undefined : (await kernel.reader.find(address))?.record;
  if (record === undefined) return undefined;
  const context = contextOf(record);
  const { attempts } = context;
  const id = loose(context['input'])['deliveryId'];
  const value = loose(record.snapshot)['value'];
  return {
    id: String(id),
    status: String(value),
    ...(typeof attempts === 'number' && { attempts }),
  };
}
