import { describe, expect, it } from 'vitest';
import { createMachine } from 'xstate';
import { houseCharts } from '../../src/actors/house-charts.js';
import { structureHash } from '../../src/actors/kernel/index.js';
import { chartModel, statesOf } from '../../src/drawing/index.js';
import type { JsonObject } from '../../src/json.js';
import { limits } from '../../src/limits.js';
import { everything } from './everything.js';

const model = chartModel(everything);
const state = (path: string) => statesOf(model).find((each) => each.path === path);
const edges = model.edges.map(({ source, target, ways }) => [
  source,
  target,
  ways.map(({ label }) => label).join(', '),
]);

describe('the model of a chart', () => {
  it('has every state of it by its path, of its kind, with all it does by itself', () => {
    expect(statesOf(model).map(({ path, kind }) => `${path} ${kind}`)).toEqual([
      ' compound',
      'idle atomic',
      'busy parallel',
      'busy.left compound',
      'busy.left.one atomic',
      'busy.left.two final',
      'busy.left.back shallow history',
      'busy.right compound',
      'busy.right.on atomic',
      'busy.right.again deep history',
      'over final',
    ]);
    expect(state('idle')).toMatchObject({
      description: 'Nothing to do.',
      entry: ['note', 'settle(status: done)'],
      exit: ['forget'],
      invokes: [{ id: 'ask', src: 'fetch' }],
      tags: ['quiet'],
    });
    expect(state('idle')?.stays.map(({ label, actions }) => [label, actions])).toEqual([
      ['hint [isNew]', ['note']],
      ['*', []],
    ]);
    expect(state('busy.left')?.initial).toEqual({ targets: ['busy.left.one'], actions: [] });
  });

  it('has the ways between two states as one edge, in words, in the order they are tried', () => {
    expect(edges).toEqual([
      ['', 'over', 'stop'],
      ['idle', 'idle', 'again'],
      ['idle', 'busy', 'ask answers'],
      ['idle', 'over', 'ask throws, after 1 min, after patience'],
      ['busy', 'over', 'when done'],
      ['busy.left.one', 'busy.left.two', '[ready], otherwise'],
      ['busy.left.back', 'busy.left.two', ''],
      ['busy.right.on', 'busy.left.back', 'return'],
    ]);
  });

  it('calls what is invoked without a name by its source, where it answers and in states around it', () => {
    const invoke = [
      { src: 'charge', onDone: 'paid' },
      { src: 'watch' },
      { id: '2.own', src: 'named', onDone: 'paid' },
    ];
    const { edges: ways } = chartModel({
      id: 'order',
      initial: 'charging',
      on: { 'xstate.error.actor.1.order.charging': '.paid' },
      states: { charging: { invoke }, paid: {} },
    });
    expect(ways.flatMap(({ ways: each }) => each.map(({ trigger }) => trigger))).toEqual([
      'watch throws',
      'charge answers',
      '2.own answers',
    ]);
    expect(ways[1]?.ways[0]?.event).toBe('xstate.done.actor.0.order.charging');
  });

  it('keeps of each way the event as a journal has it', () => {
    const events = model.edges.flatMap(({ ways }) => ways.map(({ event }) => event));
    expect(events).toContain('xstate.after.patience.everything.idle');
    expect(events).toContain('xstate.done.actor.ask');
    expect(events).toContain('');
  });

  it('refuses what is no machine, and what is too large to be drawn', () => {
    const refused = (config: JsonObject) => () => chartModel(config);
    const invalid = expect.objectContaining({ code: 'INVALID_INPUT', details: { field: 'config' } });
    expect(refused({ id: 'm', initial: 'gone', states: { a: {} } })).toThrow(invalid);
    expect(refused({ id: 'm', on: { go: { target: '#nowhere' } } })).toThrow(invalid);
    const twice = { a: { initial: 'b', states: { b: {} } }, 'a.b': {} };
    expect(refused({ id: 'm', initial: 'a', states: twice })).toThrow(invalid);
    const names = Array.from({ length: limits.chartStatesMax }, (_none, at) => `s${at}`);
    const states = Object.fromEntries(names.map((name) => [name, {}]));
    expect(refused({ id: 'm', initial: 's0', states })).toThrow(invalid);
  });
});

it.each(houseCharts())('a config makes the machine of kind $kind again', ({ hash, config }) => {
  const again: unknown = JSON.parse(JSON.stringify(config));
  expect(structureHash(createMachine(again as Parameters<typeof createMachine>[0]))).toBe(hash);
});
