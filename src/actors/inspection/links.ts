/**
 * Whom an actor has to do with: what its record and its context name.
 *
 * Callers: actor-report.ts. Invariants: at most `limits.inspectedLinksMax`, each once; what is named is
 * looked up, since it may be gone.
 */
import { addressOf } from '../../ids.js';
import { limits } from '../../limits.js';
import type { JournalEntry } from '../kernel/index.js';
import { taskIndexes } from '../tasks/task-index.js';
import type { LinkView } from './face.js';
import { causeOf } from './lines.js';
import type { Scene } from './scene.js';
import type { Subject } from './subject.js';
import { aboutOf, contextOf, loose, text } from './titles.js';

type Named = readonly [rel: LinkView['rel'], address: string];

/** Of those in the store; `creation` is its first step, where that is kept. */
export async function linksOf(
  { kernel }: Scene,
  subject: Subject,
  creation: JournalEntry | undefined,
): Promise<readonly LinkView[]> {
  const { kind, id } = subject;
  const subTasks =
    kind === 'task'
      ? (await kernel.reader.byIndex(taskIndexes.parent, [id], { limit: limits.inspectedLinksMax })).items
      : [];
  const named = [...namedBy(subject, creation), ...subTasks.map((address): Named => ['child', address])];
  const links = distinct(named).slice(0, limits.inspectedLinksMax);
  return Promise.all(
    links.map(async ([rel, address]) => ({
      rel,
      address,
      exists: (await kernel.reader.find(address)) !== undefined,
    })),
  );
}

/** Of a capsule: who is meant was elsewhere. */
export function linksIn(subject: Subject, creation: JournalEntry | undefined): readonly LinkView[] {
  const links = distinct([...namedBy(subject, creation)]).slice(0, limits.inspectedLinksMax);
  return links.map(([rel, address]) => ({ rel, address, exists: false }));
}

function* namedBy({ address, kind, record }: Subject, creation: JournalEntry | undefined): Generator<Named> {
  const { session } = aboutOf(address, record);
  if (session !== undefined && kind !== 'session') yield* named('session', 'session', session);
  if (record.parent !== undefined) yield ['parent', record.parent.address];
  for (const child of record.children ?? []) yield ['child', child.address];
  yield* ofHouse(kind, contextOf(record), kind === 'job');
  const cause = creation && causeOf(address, creation);
  if (cause !== undefined && cause.address !== address) yield ['cause', cause.address];
}

function* ofHouse(kind: string, context: ReturnType<typeof loose>, isJob: boolean): Generator<Named> {
  const input = loose(context['input']);
  if (isJob || kind === 'task') {
    for (const each of listIn(context['deliveries']))
      yield* named('delivery', 'delivery', loose(each)['deliveryId']);
  }
  const [provider, credential] = [text(input['provider']), text(input['credential'])];
  if (isJob && provider !== undefined && credential !== undefined)
    yield* named('account', 'provider', `${provider}:${credential}`);
  if (kind === 'task') yield* named('parent', 'task', input['parentId']);
  if (kind === 'delivery') yield* told(input['cause']);
  if (kind === 'work') yield* told(input['notify']);
  if (kind === 'parked') yield* told(context['job']);
  if (kind === 'schedule') {
    for (const run of listIn(context['history']).toReversed())
      yield* named('child', 'work', loose(run)['workId']);
  }
}

function* named(rel: LinkView['rel'], kind: string, id: unknown): Generator<Named> {
  if (text(id) !== undefined) yield [rel, addressOf(kind, String(id))];
}

/** Who is told how it ended is what asked for it. */
function* told(address: unknown): Generator<Named> {
  const known = text(address);
  if (known === undefined || known.indexOf('/') < 1) return;
  const [kind = ''] = known.split('/');
  const rel = kind === 'job' || kind === 'task' || kind === 'schedule' || kind === 'session' ? kind : 'cause';
  yield [rel, known];
}

function listIn(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}

function distinct(links: readonly Named[]): readonly Named[] {
  const seen = new Set<string>();
  return links.filter(([, address]) => !seen.has(address) && seen.add(address).size > 0);
}
