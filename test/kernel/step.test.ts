import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assign, fromPromise, initialTransition, sendParent, sendTo, setup, transition } from 'xstate';
import type { AnyEventObject, AnyMachineSnapshot, AnyStateMachine, ExecutableActionObject } from 'xstate';
import { initialStep, nextStep, persisted, restored, stubbed } from '../../src/actors/kernel/step.js';
import type { StepAction } from '../../src/actors/kernel/step.js';
import { canonicalJson, type Json } from '../../src/json.js';
import { chartFiles, unplanned, walks } from './charts.js';
import { smallMachines } from './small-machines.js';

/** Take a failing run back with HOLDFAST_SEED=<the printed seed>. */
const seed = Number(process.env['HOLDFAST_SEED'] ?? Date.now() % 1_000_000_007);

/** A stock action in the adapter's words; undefined for what the macrostep has done already. */
function inOurWords({ type, params }: ExecutableActionObject): object | undefined {
  const given = Object(params) as Record<string, unknown>;
  if (type === 'xstate.raise') {
    const { id, delay, event } = given;
    return delay === undefined ? undefined : { type: '@xstate.raise', sendId: id, delayMs: delay, event };
  }
  if (type === 'xstate.cancel') return { type: '@xstate.cancel', sendId: given['sendId'] };
  if (type === 'xstate.spawnChild') {
    const ref: object = Object(given['actorRef']) as object;
    const child: unknown = Reflect.get(ref, 'id');
    const sync = Reflect.get(ref, '_syncSnapshot') === true;
    const { src, input, systemId } = given;
    return { type: '@xstate.spawn', child, src, input, systemId, sync };
  }
  if (type === 'xstate.stopChild')
    return params === undefined ? undefined : { type: '@xstate.stop', child: given['id'] };
  if (type === 'xstate.emit') return { type: '@xstate.emit', event: given['event'] };
  if (type === 'xstate.log') return { type: '@xstate.log', label: given['label'], value: given['value'] };
  return { type: '@xstate.action', name: type, params };
}

const plain = (actions: readonly StepAction[]): unknown[] =>
  actions.map((action) => {
    if (action.type !== '@xstate.action') return action;
    const { type, name, params } = action;
    return { type, name, params };
  });

const stockActions = (actions: readonly ExecutableActionObject[]): object[] =>
  actions.map(inOurWords).filter((action) => action !== undefined);

interface Moment {
  readonly ours: AnyMachineSnapshot;
  readonly stock: AnyMachineSnapshot;
}

/** `ended`: children whose result was consumed. XState keeps them, we some, and may stop them later. */
function compare(
  ours: { readonly snapshot: AnyMachineSnapshot; readonly actions: readonly StepAction[] },
  stock: readonly [AnyMachineSnapshot, readonly ExecutableActionObject[]],
  ended: ReadonlySet<unknown>,
): Moment {
  const seen = ({ value, context, status, output, error }: AnyMachineSnapshot): unknown => ({
    value: canonicalJson(value),
    context: context as unknown,
    status,
    output: output as unknown,
    error,
  });
  expect(seen(ours.snapshot)).toEqual(seen(stock[0]));
  const stopsEnded = (action: object): boolean =>
    Reflect.get(action, 'type') === '@xstate.stop' && ended.has(Reflect.get(action, 'child'));
  const others = (actions: readonly unknown[]): unknown[] =>
    actions.filter((action) => !stopsEnded(Object(action) as object));
  expect(others(plain(ours.actions))).toEqual(others(stockActions(stock[1])));
  return { ours: ours.snapshot, stock: stock[0] };
}

/** Both outcomes of one step: what it leads to, or that it throws. */
function outcomeOf<T>(step: () => T): { readonly value: T } | { readonly thrown: string } {
  try {
    return { value: step() };
  } catch (error) {
    return { thrown: String(error) };
  }
}

function note(ended: Set<unknown>, event: AnyEventObject, actions: readonly StepAction[]): void {
  if (/^xstate\.(done|error)\.actor\./.test(event.type)) ended.add(event['actorId']);
  for (const action of actions) if (action.type === '@xstate.spawn') ended.delete(action.child);
}

function agreesOn(machine: AnyStateMachine, input: unknown, events: readonly AnyEventObject[]): void {
  const steppable = stubbed(machine);
  let moment = compare(
    initialStep(steppable, input),
    initialTransition(machine, input as never) as never,
    new Set(),
  );
  const ended = new Set<unknown>();
  for (const [index, event] of events.entries()) {
    if (moment.ours.status !== 'active') return;
    const delivered = { ...event, $: { at: 1_000 + index, id: `e${index}`, seq: index + 2, random: 0.25 } };
    const ours = outcomeOf(() => nextStep(steppable, moment.ours, delivered));
    const stock = outcomeOf(() => transition(machine, moment.stock as never, delivered));
    if ('thrown' in ours || 'thrown' in stock) {
      expect(ours).toEqual(stock);
      continue;
    }
    moment = compare(ours.value, stock.value as never, ended);
    note(ended, event, ours.value.actions);
    const text = JSON.stringify(persisted(steppable, moment.ours));
    expect(text).toBe(JSON.stringify(steppable.getPersistedSnapshot(moment.ours)));
    const back = restored(steppable, JSON.parse(text) as Json);
    expect(JSON.stringify(persisted(steppable, back))).toBe(text);
    moment = { ...moment, ours: index % 2 === 0 ? back : moment.ours };
  }
}

const childrenOf = (snapshot: AnyMachineSnapshot): string[] => Object.keys(snapshot.children as object);

const named = (...types: readonly string[]): AnyEventObject[] => types.map((type) => ({ type }));

const charts = await walks();

describe('the step adapter (A4)', () => {
  it('knows every file that has a chart', () => {
    expect(chartFiles().length).toBeGreaterThan(5);
    expect(unplanned()).toEqual([]);
  });

  it.each(charts.map((walk) => [walk.name, walk] as const))(
    `agrees with XState on %s, whatever happens (seed ${seed})`,
    (_name, { machine, input, events }) => {
      fc.assert(
        fc.property(fc.array(fc.constantFrom(...events), { maxLength: 25 }), (sequence) =>
          agreesOn(machine, input, sequence),
        ),
        { seed, numRuns: 150 },
      );
    },
  );

  it('leaves the snapshot as it was when an assign throws (A3)', () => {
    const machine = setup({}).createMachine({
      context: { list: [1] },
      on: {
        a: {
          actions: [
            assign(({ context }) => ({ list: [...context.list, 2] })),
            assign(() => {
              throw new Error('a bug');
            }),
          ],
        },
      },
    });
    const { snapshot } = initialStep(stubbed(machine), undefined);
    const before = JSON.stringify(snapshot);
    expect(() => nextStep(stubbed(machine), snapshot, { type: 'a' })).toThrow('a bug');
    expect(JSON.stringify(snapshot)).toBe(before);
  });

  it('forgets a spawned child once its result is consumed (K8)', () => {
    const machine = smallMachines.find(({ id }) => id === 'spawning');
    if (machine === undefined) throw new Error('there is no such machine');
    const steppable = stubbed(machine);
    const { snapshot } = nextStep(steppable, initialStep(steppable, undefined).snapshot, { type: 'a' });
    expect(childrenOf(snapshot)).toEqual(['kid']);
    const done = { type: 'xstate.done.actor.kid', output: 1, actorId: 'kid' };
    expect(childrenOf(nextStep(steppable, snapshot, done).snapshot)).toEqual([]);
  });

  it('says whom a send is for, and who was spawned in an assign (K8)', () => {
    const machine = setup({ actors: { work: fromPromise(async () => 1) } }).createMachine({
      context: {},
      on: {
        to: { actions: sendTo(({ self }) => self, { type: 'x' }) },
        later: { actions: sendTo(({ self }) => self, { type: 'x' }, { delay: 5 }) },
        parent: { actions: sendParent({ type: 'x' }) },
        spawn: { actions: assign(({ spawn }) => (spawn('work', { id: 'kid' }), {})) },
      },
    });
    const steppable = stubbed(machine);
    const environment = { address: 'a/1', id: '1', hasParent: true, seq: 2, system: () => undefined };
    const { snapshot } = initialStep(steppable, undefined, environment);
    const actions = named('to', 'later', 'parent', 'spawn').map(
      (event) => nextStep(steppable, snapshot, event, environment).actions,
    );
    const send = { type: '@xstate.sendTo', event: { type: 'x' }, sendId: undefined, delayMs: undefined };
    expect(actions).toEqual([
      [{ ...send, to: { type: 'self' } }],
      [{ type: '@xstate.raise', event: { type: 'x' }, sendId: undefined, delayMs: 5 }],
      [{ ...send, to: { type: 'parent' } }],
      [
        {
          type: '@xstate.spawn',
          child: 'kid',
          src: 'work',
          input: undefined,
          systemId: undefined,
          sync: false,
        },
      ],
    ]);
  });
});
