/**
 * What an actor has under way right after a migration, as far as a journal tells: the old version's part of
 * it cannot be taken again.
 *
 * Pure. Callers: retrace.ts.
 */
import { isPlainObject } from '../../json.js';
import type { Definition } from '../kernel/definition.js';
import type { ActorRecord, ChildRef, EffectRef, JournalEntry } from '../kernel/record.js';
import type { FoldedStep } from '../kernel/replay.js';

/** The effects and children of the migrated snapshot, with the ids and addresses the journal has for them. */
export function underWayIn(
  definition: Definition,
  { entry: { migrated }, address }: FoldedStep,
  entries: readonly JournalEntry[],
): Pick<ActorRecord, 'effects' | 'children'> {
  const snapshot = migrated?.['snapshot'];
  const children: unknown = isPlainObject(snapshot) ? snapshot['children'] : undefined;
  const effects: EffectRef[] = [];
  const refs: ChildRef[] = [];
  for (const [child, found] of Object.entries(Object(children) as Readonly<Record<string, unknown>>)) {
    const { src, systemId } = Object(found) as Readonly<Record<string, unknown>>;
    const name = typeof src === 'string' ? src : '';
    const known = { child, src: name, ...(typeof systemId === 'string' && { systemId }) };
    if (definition.children.has(name)) refs.push({ ...known, ...addressIn(entries, child) });
    else effects.push({ ...known, id: effectIn(entries, child), pool: name, ord: '' });
  }
  return { effects: address === '' ? [] : effects, children: refs };
}

function effectIn(entries: readonly JournalEntry[], child: string): string {
  const all = entries.flatMap(({ effects = [] }) => effects);
  return all.findLast((effect) => effect.child === child)?.id ?? '0:0';
}

/** Its creation was sent to `<kind>.<src>/<id>/<child>@<ref>`. */
function addressIn(entries: readonly JournalEntry[], child: string): Pick<ChildRef, 'id' | 'address'> {
  const sends = entries.flatMap(({ sends: sent = [] }) => sent);
  const to = sends.findLast((send) => send.type === 'create' && send.to.includes(`/${child}@`))?.to ?? '';
  return { address: to, id: to.slice(to.lastIndexOf('@') + 1) };
}
