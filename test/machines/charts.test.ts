import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { AnyStateMachine, AnyStateNode } from 'xstate';
import { chartFiles } from '../../scripts/draw-charts.js';
import {
  deliveryMachine,
  jobMachine,
  parkedEventMachine,
  providerAccountMachine,
  scheduleMachine,
  sessionMachine,
  supervisorMachine,
  taskMachine,
  workItemMachine,
} from '../../src/machines/index.js';

/**
 * The rule of ways out. A *waiting* state is a leaf that is not final and has no `always`. Looking at the
 * leaf and everything around it:
 *   on time    an `after` that leaves, or an effect (each has a deadline, and comes back as its error);
 *   on cancel  the chart's cancel event is handled;
 *   on error   every effect's error is handled, with a way out of the state that asked for it.
 */
const exceptions: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'job on time': {
    'blocked.accepted':
      'a paid task is never given up because its adapter is missing; registering it goes on',
  },
  'job on cancel': {
    'settled.outcome.done': 'settled: nothing is left to cancel',
    'settled.outcome.failed.unrendered': 'settled: nothing is left to cancel',
    'settled.outcome.failed.undownloaded': 'settled: nothing is left to cancel',
    'settled.outcome.timedOut': 'settled: nothing is left to cancel',
    'settled.outcome.cancelled': 'settled: nothing is left to cancel',
    'settled.withdrawal.withdrawing': 'is itself the cancelling; bounded by time',
    'settled.withdrawal.over': 'settled: nothing is left to cancel',
  },
  'delivery on time': {
    queued: 'order in a lane is strict; each delivery ahead of it is bounded, and it can be dismissed',
  },
  'provider-account on time': {
    open: 'the resting state of something that never ends',
    'paused.auth': 'only its owner can mend it',
    'paused.billing': 'only its owner can mend it',
  },
  'supervisor on cancel': { draining: 'is itself the closing; bounded by time' },
  'supervisor on time': {
    opening: 'the store’s open ends by itself, and its end is told',
    recovering: 'bounded by what was in flight, and its end is told',
    running: 'the resting state of a runtime',
  },
  'session on time': {
    'turn.running.commanding': 'its owner ends it, or dies: then the next generation of the store does',
    'turn.running.working': 'its owner ends it, or dies: then the next generation of the store does',
    queue: 'always hears everything, and waits for nothing',
  },
  'work-item on time': { ready: 'waits for a worker; how long that takes is for whoever runs them' },
  'work-item on cancel': {
    done: 'ended: nothing is left to cancel',
    cancelled: 'ended: nothing is left to cancel',
  },
  'schedule on time': {
    'active.cadence.paused': 'waits for whoever paused it',
    'active.cadence.over': 'there is no further time; another cadence goes on',
    'active.run.idle': 'waits for the cadence beside it, or for a hand',
  },
  'task on cancel': {
    cancelling: 'is itself the cancelling; bounded by time',
    'settled.completed': 'settled: nothing is left to cancel',
    'settled.failed': 'settled: nothing is left to cancel',
    'settled.exhausted': 'settled: nothing is left to cancel',
    'settled.cancelled': 'settled: nothing is left to cancel',
  },
};

interface Chart {
  readonly name: string;
  readonly machine: AnyStateMachine;
  /** How somebody stops it; undefined for what cannot be cancelled. */
  readonly cancel: string | undefined;
}

const charts: readonly Chart[] = [
  { name: 'job', machine: jobMachine, cancel: 'job.cancel' },
  { name: 'delivery', machine: deliveryMachine, cancel: 'delivery.dismiss' },
  { name: 'provider-account', machine: providerAccountMachine, cancel: undefined },
  { name: 'parked-event', machine: parkedEventMachine, cancel: undefined },
  { name: 'supervisor', machine: supervisorMachine, cancel: 'runtime.close' },
  { name: 'session', machine: sessionMachine, cancel: undefined },
  { name: 'task', machine: taskMachine, cancel: 'task.cancel' },
  { name: 'work-item', machine: workItemMachine, cancel: 'work.cancel' },
  { name: 'schedule', machine: scheduleMachine, cancel: 'schedule.remove' },
];

const below = (node: AnyStateNode): readonly AnyStateNode[] =>
  Object.values(node.states).flatMap((child) => [child, ...below(child)]);

/** The state and all it lies in, innermost first. */
const around = (node: AnyStateNode): readonly AnyStateNode[] =>
  node.parent === undefined ? [node] : [node, ...around(node.parent)];

const pathOf = (node: AnyStateNode) => node.path.join('.');

const waiting = ({ machine }: Chart) =>
  below(machine.root).filter(
    ({ type, always }) => type === 'atomic' && (always === undefined || always.length === 0),
  );

const leaves = (node: AnyStateNode, prefix: string): boolean =>
  [...node.transitions].some(
    ([event, ways]) => event.startsWith(prefix) && ways.some(({ target }) => target !== undefined),
  );

const hasWayOnTime = (leaf: AnyStateNode) =>
  around(leaf).some((node) => leaves(node, 'xstate.after.') || node.invoke.length > 0);

describe.each(charts)('the $name chart', (chart) => {
  const { name, machine, cancel } = chart;
  const excused = (way: string) => Object.keys(exceptions[`${name} ${way}`] ?? {}).sort();

  it('holds names only: functions stay under context, input, params and output', () => {
    const misplaced: string[] = [];
    const walk = (value: unknown, path: readonly string[]) => {
      const key = path.at(-1) ?? '';
      if (typeof value === 'function' && !['context', 'input', 'params', 'output'].includes(key)) {
        misplaced.push(path.join('.'));
      }
      if (typeof value !== 'object' || value === null) return;
      for (const [part, inner] of Object.entries(value)) walk(inner, [...path, part]);
    };
    walk(machine.config, []);
    expect(misplaced).toEqual([]);
    expect(JSON.stringify(machine.config)).not.toContain('null');
  });

  it('describes itself and each of its states, and has a version', () => {
    const silent = [machine.root, ...below(machine.root)].filter(({ description }) => !description);
    expect(silent.map(pathOf)).toEqual([]);
    expect(machine.version).toMatch(/^[1-9]$/);
  });

  it('uses every name it defines and defines every name it uses', () => {
    const text = JSON.stringify(machine.config);
    const { actions, guards, delays, actors } = machine.implementations;
    const reserved = /^(actor|history|payload|file)\./;
    const unused = [actions, guards, delays, actors].flatMap((table) =>
      Object.keys(table).filter((key) => !reserved.test(key) && !text.includes(`"${key}"`)),
    );
    expect(unused).toEqual([]);
    const used = below(machine.root).flatMap((node) => [...node.transitions.values()].flat());
    const named = used.flatMap(({ guard }) => (typeof guard === 'string' ? [guard] : []));
    expect(named.filter((guard) => !(guard in guards))).toEqual([]);
  });

  it('leaves every waiting state on time, but for the exceptions above', () => {
    expect(
      waiting(chart)
        .filter((leaf) => !hasWayOnTime(leaf))
        .map(pathOf)
        .sort(),
    ).toEqual(excused('on time'));
  });

  it('leaves every waiting state on cancel, but for the exceptions above', () => {
    if (cancel === undefined) return expect(excused('on cancel')).toEqual([]);
    const deaf = waiting(chart).filter((leaf) => !around(leaf).some((node) => node.transitions.has(cancel)));
    expect(deaf.map(pathOf).sort()).toEqual(excused('on cancel'));
  });

  it('has a way out for the error of every effect', () => {
    const stuck = [machine.root, ...below(machine.root)].flatMap((node) =>
      node.invoke
        .filter(({ id }) => !leaves(node, `xstate.error.actor.${id}`))
        .map(({ id }) => `${pathOf(node)}: ${id}`),
    );
    expect(stuck).toEqual([]);
  });

  it('is drawn in docs/charts as it is', async () => {
    for (const [file, text] of await chartFiles(name))
      expect(readFileSync(new URL(`../../docs/charts/${file}`, import.meta.url), 'utf8')).toBe(text);
  });
});

it('every exception names a state that exists, and says why', () => {
  for (const [title, states] of Object.entries(exceptions)) {
    const chart = charts.find(({ name }) => title.startsWith(`${name} `));
    const paths = chart === undefined ? [] : waiting(chart).map(pathOf);
    for (const [path, reason] of Object.entries(states)) {
      expect(paths).toContain(path);
      expect(reason.length).toBeGreaterThan(10);
    }
  }
});
