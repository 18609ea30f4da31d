/**
 * What a case really did: constructs that were taken or entered, and how many steps took a transition.
 *
 * Callers: live.ts reports, differential.test.ts counts. Invariant: nothing is counted for being in a chart;
 * a history state counts when it brought something back, an invoke when its result was taken.
 */
import type { AnyMachineSnapshot, AnyStateNode, AnyTransitionDefinition } from 'xstate';

export const constructs = [
  'nested',
  'parallel',
  'shallow history',
  'deep history',
  'after',
  'delayed raise with id',
  'delayed raise without id',
  'delayed raise of 0 ms',
  'cancel',
  'immediate raise',
  'always',
  'onDone of an invoke',
  'onError of an invoke',
  'onDone of a state',
  'guard passed',
  'guard refused',
  'final with output',
  'entry action',
  'exit action',
  'assign reads event',
  'emit',
  'enqueueActions',
  'wildcard',
  'reenter',
  'internal',
  'external',
  'targetless',
  'log',
  'fired late',
  'threw',
] as const;

export type Construct = (typeof constructs)[number];

/** Constructs that an event type gives away. */
const byEvent: readonly (readonly [start: string, construct: Construct])[] = [
  ['xstate.after.', 'after'],
  ['xstate.done.actor.', 'onDone of an invoke'],
  ['xstate.error.actor.', 'onError of an invoke'],
  ['xstate.done.state.', 'onDone of a state'],
];

/** Events that reach a machine in one way alone. */
const byRaise: Readonly<Record<string, Construct>> = {
  'r.now': 'immediate raise',
  'late.id': 'delayed raise with id',
  'late.batch': 'delayed raise with id',
  'late.anonymous': 'delayed raise without id',
  'late.zero': 'delayed raise of 0 ms',
};

export class Coverage {
  readonly seen = new Set<Construct>();
  /** Steps (one event each) that took a transition. */
  stepsTaken = 0;
  #took = false;

  note(construct: Construct): void {
    this.seen.add(construct);
  }

  acted(at: string): void {
    if (at.startsWith('entry')) this.note('entry action');
    if (at.startsWith('exit')) this.note('exit action');
  }

  microstep(
    event: string,
    transitions: readonly AnyTransitionDefinition[],
    snapshot: AnyMachineSnapshot,
  ): void {
    if (transitions.length === 0) return;
    this.#took = true;
    const raised = byRaise[event];
    if (raised !== undefined) this.note(raised);
    for (const transition of transitions) this.#transition(transition, snapshot);
  }

  step(snapshot: AnyMachineSnapshot): void {
    if (this.#took) this.stepsTaken += 1;
    this.#took = false;
    const nodes = snapshot._nodes as readonly AnyStateNode[];
    if (nodes.some(({ type }) => type === 'parallel')) this.note('parallel');
    if (nodes.some(({ path }) => path.length > 1)) this.note('nested');
    if (snapshot.status === 'done' && snapshot.output !== undefined) this.note('final with output');
  }

  #transition(transition: AnyTransitionDefinition, snapshot: AnyMachineSnapshot): void {
    const source = transition.source as AnyStateNode;
    const eventType = String(transition.eventType);
    if (eventType === '') this.note('always');
    if (eventType === '*' || eventType.endsWith('.*')) this.note('wildcard');
    for (const [start, construct] of byEvent) if (eventType.startsWith(start)) this.note(construct);
    const targets = (transition.target ?? []) as readonly AnyStateNode[];
    const history = snapshot.historyValue as Readonly<Record<string, unknown>>;
    for (const node of targets) {
      if (node.type !== 'history' || history[node.id] === undefined) continue;
      this.note(node.history === 'deep' ? 'deep history' : 'shallow history');
    }
    this.note(wayOf(transition, source, targets));
  }
}

function wayOf(
  { reenter }: AnyTransitionDefinition,
  source: AnyStateNode,
  targets: readonly AnyStateNode[],
): Construct {
  if (targets.length === 0) return 'targetless';
  const within = targets.every(({ path }) => source.path.every((key, index) => path[index] === key));
  if (within && reenter) return 'reenter';
  const below = targets.every(({ path }) => path.length > source.path.length);
  return within && below && source.path.length > 0 ? 'internal' : 'external';
}

/** The share of cases each construct occurred in, and the share that took `stepsMin` steps or more. */
export class Tally {
  readonly #counts = new Map<Construct, number>();
  #cases = 0;
  #long = 0;
  readonly #stepsMin: number;

  constructor(stepsMin: number) {
    this.#stepsMin = stepsMin;
  }

  add({ seen, stepsTaken }: Coverage): void {
    this.#cases += 1;
    if (stepsTaken >= this.#stepsMin) this.#long += 1;
    for (const construct of seen) this.#counts.set(construct, (this.#counts.get(construct) ?? 0) + 1);
  }

  shareOf(construct: Construct): number {
    return this.#cases === 0 ? 0 : (this.#counts.get(construct) ?? 0) / this.#cases;
  }

  get longShare(): number {
    return this.#cases === 0 ? 0 : this.#long / this.#cases;
  }

  /** Constructs that occurred in less than this share of the cases. */
  below(share: number): readonly Construct[] {
    return constructs.filter((construct) => this.shareOf(construct) < share);
  }

  table(): string {
    const percent = (share: number): string => `${(100 * share).toFixed(1).padStart(6)} %`;
    const lines = constructs.map(
      (construct) => `${construct.padEnd(28)} ${percent(this.shareOf(construct))}`,
    );
    const long = `${this.#stepsMin} or more steps`.padEnd(28);
    return [`${'cases'.padEnd(28)} ${this.#cases}`, `${long} ${percent(this.longShare)}`, ...lines].join(
      '\n',
    );
  }
}
