/**
 * Events taken by a machine where nothing comes of it: no row, no effect, no send.
 *
 * Callers: what-if.ts, the testing room through capsule-what-if.ts. Invariants:
 *  1  What is refused at the runtime's own door is refused here (K10); of XState's own events those are taken
 *     that could come: a delay of a present state, the end of what is under way.
 *  2  A step is what the kernel's would be: its envelope comes after the actor's newest step, its chance is
 *     that of its seq. Rows are shown as they are now.
 *  3  A throw of the machine is what it would be: the step is not taken, and none after it. Nor is any after
 *     the end.
 */
import type { AnyEventObject, AnyMachineSnapshot } from 'xstate';
import { HoldfastError } from '../../errors.js';
import type { Json, JsonEvent } from '../../json.js';
import { limits } from '../../limits.js';
import type { Definition } from '../kernel/index.js';
import { ownEvent } from '../kernel/door.js';
import { randomOf } from '../kernel/envelope.js';
import type { ParentRef, ShownRows } from '../kernel/record.js';
import { reservedAction } from '../kernel/reserved.js';
import { delaysOf, nodesAt, shapeOf } from '../kernel/shape.js';
import { childrenOf, nextStep, type StepAction } from '../kernel/step.js';
import type { Target } from '../kernel/step-scope.js';
import { replayView } from '../kernel/step-view.js';
import type { WhatIfStep } from './face.js';
import { delayNames, stateIn } from './lines.js';
import { contextJson, messageOf } from './retake.js';

export interface Sandbox {
  readonly definition: Definition;
  readonly address: string;
  readonly parent: ParentRef | undefined;
  readonly snapshot: AnyMachineSnapshot;
  /** The step that it goes on from, and the time that its own come after; epoch ms. */
  readonly seq: number;
  readonly at: number;
  readonly rowsOf: (names: readonly string[]) => Promise<ShownRows>;
}

/** A step with the context before it: what changed is told once the secrets are out. */
export type Played = Omit<WhatIfStep, 'diff'> & { readonly before: Json };

/** Takes the events one after the other. Throws INVALID_EVENT, INVALID_INPUT. */
export async function play(
  sandbox: Sandbox,
  events: readonly unknown[],
): Promise<{ readonly steps: readonly Played[]; readonly snapshot: AnyMachineSnapshot }> {
  if (events.length > limits.whatIfEventsMax)
    throw new HoldfastError('INVALID_INPUT', `at most ${limits.whatIfEventsMax} events in one call`);
  const steps: Played[] = [];
  let snapshot = sandbox.snapshot;
  for (const [index, given] of events.entries()) {
    const event = legalEvent(sandbox, snapshot, given);
    const before = contextJson(sandbox.definition, snapshot);
    const standsStill = steps.at(-1)?.error !== undefined;
    if (standsStill || snapshot.status !== 'active') {
      const nothing = untaken(event, snapshot, before);
      steps.push(standsStill ? { ...nothing, error: 'it stands still' } : nothing);
      continue;
    }
    try {
      const taken = await takeOne(sandbox, snapshot, event, index + 1);
      steps.push({ ...taken.step, before });
      snapshot = taken.snapshot;
    } catch (error) {
      // The machine is the user's code: that it throws is what is to be seen.
      steps.push({ ...untaken(event, snapshot, before), error: messageOf(error) });
    }
  }
  return { steps, snapshot };
}

async function takeOne(
  sandbox: Sandbox,
  present: AnyMachineSnapshot,
  event: JsonEvent,
  offset: number,
): Promise<{ readonly step: Omit<Played, 'before'>; readonly snapshot: AnyMachineSnapshot }> {
  const { definition, address, parent, rowsOf } = sandbox;
  const seq = sandbox.seq + offset;
  const names = definition.reads?.(event, present);
  const rows = names === undefined || names.length === 0 ? undefined : await rowsOf(names);
  const at = sandbox.at + offset;
  const isTimer = event.type.startsWith(AFTER);
  const id = isTimer ? `timer/${event.type}` : `${address}/${seq}`;
  const random = randomOf(address, seq);
  const $ = { at, id, seq, random, ...(isTimer && { dueAt: at }), ...(rows && { rows }) };
  const given = { ...event, $ } as AnyEventObject;
  const isFor = canTake(present, given);
  const { snapshot, actions } = nextStep(
    definition.steppable,
    present,
    given,
    replayView(address, seq, parent, undefined),
  );
  const step = {
    event,
    taken: isFor || snapshot.status !== present.status,
    value: stateIn(snapshot.value),
    status: snapshot.status,
    context: contextJson(definition, snapshot),
    ...askedBy(sandbox, actions),
  };
  return { step, snapshot };
}

/** Logic without states takes whatever comes. */
function canTake(snapshot: AnyMachineSnapshot, event: AnyEventObject): boolean {
  const { can } = snapshot as { readonly can?: unknown };
  return typeof can === 'function' ? snapshot.can(event) : true;
}

function untaken(event: JsonEvent, { value, status }: AnyMachineSnapshot, context: Json): Played {
  const nothing = { effects: [], timers: [], sends: [] };
  return { event, taken: false, value: stateIn(value), status, before: context, context, ...nothing };
}

const AFTER = 'xstate.after.';
const ENDS = ['xstate.done.actor.', 'xstate.error.actor.'];

function legalEvent({ definition }: Sandbox, snapshot: AnyMachineSnapshot, given: unknown): JsonEvent {
  const { type } = Object(given) as { readonly type?: unknown };
  if (typeof type !== 'string' || !type.startsWith('xstate.')) return ownEvent(given);
  const child = ENDS.flatMap((prefix) => (type.startsWith(prefix) ? [type.slice(prefix.length)] : []))[0];
  const isEnd = child !== undefined && childrenOf(snapshot)[child] !== undefined;
  // What cannot come is refused in the words of the door.
  if (!isEnd && !isDelay(definition, snapshot, type)) return ownEvent(given);
  const own = ownEvent({ ...Object(given), type: 'event' });
  return { ...own, type, ...(child !== undefined && { actorId: child }) };
}

function isDelay({ machine }: Definition, { value }: AnyMachineSnapshot, type: string): boolean {
  const nodes = machine === undefined ? [] : (nodesAt(machine.root, value as Json) ?? []);
  return nodes.some((node) => delaysOf(node).some(({ sendId }) => sendId === type));
}

/** What a step asks for, as the journal names it. */
function askedBy(
  { definition, address, parent }: Sandbox,
  actions: readonly StepAction[],
): Pick<WhatIfStep, 'effects' | 'timers' | 'sends'> {
  const names = delayNames(definition.machine && shapeOf(definition.machine.root));
  const nameOf = (sendId: string | undefined, type: string): string =>
    names.get(sendId ?? '')?.name ?? sendId ?? type;
  const effects: { readonly src: string; readonly child: string }[] = [];
  const timers: { readonly name: string; readonly delayMs: number }[] = [];
  const sends: { readonly to: string; readonly type: string }[] = [];
  for (const action of actions) {
    switch (action.type) {
      case '@xstate.spawn':
        effects.push({ src: action.src, child: action.child });
        break;
      case '@xstate.raise':
        timers.push({ name: nameOf(action.sendId, action.event.type), delayMs: action.delayMs });
        break;
      case '@xstate.sendTo':
        if (action.delayMs === undefined)
          sends.push({ to: targetText(action.to, address, parent), type: action.event.type });
        else timers.push({ name: nameOf(action.sendId, action.event.type), delayMs: action.delayMs });
        break;
      case '@xstate.action': {
        const reserved = reservedAction(action.name, action.params);
        if (reserved?.type === 'actor.send') sends.push({ to: reserved.to, type: reserved.event.type });
        if (reserved?.type === 'actor.create') sends.push({ to: reserved.to, type: 'create' });
        break;
      }
      case '@xstate.unsupported':
        throw new HoldfastError('INVALID_DEFINITION', `${action.what} cannot be made durable; ${action.fix}`);
      default:
        break;
    }
  }
  return { effects, timers, sends };
}

function targetText(to: Target, address: string, parent: ParentRef | undefined): string {
  switch (to.type) {
    case 'self':
      return address;
    case 'parent':
      return parent?.address ?? 'its parent';
    case 'child':
      return to.child;
    case 'actor':
      return to.address;
  }
}
