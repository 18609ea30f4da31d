/**
 * What is known of an actor that stands somewhere: what its words are made of.
 *
 * Callers: why.ts. Invariant: it reads, and works without the actor's machine.
 */
import type { AnyStateMachine } from 'xstate';
import { limits } from '../../limits.js';
import { leavesOf, type JournalEntry } from '../kernel/index.js';
import { valueOf, type ActorRecord } from '../kernel/record.js';
import { actorReport } from './actor-report.js';
import { actNamesOf, legalOf, machineOf } from './acts.js';
import type { ActorReport, EffectView, WhyReport } from './face.js';
import type { Scene } from './scene.js';
import { withSnapshot, type Subject } from './subject.js';
import { contextOf, loose, text } from './titles.js';

/** A provider account that holds an effect back. */
export interface HeldAccount {
  readonly name: string;
  readonly state: 'paused' | 'limited';
  readonly since: number;
  readonly untilMs?: number;
  /** `auth: HTTP 401`. */
  readonly why: string;
}

export interface WhyFacts extends Omit<WhyReport, 'words' | 'value'> {
  readonly kind: string;
  readonly id: string;
  readonly now: number;
  readonly live: boolean;
  /** A machine of its kind is defined here. */
  readonly defined: boolean;
  readonly record: ActorRecord;
  readonly context: Readonly<Record<string, unknown>>;
  readonly report: ActorReport;
  /** By effect id: the account that it waits behind. */
  readonly held: ReadonlyMap<string, HeldAccount>;
  /** Names of what an operator may do. */
  readonly acts: readonly string[];
  /** Paths that the next timer may lead to. */
  readonly timerTargets: readonly string[];
}

export async function factsOf(scene: Scene, found: Subject): Promise<WhyFacts> {
  const subject = await withSnapshot(scene, found);
  const { address, kind, id, record } = subject;
  const report = await actorReport(scene, subject);
  const legal = legalOf(scene, subject);
  const [nextTimer] = report.timers;
  const context = contextOf(record);
  const newest = await scene.kernel.reader.entries(
    address,
    Math.max(1, record.seq - ERRORS_LOOKED_FOR),
    record.seq,
  );
  return {
    ...{ address, kind, id, status: report.status, legal, context, record, report },
    ...{ now: scene.clock.now(), live: scene.live },
    defined: scene.kernel.definitionOf(kind) !== undefined,
    states: statesOf(scene, subject),
    ...(nextTimer && { nextTimer }),
    timerTargets: legal.find(({ type }) => type === nextTimer?.event)?.targets ?? [],
    effects: report.effects,
    held: new Map(await heldBy(scene, report.effects)),
    errors: errorsOf(record, context, newest),
    acts: await actNamesOf(scene, subject),
  };
}

const ERRORS_LOOKED_FOR = 50;

function statesOf(scene: Scene, subject: Subject): WhyReport['states'] {
  const { kind, record } = subject;
  const machine = machineOf(scene, subject);
  const dwell = scene.kernel.dwell(kind);
  return leavesOf(valueOf(record)).map((path, index) => {
    const description = descriptionOf(machine, path);
    const p95Ms = dwell.find(({ state }) => state === path)?.p95Ms;
    const since = record.since?.[index];
    return {
      ...(since === undefined ? { path, since: record.at, atLeast: true as const } : { path, since }),
      ...(description !== undefined && { description }),
      ...(p95Ms !== undefined && { p95Ms }),
    };
  });
}

/** Of the state, or of the nearest around it that has one. */
function descriptionOf(machine: AnyStateMachine | undefined, path: string): string | undefined {
  let node = machine?.root;
  let description: string | undefined;
  for (const key of path.split('.')) {
    node = node !== undefined && Object.hasOwn(node.states, key) ? node.states[key] : undefined;
    description = text(node?.description) ?? description;
  }
  return description;
}

type Found = WhyReport['errors'][number];

/** Of its fault, its context and its newest steps; one that is told in several places is told once. */
function errorsOf(
  { quarantine }: ActorRecord,
  context: WhyFacts['context'],
  newest: readonly JournalEntry[],
): readonly Found[] {
  const stepped = newest.flatMap(errorsIn).toReversed();
  const { lastAbandon } = context;
  const given = loose(lastAbandon);
  const kept = [
    ...(quarantine ? [{ at: quarantine.at, code: quarantine.code, message: quarantine.message }] : []),
    ...errorIn(context['error']),
    ...errorIn(context['lastError']),
    ...(text(given['reason']) === undefined
      ? []
      : [{ at: Number(given['at']), message: String(given['reason']) }]),
  ];
  const timed = kept.map((one): Found => {
    const at = one.at ?? stepped.find(({ message }) => message === one.message)?.at;
    return at === undefined ? one : { ...one, at };
  });
  const all = [...timed, ...stepped].toSorted((a, b) => (b.at ?? Infinity) - (a.at ?? Infinity));
  const first = (one: Found, index: number): boolean =>
    all.findIndex(({ message }) => message === one.message) === index;
  return all.filter(first).slice(0, limits.inspectedErrorsMax);
}

function errorsIn({ at, event, failure }: JournalEntry): readonly Found[] {
  const found = [
    ...errorIn(event['error']),
    ...errorIn(loose(event['output'])['error']),
    ...errorIn(failure?.error),
  ];
  return found.map((one) => ({ ...one, at }));
}

function errorIn(error: unknown): readonly Found[] {
  const { code, class: faultClass, message } = loose(error);
  const told = typeof error === 'string' && error !== '' ? error : text(message);
  if (told === undefined) return [];
  const name = text(code) ?? text(faultClass);
  return [{ ...(name !== undefined && { code: name }), message: told }];
}

/** The accounts that are not open, of the effects that wait for one. */
async function heldBy(
  { kernel }: Scene,
  effects: readonly EffectView[],
): Promise<(readonly [id: string, account: HeldAccount])[]> {
  const held: (readonly [string, HeldAccount])[] = [];
  for (const { id, src, state, input } of effects) {
    const { provider, credential, ref, chained } = loose(input);
    if (state === 'running' || text(provider) === undefined || chained === true) continue;
    const alias = text(loose(ref)['credential']) ?? text(credential) ?? 'default';
    const name = `${String(provider)}:${alias}`;
    const account = (await kernel.reader.find(`provider/${name}`))?.record;
    const found = account && heldAccount(name, account);
    const holds = account && contextOf(account)['holds'];
    if (found !== undefined && (holds !== 'submits' || src === 'submit')) held.push([id, found]);
  }
  return held;
}

function heldAccount(name: string, record: ActorRecord): HeldAccount | undefined {
  const value = valueOf(record);
  if (value === 'open') return undefined;
  const { message, limitedUntil, since } = contextOf(record);
  const reason = text(loose(value)['paused']);
  return {
    ...{ name, state: value === 'limited' ? 'limited' : 'paused', since: Number(since ?? record.at) },
    ...(typeof limitedUntil === 'number' && value === 'limited' && { untilMs: limitedUntil }),
    why: [reason, text(message)].filter((one) => one !== undefined).join(': '),
  };
}
