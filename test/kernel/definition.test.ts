import { describe, expect, it } from 'vitest';
import { assign, fromCallback, fromPromise, fromTransition, sendTo, setup, spawnChild } from 'xstate';
import type { AnyStateMachine } from 'xstate';
import { Cells } from '../../src/actors/kernel/cell.js';
import { defineMachine, structureHash } from '../../src/actors/kernel/index.js';
import { isHoldfastError } from '../../src/errors.js';
import { openWorld } from './fixtures.js';

const plain = (config: object): AnyStateMachine =>
  setup({}).createMachine({ id: 'm', version: '1', ...config });

/** Why a machine is refused at define: the message of an INVALID_DEFINITION. */
function refusal(machine: AnyStateMachine, more: object = {}): string {
  try {
    defineMachine({ kind: 'kind', machine, ...more });
    return 'accepted';
  } catch (error) {
    return isHoldfastError(error, 'INVALID_DEFINITION') ? error.message : String(error);
  }
}

/** Why a machine is refused at the step of its first event. */
async function refusalOfStep(machine: AnyStateMachine): Promise<unknown> {
  const world = await openWorld([{ kind: 'kind', machine }]);
  await world.kernel.create('kind', 'a', {});
  await expect(world.kernel.send('kind/a', { type: 'go' })).rejects.toMatchObject({
    code: 'ACTOR_QUARANTINED',
  });
  expect(world.failures).toEqual([]);
  return (await world.kernel.reader.record('kind/a'))?.quarantine;
}

describe('the kinds of a kernel', () => {
  it('K8: are one machine each: a child’s kind is nobody else’s', async () => {
    const child = setup({}).createMachine({ id: 'kid', version: '1', initial: 'a', states: { a: {} } });
    const family = setup({ actors: { kid: child } }).createMachine({ id: 'family', version: '1' });
    const world = await openWorld([
      { kind: 'family.kid', machine: setup({}).createMachine({ version: '1' }) },
    ]);
    expect(() => world.kernel.define({ kind: 'family', machine: family })).toThrow(
      'another machine is defined',
    );
  });
});

describe('a definition (K13)', () => {
  it('K13: is refused with the state and the fix named', () => {
    const work = fromPromise(async () => 1);
    const actors = { work, callback: fromCallback(() => undefined), child: plain({}) };
    const invoking = (src: unknown): AnyStateMachine =>
      setup({ actors }).createMachine({
        id: 'm',
        version: '1',
        initial: 'busy',
        states: { busy: { invoke: { src: src as 'work' } } },
      });
    expect(refusal(invoking('work'))).toBe('accepted');
    expect(refusal(invoking(work))).toContain(
      'state "m.busy", invoke: the source is inline; name it in setup',
    );
    expect(refusal(invoking('nothing'))).toContain('"nothing" is not in setup({actors})');
    expect(refusal(invoking('child'))).toBe('accepted');
    expect(refusal(invoking('callback'))).toBe('accepted');
    const spawning = setup({ actors }).createMachine({
      id: 'm',
      version: '1',
      initial: 'busy',
      states: { busy: { on: { go: { actions: spawnChild(work) } } } },
    });
    expect(refusal(spawning)).toContain(
      'state "m.busy", actions of "go": spawnChild of inline logic; name its',
    );
    expect(refusal(invoking('work'), { children: { work: {} } })).toContain('children.work names no machine');
    expect(refusal(invoking('child'), { effects: { child: {} } })).toContain('use children.child');
    const recovery = { recovery: 'manual' } as const;
    expect(refusal(invoking('callback'), { effects: { callback: recovery } })).toContain('only be "rerun"');
    const named = (states: object): string => {
      const config = { id: 'm', version: '1', initial: 'a', states };
      return refusal(setup({}).createMachine(config as never) as unknown as AnyStateMachine);
    };
    expect(named({ a: { after: { soon: 'b' } }, b: {} })).toContain(
      'after: "soon" is not in setup({delays})',
    );
    expect(named({ a: { always: { guard: 'few', target: 'b' } }, b: {} })).toContain(
      'guard: "few" is not in',
    );
    expect(named({ a: { on: { go: { guard: { type: 'few' }, target: 'b' } } }, b: {} })).toContain('"few"');
    expect(named({ a: { after: { 10: 'b' } }, b: {} })).toBe('accepted');
    const supervision = { onFailure: 'escalate' } as const;
    expect(refusal(invoking('work'), { supervision })).toContain('it has no parent');
    expect(refusal(setup({}).createMachine({}))).toContain('has no version; add one');
    expect(refusal(invoking('work'), { effects: { wrok: {} } })).toContain('effects.wrok names no actor');
    expect(refusal(invoking('work'), { effects: { work: { recovery: 'probe' } } })).toContain(
      'without a probe',
    );
  });

  it('K13: stops at its first step what only shows there, with the fix named', async () => {
    const actors = { work: fromPromise(async () => 1), transition: fromTransition((state) => state, {}) };
    const going = (actions: object): AnyStateMachine =>
      setup({ actors }).createMachine({
        version: '1',
        context: {},
        on: { go: { actions: actions as never } },
      });
    const refused = [
      [
        going(sendTo(({ self }) => self, { type: 'x', at: new Date(0) } as never)),
        'the event x is not JSON at $.at',
      ],
      [
        going(assign(({ spawn }) => (spawn(actors.work as never, { id: 'k' } as never), {}))),
        'name its source',
      ],
      [going(spawnChild('work' as never)), 'spawnChild("work") without an id'],
      [going(spawnChild('nothing' as never, { id: 'k' } as never) as never), 'name its source'],
      [going(assign({ me: ({ self }) => self })), 'context is not JSON at $.me'],
      [
        going(spawnChild('work' as never, { id: 'k', input: { at: new Date(0) } })),
        'input of work is not JSON at $.at',
      ],
      [going(assign({ at: () => new Map() })), 'context is not JSON at $.at'],
    ] as const;
    for (const [machine, fix] of refused) {
      expect(await refusalOfStep(machine)).toMatchObject({
        code: 'INVALID_DEFINITION',
        message: expect.stringContaining(fix) as unknown,
      });
    }
  });

  it('K12: tells structures apart, not descriptions, and knows states by any name', () => {
    const hash = (config: object): string => structureHash(plain(config));
    const states = { a: { on: { go: 'b' } }, b: {} };
    const base = hash({ initial: 'a', states });
    expect(hash({ states, initial: 'a', description: 'words', meta: { a: 1 }, tags: ['x'] })).toBe(base);
    expect(hash({ initial: 'a', states: { ...states, b: { description: 'words' } } })).toBe(base);
    const others = [
      { initial: 'b', states },
      { initial: 'a', states: { ...states, b: { always: 'a' } } },
      { initial: 'a', states: { ...states, a: { on: { go: { target: 'b', guard: 'g' } } } } },
      { initial: 'a', states: { ...states, a: { on: { go: { target: 'b', actions: 'x' } } } } },
      { initial: 'a', states: { ...states, a: { on: { go: 'b' }, after: { soon: 'b' } } } },
      { initial: 'a', states: { ...states, output: { on: { go: 'a' } } } },
      { initial: 'a', states: { ...states, output: { on: { go: 'b' } } } },
      { initial: 'a', states: { ...states, b: { on: { version: 'a' } } } },
      { initial: 'a', states: { ...states, b: { on: { version: 'b' } } } },
    ];
    expect(new Set([base, ...others.map(hash)]).size).toBe(others.length + 1);
  });

  it('K12: a structure that changed under its version is refused while its actors are stored', async () => {
    const before = plain({ initial: 'a', states: { a: {}, b: {} } });
    const after = plain({ initial: 'a', states: { a: { on: { go: 'b' } }, b: {} } });
    const world = await openWorld([{ kind: 'kind', machine: before }]);
    await world.crash([]);
    world.kernel.define({ kind: 'kind', machine: after });
    await world.crash([{ kind: 'kind', machine: before }]);
    await world.kernel.create('kind', 'a', {});
    await world.crash([]);
    expect(() => world.kernel.define({ kind: 'kind', machine: after })).toThrow('give it a new version');
    world.kernel.define({ kind: 'kind', machine: after, version: '2' });
  });

  it('keeps a history and parallel states through passivation', async () => {
    const machine = plain({
      type: 'parallel',
      states: {
        left: {
          initial: 'in',
          states: {
            in: {
              initial: 'x',
              states: { x: { on: { a: 'y' } }, y: { on: { a: 'x' } }, h: { type: 'history' } },
              on: { b: 'out' },
            },
            out: { on: { b: 'in.h' } },
          },
        },
        right: { initial: 'one', states: { one: { on: { c: 'two' } }, two: { on: { c: 'one' } } } },
      },
    });
    const world = await openWorld([{ kind: 'kind', machine }]);
    await world.kernel.create('kind', 'a', {});
    for (let step = 0; step < 300; step += 1) {
      if (step % 25 === 0 || step > 250) await world.crash([{ kind: 'kind', machine }]);
      await world.kernel.send('kind/a', { type: ['a', 'b', 'c', 'b'][step % 4] ?? 'a' });
    }
    const found = await world.kernel.snapshot('kind/a');
    expect([found?.record.quarantine, found?.record.seq]).toEqual([undefined, 301]);
    expect(found?.snapshot.value).toEqual({ left: { in: 'y' }, right: 'two' });
  });
});

describe('the actors in memory', () => {
  it('are dropped when idle, least recently used first, and never while they work', () => {
    const cells = new Cells({ actorsMax: 2 });
    const definition = defineMachine({ kind: 'kind', machine: plain({}) });
    const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((id) => cells.get(`kind/${id}`, definition));
    if (a === undefined || b === undefined || c === undefined || d === undefined)
      throw new Error('four cells');
    for (const cell of [a, b, c, d]) cells.work(cell);
    expect(cells.size).toBe(4);
    for (const cell of [b, c, d]) cells.rest(cell);
    expect([cells.size, cells.peek('kind/b'), cells.peek('kind/a')]).toEqual([3, undefined, a]);
    cells.work(c);
    cells.rest(a);
    cells.rest(c);
    expect([cells.peek('kind/d'), cells.size]).toEqual([undefined, 2]);
  });
});

describe('a loop of transitions', () => {
  it('K14: that no event asked for ends with its step, and stops nobody else', async () => {
    const states = { idle: { on: { go: 'a' } }, a: { always: 'b' }, b: { always: 'a' } };
    const machine = setup({}).createMachine({ id: 'spin', version: '1', initial: 'idle', states });
    const world = await openWorld([{ kind: 'spin', machine }]);
    await world.kernel.create('spin', 'one', undefined);
    await expect(world.kernel.send('spin/one', { type: 'go' })).rejects.toThrow('Infinite loop detected');
    const { quarantine } = (await world.kernel.reader.record('spin/one')) ?? {};
    expect(quarantine?.message).toContain('10000 microsteps');
    await world.kernel.create('spin', 'two', undefined);
    expect(world.failures).toEqual([]);
  });
});
