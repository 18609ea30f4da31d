/** Schemas at the door: what is refused, and what is made of the rest. */
import { describe, expect, it } from 'vitest';
import { assign, setup } from 'xstate';
import { z } from 'zod';
import type { SchemaResult, StandardSchema } from '../../src/index.js';
import { deferred, settled } from '../kernel/fixtures.js';
import { openActors } from './orders.js';

interface Order {
  readonly amount: number;
}

type Event = { readonly type: 'add'; readonly by: number } | { readonly type: 'tag'; readonly tag: string };

const machine = setup({
  types: {
    context: {} as { amount: number; tags: readonly string[] },
    input: {} as Order,
    events: {} as Event,
  },
  actions: {
    add: assign({ amount: ({ context, event }) => context.amount + (event.type === 'add' ? event.by : 0) }),
    tag: assign({
      tags: ({ context, event }) => [...context.tags, event.type === 'tag' ? event.tag : ''],
    }),
  },
}).createMachine({
  id: 'order',
  version: '1',
  context: ({ input }) => ({ amount: input.amount, tags: [] }),
  on: { add: { actions: 'add' }, tag: { actions: 'tag' } },
});

/** A schema of nobody's library. */
function schemaOf<Output>(
  validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>,
): StandardSchema<Output> {
  return { '~standard': { version: 1, vendor: 'by hand', validate } };
}

const zodSchemas = {
  input: z.object({ amount: z.number().int().positive() }),
  events: {
    add: z.object({ type: z.literal('add'), by: z.coerce.number().max(10) }),
    tag: z.object({ type: z.literal('tag'), tag: z.string().trim().min(2) }),
  },
};

describe('a schema', () => {
  it('refuses an event and an input with the path and the message, and nothing is written', async () => {
    const orders = (await openActors()).actors.define(machine, { schemas: zodSchemas });
    await expect(orders.create({ id: 'a', input: { amount: 0.5 } })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringMatching(/^input: amount: /) as unknown,
      details: { field: 'amount' },
    });
    expect(await orders.get('a').snapshot()).toBeUndefined();
    const ref = await orders.create({ id: 'a', input: { amount: 1 } });
    await expect(ref.send({ type: 'add', by: 11 })).rejects.toMatchObject({
      code: 'INVALID_EVENT',
      message: expect.stringMatching(/^the event "add": by: /) as unknown,
      details: { field: 'by' },
    });
    expect([await ref.can({ type: 'add', by: 11 }), await ref.can({ type: 'add', by: 9 })]).toEqual([
      false,
      true,
    ]);
    expect(await ref.journal()).toHaveLength(1);
    const many = [{ input: { amount: 1 } }, { input: { amount: -1 } }];
    await expect(orders.createMany(many)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    expect(orders.count()).toBe(1);
  });

  it('says what is sent: the value it made of the one it got', async () => {
    const orders = (await openActors()).actors.define(machine, { schemas: zodSchemas });
    const ref = await orders.create({ input: { amount: 1, more: 'dropped' } as Order });
    await ref.send({ type: 'tag', tag: '  red ' });
    await ref.send({ type: 'add', by: '4' as unknown as number });
    expect((await ref.snapshot())?.context).toEqual({ amount: 5, tags: ['red'] });
    expect((await ref.journal()).map(({ event }) => event)).toEqual([
      { type: 'xstate.init', input: { amount: 1 } },
      { type: 'tag', tag: 'red' },
      { type: 'add', by: 4 },
    ]);
  });

  it('may take its time, be anybody’s, and name its paths as it likes', async () => {
    const { world, actors } = await openActors();
    const gate = deferred<void>();
    const orders = actors.define(machine, {
      schemas: {
        events: {
          tag: schemaOf<Extract<Event, { type: 'tag' }>>(async (value) => {
            await gate.promise;
            return { value: { ...(value as Extract<Event, { type: 'tag' }>), tag: 'slow' } };
          }),
          add: schemaOf(() => ({
            issues: [{ message: 'too much', path: [{ key: 'by' }, 0] }, { message: 'and too late' }],
          })),
        },
      },
    });
    const ref = await orders.create({ id: 'a', input: { amount: 1 } });
    const slow = ref.send({ type: 'tag', tag: 'x' });
    const cancel = new AbortController();
    const cancelled = ref.send({ type: 'tag', tag: 'x' }, { signal: cancel.signal });
    cancel.abort(new Error('enough'));
    await expect(cancelled).rejects.toThrow('enough');
    gate.resolve();
    await slow;
    await settled(world);
    expect((await ref.snapshot())?.context.tags).toEqual(['slow']);
    await expect(ref.send({ type: 'add', by: 1 })).rejects.toThrow(
      'the event "add": by.0: too much; and too late',
    );
  });

  it('that fails itself refuses what it was asked about', async () => {
    const { actors } = await openActors();
    const bug = new Error('a bug in a schema');
    const orders = actors.define(machine, {
      schemas: {
        input: schemaOf<Order>(() => {
          throw bug;
        }),
        events: { tag: schemaOf<Extract<Event, { type: 'tag' }>>(() => Promise.reject(bug)) },
      },
    });
    const refusal = { code: 'INVALID_INPUT', cause: bug };
    await expect(orders.create({ input: { amount: 1 } })).rejects.toMatchObject(refusal);
    await expect(orders.get('a').send({ type: 'tag', tag: 'x' })).rejects.toMatchObject({
      code: 'INVALID_EVENT',
      cause: bug,
    });
  });

  it('that answers at once keeps the order of the calls', async () => {
    const orders = (await openActors()).actors.define(machine, { schemas: zodSchemas });
    const ref = await orders.create({ input: { amount: 1 } });
    const tags = Array.from({ length: 50 }, (_none, n) => `t${n}`);
    await Promise.all(tags.map((tag) => ref.send({ type: 'tag', tag })));
    expect((await ref.snapshot())?.context.tags).toEqual(tags);
  });

  it('must be one for the machine’s own events and input, or it does not compile', async () => {
    const { actors } = await openActors();
    // @ts-expect-error its amount is a text
    actors.define(machine, { kind: 'a', schemas: { input: z.object({ amount: z.string() }) } });
    // @ts-expect-error it drops the type
    actors.define(machine, { kind: 'b', schemas: { events: { add: z.object({ by: z.number() }) } } });
    // @ts-expect-error no such event
    actors.define(machine, { kind: 'c', schemas: { events: { nope: z.object({}) } } });
    expect(actors.define(machine, { kind: 'd', schemas: zodSchemas }).kind).toBe('d');
  });
});
