/**
 * A life of one machine with its children, lived twice: by XState itself, and by the kernel, which may crash
 * after every act. Both tell what they saw.
 *
 * Callers: the tests of children, sends and system ids. Invariant: `end` finds every actor replayable, every
 * count right and, where nothing is active any more, no row left over.
 */
import { expect } from 'vitest';
import { createActor, SimulatedClock } from 'xstate';
import type { AnyEventObject, AnyMachineSnapshot, AnyStateMachine } from 'xstate';
import { checkReplay, type ActorRecord } from '../../src/actors/kernel/index.js';
import type { Json } from '../../src/json.js';
import type { Store } from '../../src/store/store.js';
import { openWorld, rowsOf, settled, type World } from './fixtures.js';

/** An event for the root, or a time to pass in milliseconds. */
export type Act = AnyEventObject | number;

/** What can be seen of a life at its root, as JSON. */
export interface Life {
  /** What the root was sent, in order, delayed events of its own included. */
  readonly events: Json;
  readonly status: string;
  readonly value: Json;
  readonly context: Json;
  readonly output: Json;
  readonly children: readonly string[];
}

export const ROOT = 'family/a';

export const RETENTION_MS = 90_000;

/** The life as XState lives it. */
async function lived(machine: AnyStateMachine, input: Json, acts: readonly Act[]): Promise<Life> {
  const clock = new SimulatedClock();
  const events: unknown[] = [];
  const actor = createActor(machine, {
    clock,
    input,
    inspect: (seen) => {
      if (seen.type === '@xstate.event' && seen.actorRef === actor && seen.event.type !== 'xstate.init')
        events.push(plain(seen.event));
    },
  });
  actor.subscribe({ error: () => undefined });
  actor.start();
  await turns();
  for (const act of acts) {
    if (typeof act === 'number') clock.increment(act);
    else actor.send(act);
    await turns();
  }
  const snapshot = actor.getSnapshot();
  // A copy: what the end below sends is not part of the life.
  const life = { events: [...(events as Json[])], ...seenIn(snapshot) };
  actor.stop();
  return life;
}

/** The same life in a kernel; with `crashes` the process dies after the creation and after every act. */
export async function livedDurably(
  machine: AnyStateMachine,
  input: Json,
  acts: readonly Act[],
  how: { readonly crashes: boolean; readonly wrap?: (store: Store) => Store },
): Promise<{ readonly life: Life; readonly world: World }> {
  const definitions = [{ kind: 'family', machine, retentionMs: RETENTION_MS }];
  const world = await openWorld(definitions, how.wrap);
  await world.kernel.create('family', 'a', input);
  await settled(world);
  for (const act of acts) {
    if (how.crashes) await world.crash(definitions);
    await settled(world);
    if (typeof act === 'number') await world.clock.advance(act);
    else await world.kernel.send(ROOT, act).catch(() => undefined);
    await settled(world);
  }
  if (how.crashes) await world.crash(definitions);
  await settled(world);
  return { life: await lifeIn(world), world };
}

/** Lives it live, durably, and durably with crashes; all three must look the same. */
export async function sameLife(
  machine: AnyStateMachine,
  acts: readonly Act[],
  input: Json = null,
): Promise<Life> {
  const live = await lived(machine, input, acts);
  for (const crashes of [false, true]) {
    const { life, world } = await livedDurably(machine, input, acts, { crashes });
    expect(life, crashes ? 'with crashes' : 'without a crash').toEqual(live);
    await end(world);
  }
  return live;
}

/** The root's life, from its journal and its record. */
export async function lifeIn(world: World): Promise<Life> {
  const found = await world.kernel.snapshot(ROOT);
  if (found === undefined) throw new Error('there is a root');
  const entries = await world.kernel.reader.journal(ROOT);
  const events = entries.map(({ event }) => event).filter(({ type }) => !isKernels(type));
  return { events: plain(events), ...seenIn(found.snapshot) };
}

function isKernels(type: string): boolean {
  return type === 'xstate.init' || type.startsWith('holdfast.');
}

function seenIn(snapshot: AnyMachineSnapshot): Omit<Life, 'events'> {
  const { status, value, context, output } = snapshot;
  const children = snapshot.children as Readonly<Record<string, unknown>>;
  return {
    status,
    value: plain(value),
    context: plain(context),
    output: plain(output ?? null),
    children: status === 'active' ? Object.keys(children).filter((id) => isActive(children[id])) : [],
  };
}

/** XState keeps spawned children that have ended in `children`; ours go with their result (K8). */
function isActive(child: unknown): boolean {
  const snapshot: unknown = (child as { readonly getSnapshot?: () => unknown } | undefined)?.getSnapshot?.();
  return Reflect.get(Object(snapshot), 'status') === 'active';
}

/** As JSON; of an error its message, of another actor's snapshot what a reader of it would look at. */
function plain(value: unknown): Json {
  const text = JSON.stringify(value, (key, part: unknown) => {
    if (key === '$' || key === 'tags' || key === 'children' || key === 'historyValue') return undefined;
    if (key === 'error') return part === undefined ? undefined : messageOf(part);
    return part;
  }) as string | undefined;
  return text === undefined ? null : (JSON.parse(text) as Json);
}

function messageOf(error: unknown): unknown {
  const message: unknown = Reflect.get(Object(error), 'message');
  return message ?? error;
}

/** Lets promises and what they lead to run. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) {
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
  }
}

/** Every record, by address. */
export async function recordsOf(world: World): Promise<Map<string, ActorRecord>> {
  const rows = await rowsOf(world.store, 's');
  return new Map(rows.map(([key, text]) => [key.slice(2), JSON.parse(text) as ActorRecord]));
}

/** Addresses of a kind, in the order of their creation, with their status. */
export async function actorsOf(world: World, kind: string): Promise<(readonly [string, string])[]> {
  const records = [...(await recordsOf(world))].filter(([address]) => address.startsWith(`${kind}/`));
  return records
    .toSorted(([, a], [, b]) => (a.ord < b.ord ? -1 : 1))
    .map(([address, { status, quarantine }]) => [
      address,
      quarantine === undefined ? status : 'stands still',
    ]);
}

/** What lies in the dead letters. */
export async function deadLettersOf(world: World): Promise<(readonly [address: string, event: Json])[]> {
  const rows = await rowsOf(world.store, 'q');
  return rows
    .map(([key, text]) => [key.split('\0'), text] as const)
    .filter(([parts]) => parts[1] === 'dead-letter')
    .map(([parts, text]) => [parts.at(-1) ?? '', (JSON.parse(text) as { event: Json }).event]);
}

/** Holds the store against itself. Call when nothing is under way that a moment would not end. */
export async function end(world: World): Promise<void> {
  const { kernel, store } = world;
  const records = await recordsOf(world);
  const counted = new Map<string, number>();
  for (const [address, record] of records) {
    const definition = kernel.definitionOf(address.slice(0, address.indexOf('/')));
    if (definition === undefined) throw new Error(`${address} is of no kind`);
    const entries = await kernel.reader.journal(address);
    checkReplay({ definition, address, entries }, record.snapshot);
    const value = (record.snapshot as { value?: Json }).value ?? null;
    const state = `${definition.kind} ${JSON.stringify(value)}`;
    counted.set(state, (counted.get(state) ?? 0) + 1);
    if (record.status !== 'active')
      expect([address, record.effects, record.children ?? []]).toEqual([address, [], []]);
  }
  const counts = kernel.counts().filter(({ count }) => count > 0);
  const told = counts.map(({ kind, state, count }) => [`${kind} ${state}`, count] as const);
  expect(new Map(told)).toEqual(counted);
  expect(await rowsOf(store, 'i'), 'inbox').toEqual([]);
  const isOver = [...records.values()].every(({ status }) => status !== 'active');
  if (!isOver) return;
  expect(await rowsOf(store, 'o', 'y'), 'outbox and system ids').toEqual([]);
  const retentions = await rowsOf(store, 'd');
  expect(retentions.length, 'timers').toBe(records.size);
  expect(world.failures).toEqual([]);
}

/** Lets the retention of everything pass: nothing is left of anybody, but dead letters. */
export async function collected(world: World): Promise<void> {
  await world.clock.advance(2 * RETENTION_MS);
  const rows = await rowsOf(world.store, 's', 'j', 'c', 'd', 'o', 'i', 'y', 'p', 'x');
  expect(rows).toEqual([]);
  expect(world.kernel.counts().filter(({ count }) => count > 0)).toEqual([]);
}
