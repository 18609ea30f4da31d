/**
 * Parents and children: each knows the other, or what tells them is on its way.
 *
 * Callers: actor-check.ts. Invariants:
 *  F1  A child that is about to be created, a stop that is about to come and an end that waits to be heard
 *      are no findings.
 *  F2  A child whose supervision may end it in silence is gone without a trace in due course: of machines
 *      that are not known here nothing is concluded from that.
 */
import { splitAddress } from '../../ids.js';
import { keys, rangeOf } from '../../store/keys.js';
import { isNobody } from '../kernel/importing.js';
import type { ActorRecord, ChildRef } from '../kernel/record.js';
import type { ActorCase } from './actor-case.js';
import type { Gathered } from './actor-walk.js';
import type { Found, Reading } from './reading.js';
import { inboxIn, recordIn } from './row-shapes.js';
import type { Scene } from './scene.js';
import { isAnothers } from './stored-machines.js';

/** The keys of the records that an actor's family is judged by. */
export function relativesOf({ children = [], parent, status }: ActorRecord): readonly string[] {
  if (status !== 'active') return [];
  const own = children.map(({ address }) => keys.record(address));
  return parent === undefined ? own : [...own, keys.record(parent.address)];
}

export async function checkFamily(
  actor: ActorCase,
  record: ActorRecord,
  gathered: Gathered,
  found: ReadonlyMap<string, Found>,
  scene: Scene,
): Promise<void> {
  const { status, children = [], parent } = record;
  if (status !== 'active') return;
  for (const ref of children) {
    // A child's kind begins with its parent's and a dot: it was looked at before.
    if (gathered.ends.has(ref.id) || scene.tally.suspects.has(ref.address)) continue;
    const what = await wrongWith(actor, ref, found.get(keys.record(ref.address)), scene);
    if (what !== undefined) actor.hold('CHILD_MISSING', what, keys.record(ref.address));
  }
  // An imported actor's is nobody.
  if (parent === undefined || gathered.isStopped || isNobody(actor.address, parent)) return;
  const isKnown = await knows(parent, found.get(keys.record(parent.address)), scene);
  if (!isKnown)
    actor.hold('CHILD_ORPHAN', `its parent ${parent.address} does not know it, and never stopped it`);
}

/** What is wrong with a child; undefined when nothing is, or nothing can be told. */
async function wrongWith(
  actor: ActorCase,
  ref: ChildRef,
  found: Found,
  { reading, known }: Scene,
): Promise<string | undefined> {
  const { address, id, src } = ref;
  if (found !== undefined) {
    const child = recordIn(found);
    if (child === undefined) return undefined;
    if (child.parent?.id !== id || child.parent.address !== actor.address)
      return `${address} does not know it as its parent`;
    const isSilent = child.status === 'active' || child.status === 'stopped';
    return isSilent ? undefined : `${address} has ended, and what it had to say is lost`;
  }
  const definition = known.ofKind(splitAddress(actor.address).kind)?.children.get(src);
  if (definition === undefined || definition.supervision.onFailure === 'stop') return undefined;
  if (await isAboutToBegin(reading, address)) return undefined;
  // A journal without a record is told of as such.
  if (await reading.hasAny(rangeOf('j', address))) return undefined;
  return `its child ${address} is not there`;
}

/** True when the parent has the child, or cannot be asked. */
async function knows(
  { address, id }: { readonly address: string; readonly id: string },
  found: Found,
  scene: Scene,
): Promise<boolean> {
  if (found === undefined) return scene.reading.hasAny(rangeOf('j', address));
  const parent = recordIn(found);
  if (parent === undefined || isAnothers(address, parent, scene)) return true;
  // An older record of it than the one that asked for the child.
  if (Number.parseInt(id, 10) > parent.seq) return true;
  return parent.children?.some((child) => child.id === id) === true;
}

async function isAboutToBegin(reading: Reading, address: string): Promise<boolean> {
  for await (const [, found] of reading.rows(rangeOf('i', address))) {
    // One that cannot be read may be it.
    if ((inboxIn(found)?.type ?? 'create') === 'create') return true;
  }
  return false;
}
