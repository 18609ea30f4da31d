/**
 * What an operator may do to an actor in its present state, and doing it.
 *
 * Callers: inspection.ts, why.ts. Invariants:
 *  A1  What is told is legal in the state that is on disk; it is looked at again when it is done, and the
 *      step itself refuses what came too late. What changes nothing when it is said twice may be (a pause).
 *  A2  It is journaled under the operator's name.
 *  A3  House kinds take acts of their façades alone, never an event as it is.
 *  A4  An act with an id is done once. Whoever asks again hears that it is done, as far as the actor's own
 *      journal says so; else it is refused.
 *  A5  An act that says which step it was meant for is refused where it could not be done meanwhile.
 */
import type { AnyStateMachine } from 'xstate';
import { HoldfastError, isEndOfWriting, isHoldfastError } from '../../errors.js';
import { addressOf, checkId, splitAddress } from '../../ids.js';
import type { Json } from '../../json.js';
import { checkedOperator, type ActOptions } from '../operator.js';
import { fenceSince, MOVED, stale, standingFence, type IsOpen } from './act-fence.js';
import { eventInput, givenFields, typedEvent } from './act-inputs.js';
import { eventWords } from './event-words.js';
import type { ActRequest, ActView, LegalEvent } from './face.js';
import { houseActs, type ActTarget } from './house-acts.js';
import { chartMachine, legalAt } from './legal.js';
import type { Scene } from './scene.js';
import { subjectOf, withSnapshot, type Subject } from './subject.js';
import { contextOf } from './titles.js';
import { veiledError } from './veil.js';
import type { StepFence } from '../kernel/index.js';
import { isKernelEvent } from '../kernel/kernel-events.js';
import { valueOf } from '../kernel/record.js';

/** An act that is there, and how it is done. */
interface OpenAct {
  readonly view: ActView;
  readonly run: (input: Json | undefined, by: ActOptions) => Promise<unknown>;
  /** What keeps a stale one from being done; absent: its input says what it is meant for. */
  readonly fence?: (seenSeq: number) => StepFence | Promise<StepFence>;
}

const SEND = 'send:';
const ACT_ID_CHARS_MAX = 200;
/** How often an act looks again at an actor that moved meanwhile. */
const LOOKS_MAX = 10;

/** Throws INVALID_ID, ACTOR_NOT_FOUND. */
export async function actsOf(scene: Scene, address: string): Promise<readonly ActView[]> {
  return (await openActs(scene, address)).map(({ view }) => view);
}

/** The names of those that there are to an actor as it was read: it may have gone on, or be gone, since. */
export async function actNamesOf(scene: Scene, subject: Subject): Promise<readonly string[]> {
  return (await actsIn(scene, subject)).map(({ view }) => view.name);
}

/** Throws as `actsOf`, INVALID_INPUT, KIND_UNKNOWN, ACT_UNKNOWN, ACT_STALE, and what the act throws. */
export async function actOn(scene: Scene, { id, ...asked }: ActRequest): Promise<void> {
  const operator = checkedOperator(asked.operator);
  checkSeen(asked.seenSeq);
  if (id === undefined) return actOnce(scene, asked, { operator });
  if (typeof id !== 'string' || id === '' || id.length > ACT_ID_CHARS_MAX) throw noActId();
  // Beside what callers call their events.
  const eventId = `act/${id}`;
  checkId(eventId);
  if (await isTaken(scene, asked.address, eventId)) return;
  try {
    await actOnce(scene, asked, { operator, id: eventId });
  } catch (error) {
    // Asked for twice at once, it may have been done since.
    if (isEndOfWriting(error) || !(await isTaken(scene, asked.address, eventId))) throw error;
  }
}

async function isTaken({ kernel }: Scene, address: string, eventId: string): Promise<boolean> {
  const { kind, id } = splitAddress(address);
  addressOf(kind, id);
  const journal = await kernel.reader.journalOnDisk(address);
  // What was skipped was not done.
  return journal.some((entry) => entry.eventId === eventId && !isKernelEvent(entry.event.type));
}

function noActId(): HoldfastError {
  const message = `"id": a text of 1 to ${ACT_ID_CHARS_MAX} characters`;
  return new HoldfastError('INVALID_INPUT', message, { details: { field: 'id' } });
}

function checkSeen(seenSeq: unknown): void {
  if (seenSeq === undefined || (Number.isSafeInteger(seenSeq) && Number(seenSeq) > 0)) return;
  const details = { field: 'seenSeq' };
  throw new HoldfastError('INVALID_INPUT', '"seenSeq": a whole number, 1 or more', { details });
}

type Asked = Omit<ActRequest, 'id' | 'operator'>;

async function actOnce(scene: Scene, asked: Asked, by: ActOptions): Promise<void> {
  const { address, seenSeq = 0 } = asked;
  for (let looks = 0; looks < LOOKS_MAX; looks += 1) {
    try {
      return await actNow(scene, asked, by);
    } catch (error) {
      if (error !== MOVED) throw error;
    }
  }
  throw stale(address, seenSeq, 'it takes steps faster than they can be looked at');
}

async function actNow(scene: Scene, { address, act, input, seenSeq }: Asked, by: ActOptions): Promise<void> {
  const open = await openActs(scene, address);
  const { kind } = splitAddress(address);
  if (scene.kernel.definitionOf(kind) === undefined) {
    const where = 'do it in the process that does, while it runs';
    throw new HoldfastError(
      'KIND_UNKNOWN',
      `this process does not define the machine of "${kind}"; ${where}`,
    );
  }
  const found = open.find(({ view }) => view.name === act) ?? wildcardOf(scene, address, open, act);
  if (found === undefined) throw unknownAct(address, act, open);
  const fence = seenSeq === undefined ? undefined : await found.fence?.(seenSeq);
  try {
    await found.run(input, { ...by, fence });
  } catch (error) {
    throw veiledError(error, [await snapshotOf(scene, address).catch(() => undefined), input]);
  }
}

async function snapshotOf({ kernel }: Scene, address: string): Promise<unknown> {
  return (await kernel.reader.find(address))?.record?.snapshot;
}

function unknownAct(address: string, act: string, open: readonly OpenAct[]): HoldfastError {
  const names = open.map(({ view }) => view.name).join(', ');
  const there = names === '' ? 'nothing can be done to it now' : `what can be done now: ${names}`;
  return new HoldfastError('ACT_UNKNOWN', `${JSON.stringify(act)} cannot be done to ${address}; ${there}`, {
    details: { address, act, acts: names },
  });
}

async function openActs(scene: Scene, address: string): Promise<readonly OpenAct[]> {
  const { kind, id } = splitAddress(address);
  addressOf(kind, id);
  const subject = await subjectOf(scene, address).catch(unlessUnreadable);
  if (subject !== undefined) return actsIn(scene, subject);
  const isDefined = scene.kernel.definitionOf(kind) !== undefined;
  return isDefined ? standingActs(scene, address, ['resume', 'dismiss']) : [];
}

/** Of an actor as it was read. */
async function actsIn(scene: Scene, subject: Subject): Promise<readonly OpenAct[]> {
  const { address, kind, record } = subject;
  if (scene.kernel.definitionOf(kind) === undefined) return [];
  if (record.quarantine !== undefined) {
    const canSkip = record.quarantine.head !== undefined;
    return standingActs(scene, address, canSkip ? ['resume', 'skip', 'dismiss'] : ['resume', 'dismiss']);
  }
  if (record.status !== 'active') return [];
  return Object.hasOwn(houseActs, kind) ? ownActs(scene, subject) : sendActs(scene, subject);
}

function unlessUnreadable(error: unknown): undefined {
  if (isHoldfastError(error, 'STORE_CORRUPTED')) return undefined;
  throw error;
}

const STANDING = {
  resume: { title: 'Resume', description: 'It takes again what it could not take.', serious: false },
  skip: { title: 'Skip', description: 'It goes on without what it could not take.', serious: true },
  dismiss: { title: 'Dismiss', description: 'It ends and is removed.', serious: true },
} as const;

function standingActs(
  { quarantine }: Scene,
  address: string,
  names: readonly (keyof typeof STANDING)[],
): readonly OpenAct[] {
  return names.map((name) => ({
    view: { name, ...STANDING[name] },
    run: (_input, by) => quarantine[name](address, by),
    fence: (seenSeq) => standingFence(address, seenSeq),
  }));
}

async function ownActs(scene: Scene, subject: Subject): Promise<readonly OpenAct[]> {
  const whole = subject.kind === 'session' ? await withSnapshot(scene, subject) : subject;
  const types = new Set(legalOf(scene, subject).map(({ type }) => type));
  const target: ActTarget = {
    id: subject.id,
    value: valueOf(subject.record),
    context: contextOf(whole.record),
    now: scene.clock.now(),
    takes: (type) => types.has(type),
  };
  const acts = houseActs[subject.kind] ?? [];
  const takes = (event: string | undefined): boolean => event !== undefined && types.has(event);
  return acts
    .filter(({ isOpen, event }) => isOpen?.(target) ?? takes(event))
    .map(({ name, title, description, serious, input, run, event }) => ({
      view: { name, title, description, serious, ...(input && { input: input(target) }) },
      run: async (given, by) => run({ scene, target, input: givenFields(given), by }),
      // Open by something else than its event, it is done to something else: a job's letter.
      ...(takes(event) && { fence: fenceFor(scene, subject, (there) => there.has(String(event))) }),
    }));
}

function fenceFor(scene: Scene, subject: Subject, isOpen: IsOpen): OpenAct['fence'] & object {
  return (seenSeq) => fenceSince(scene, subject, machineOf(scene, subject), { seenSeq, isOpen });
}

/** What its chart takes now; nothing where it has ended or stands still. */
export function legalOf(scene: Scene, subject: Subject): readonly LegalEvent[] {
  const { kind, record } = subject;
  if (record.quarantine !== undefined || record.status !== 'active') return [];
  return legalAt(machineOf(scene, subject), valueOf(record), { kind, record });
}

/** Its own machine, else the chart that is stored of it, else what it will be migrated to. */
export function machineOf(
  { kernel }: Scene,
  { kind, definition, shape }: Subject,
): AnyStateMachine | undefined {
  if (definition !== undefined) return definition.machine;
  const { chart } = shape ?? {};
  return chart === undefined ? kernel.definitionOf(kind)?.machine : chartMachine(chart);
}

/** Of a user's machine: what it takes that neither a timer, an effect nor a child brings. */
function sendActs(scene: Scene, subject: Subject): readonly OpenAct[] {
  const events = legalOf(scene, subject).filter(({ by }) => by === 'caller');
  const { address } = subject;
  return events.map((event) => ({
    ...(isPattern(event.type) ? patternAct(scene, address, event.type) : sendAct(scene, address, event)),
    fence: fenceFor(scene, subject, (types) => types.has(event.type)),
  }));
}

function sendAct(
  scene: Scene,
  address: string,
  { type, targets, guards }: Pick<LegalEvent, 'type' | 'targets' | 'guards'>,
): OpenAct {
  const { kind } = splitAddress(address);
  const leads = targets.map((path) => (path === '' ? 'itself' : path)).join(', ');
  const where = guards.length === 0 ? '' : `, if ${guards.join(', ')} says so`;
  return {
    view: {
      name: `${SEND}${type}`,
      title: eventWords(type),
      description: `Sends it the event "${type}", which leads to ${leads}${where}.`,
      input: eventInput(scene.actors.eventSchema(kind, type)),
      serious: false,
    },
    run: (input, by) => scene.actors.tell(address, { ...givenFields(input), type }, by),
  };
}

function isPattern(type: string): boolean {
  return type === '*' || type.endsWith('.*');
}

/** `*` takes every type, `x.*` those that begin with `x.`: the input says which. */
function patternAct(scene: Scene, address: string, pattern: string): OpenAct {
  return {
    view: {
      name: `${SEND}${pattern}`,
      title: pattern === '*' ? 'any event' : pattern,
      description: `Sends it an event of any type that "${pattern}" stands for.`,
      input: typedEvent(pattern),
      serious: false,
    },
    run: (input, by) => {
      const event = givenFields(input);
      const { type } = event;
      if (typeof type !== 'string' || !stands(pattern, type)) throw notOf(pattern);
      return scene.actors.tell(address, { ...event, type }, by);
    },
  };
}

function stands(pattern: string, type: string): boolean {
  if (type === '' || isPattern(type)) return false;
  return pattern === '*' || type.startsWith(pattern.slice(0, -1));
}

function notOf(pattern: string): HoldfastError {
  const message = `"type": is no type of an event that "${pattern}" stands for`;
  return new HoldfastError('INVALID_INPUT', message, { details: { field: 'type' } });
}

/** `send:x.y` where the machine takes `x.*`. */
function wildcardOf(
  scene: Scene,
  address: string,
  open: readonly OpenAct[],
  act: string,
): OpenAct | undefined {
  if (!act.startsWith(SEND)) return undefined;
  const type = act.slice(SEND.length);
  const covers = (pattern: string): boolean => isPattern(pattern) && stands(pattern, type);
  const covering = open.find(({ view: { name } }) => covers(name.slice(SEND.length)));
  return covering && { ...covering, ...sendAct(scene, address, { type, targets: [''], guards: [] }) };
}
