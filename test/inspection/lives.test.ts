/**
 * The inspection never lies: random lives, and after each commit what the actor really was, against what is
 * told of that step later.
 */
import { expect, test } from 'vitest';
import type { CommittedStep, StepReport } from '../../src/index.js';
import { isPlainObject, type Json, type JsonObject } from '../../src/json.js';
import { leavesOf } from '../../src/actors/kernel/index.js';
import type { Change } from '../../src/actors/inspection/face.js';
import { chance, live, openedHouse, SEED } from './random-house.js';

interface Witnessed {
  readonly value: Json;
  readonly context: Json;
  readonly at: number;
  readonly isAnew: boolean;
}

/** By address, by seq: what each step led to. */
type Witness = Map<string, Map<number, Witnessed>>;

/** Claims of work have a secret token, which is shown to nobody. */
const masked = (text: string): string =>
  text.replaceAll(/"token":"[^"]*"/g, '"token":"-"').replaceAll(/\[redacted:\d+\]/g, '-');

const plain = (value: unknown): Json => JSON.parse(masked(JSON.stringify(value ?? null))) as Json;

const shown = <Answer>(answer: Answer): Answer => JSON.parse(masked(JSON.stringify(answer))) as Answer;

function hear(witness: Witness, { address, entry, snapshot }: CommittedStep): void {
  const steps = witness.get(address) ?? new Map<number, Witnessed>();
  steps.set(entry.seq, {
    value: plain(snapshot.value),
    context: plain(snapshot.context),
    at: entry.at,
    isAnew: entry.event.type === 'xstate.init',
  });
  witness.set(address, steps);
}

function applied(before: Json | undefined, changes: readonly Change[]): Json | undefined {
  let root: { value?: Json } = before === undefined ? {} : { value: structuredClone(before) };
  for (const change of changes)
    root = { value: changed(root.value, change.path.split('/').slice(1), change) };
  return root.value;
}

function changed(target: Json | undefined, path: readonly string[], change: Change): Json {
  const [part, ...rest] = path;
  if (part === undefined) return change.after ?? null;
  const name = part.replaceAll('~1', '/').replaceAll('~0', '~');
  if (Array.isArray(target)) {
    const list = [...(target as readonly Json[])];
    const at = Number(name);
    if (rest.length > 0) list[at] = changed(list[at], rest, change);
    else if (!('after' in change)) list.splice(at, 1);
    else if (!('before' in change)) list.splice(at, 0, change.after ?? null);
    else list[at] = change.after ?? null;
    return list;
  }
  const object = { ...(isPlainObject(target) ? (target as JsonObject) : {}) };
  if (rest.length === 0 && !('after' in change)) {
    delete object[name];
    return object;
  }
  return { ...object, [name]: changed(object[name], rest, change) };
}

/** Each kept step as it was; returns how many were compared. */
function compare(
  address: string,
  steps: ReadonlyMap<number, Witnessed>,
  reports: readonly StepReport[],
): number {
  let before: Json | undefined;
  for (const report of reports) {
    const { seq, context, diff, unknown, event } = report;
    const what = `${address} step ${seq} (${event.type}), seed ${SEED}`;
    const was = steps.get(seq);
    expect(unknown, what).toBeUndefined();
    expect([report.value, report.at], what).toEqual([was?.value, was?.at]);
    expect(context, what).toEqual(was?.context);
    if (before !== undefined && was?.isAnew !== true)
      expect(applied(before, diff ?? []), what).toEqual(context);
    before = context;
  }
  return reports.length;
}

interface Stayed {
  readonly since: readonly number[];
  /** By state: how many stays have ended. */
  readonly ended: ReadonlyMap<string, number>;
}

/** What the steps of a life say of its stays. */
function stays(steps: ReadonlyMap<number, Witnessed>): Stayed {
  let entered = new Map<string, number>();
  const ended = new Map<string, number>();
  for (const { value, at, isAnew } of [...steps].toSorted(([a], [b]) => a - b).map(([, step]) => step)) {
    const leaves = leavesOf(value);
    for (const state of entered.keys())
      if (isAnew || !leaves.includes(state)) ended.set(state, (ended.get(state) ?? 0) + 1);
    const earlier = entered;
    entered = new Map(leaves.map((leaf) => [leaf, isAnew ? at : (earlier.get(leaf) ?? at)]));
  }
  return { since: [...entered.values()], ended };
}

test(`random lives are shown as they were, and each stay is counted once (seed ${SEED})`, async () => {
  const witness: Witness = new Map();
  const house = await openedHouse((step) => hear(witness, step));
  for (const id of ['0', '1'])
    for (const kind of ['each', 'fold', 'anew'] as const) await house.kinds[kind].create({ id });
  await live(house, chance(SEED), 150);
  const { inspection } = house.runtime;
  let compared = 0;
  const counted = new Map<string, number>();
  for (const [address, steps] of witness) {
    const { since, ended } = stays(steps);
    const [kind = ''] = address.split('/');
    for (const [state, count] of ended)
      counted.set(`${kind} ${state}`, (counted.get(`${kind} ${state}`) ?? 0) + count);
    const why = await inspection.why(address).catch(() => undefined);
    // A child that has ended is gone.
    if (why === undefined) continue;
    expect(
      why.states.map((state) => state.since),
      `${address}, seed ${SEED}`,
    ).toEqual(since);
    const { items } = await inspection.steps(address);
    const reports: StepReport[] = [];
    for (const { seq } of items) reports.push(shown(await inspection.step(address, seq)));
    compared += compare(address, steps, reports);
    const looked = await inspection.look(await house.runtime.export(address, { redact: false }));
    const untimed = reports.map(({ committedAt: _written, ...report }) => report);
    expect(shown(looked.steps), `${address}, seed ${SEED}`).toEqual(untimed);
  }
  expect(compared).toBeGreaterThan(100);
  const { kinds } = await inspection.population();
  const told = kinds.flatMap(({ kind, dwell }) =>
    dwell.map(({ state, count }) => [`${kind} ${state}`, count] as const),
  );
  expect(new Map(told), `seed ${SEED}`).toEqual(counted);
});
