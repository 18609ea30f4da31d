/** What a user may get wrong where no type helps: options, pages, names. */
import { describe, expect, it } from 'vitest';
import { setup } from 'xstate';
import { Quarantine } from '../../src/actors/quarantine.js';
import type { DefineOptions, ListActors } from '../../src/index.js';
import { limits } from '../../src/limits.js';
import { openActors, orderMachine } from './orders.js';

type Options = DefineOptions<ReturnType<typeof orderMachine>>;

describe('an option of define', () => {
  const wrong: readonly (readonly [named: string, options: unknown])[] = [
    ['options', null],
    ['options: Unrecognized key: "retention"', { retention: 5 }],
    ['version', { version: '' }],
    ['retentionMs', { retentionMs: -1 }],
    ['retentionMs', { retentionMs: Number.NaN }],
    ['snapshot: is none of "each", "amortized"', { snapshot: 'never' }],
    ['indexes: is no function', { indexes: {} }],
    ['schemas', { schemas: 5 }],
    ['supervision.onFailure', { supervision: { onFailure: 'retry' } }],
    ['supervision.budget.failuresMax', { supervision: budget(-1, 1) }],
    ['supervision.budget.periodMs', { supervision: budget(1, 0) }],
    ['effects.charge', { effects: { charge: null } }],
    ['effects.charge.recovery', { effects: { charge: { recovery: 'sometimes' } } }],
    ['effects.charge.limit', { effects: { charge: { limit: 0 } } }],
    ['effects.charge.limit', { effects: { charge: { limit: 1.5 } } }],
    ['effects.charge.timeoutMs', { effects: { charge: { timeoutMs: 0 } } }],
    ['effects.charge.pool: is no function', { effects: { charge: { pool: 'fast' } } }],
    ['effects.charge.restart', { effects: { charge: { restart: 3 } } }],
    ['effects.charge: Unrecognized key: "timeout"', { effects: { charge: { timeout: 3 } } }],
    ['children', { children: [] }],
    ['children.parcel.supervision', { children: { parcel: { supervision: 'stop' } } }],
    ['children.parcel: Unrecognized key: "version"', { children: { parcel: { version: '2' } } }],
    ['children.a.children.b.retentionMs', { children: { a: { children: { b: { retentionMs: '1' } } } } }],
  ];

  it.each(wrong)('is refused by its path: %s', async (named, options) => {
    const { actors } = await openActors();
    const define = (): unknown => actors.define(orderMachine(), options as Options);
    expect(define).toThrow(expect.objectContaining({ code: 'INVALID_DEFINITION' }));
    expect(define).toThrow(`order: ${named}`);
    await expect(actors.list('order')).resolves.toMatchObject({ items: [] });
  });

  it('may be undefined, and a duration may be for ever', async () => {
    const { actors } = await openActors();
    const options = {
      effects: { charge: { timeoutMs: Infinity, limit: 1, restart: { failuresMax: 0, periodMs: 1 } } },
      retentionMs: Infinity,
      supervision: budget(0, 1),
      children: {},
      schemas: undefined,
    };
    expect(actors.define(orderMachine(), options as unknown as Options).version).toBe('1');
  });
});

function budget(failuresMax: number, periodMs: number): unknown {
  return { onFailure: 'restart', budget: { failuresMax, periodMs } };
}

describe('a page', () => {
  const wrong: readonly (readonly [field: string, options: unknown])[] = [
    ['limit', { limit: 0 }],
    ['limit', { limit: 1.5 }],
    ['limit', { limit: '5' }],
    ['cursor', { cursor: 5 }],
    ['state', { state: '' }],
    ['status', { status: 'asleep' }],
  ];

  it.each(wrong)('with a wrong %s is refused, not guessed at', async (field, options) => {
    const { actors, world } = await openActors();
    const orders = actors.define(orderMachine());
    const refused = { code: 'INVALID_INPUT', details: { field } };
    await expect(orders.list(options as ListActors)).rejects.toMatchObject(refused);
    if (field !== 'limit' && field !== 'cursor') return;
    await expect(orders.find('any', [], options as ListActors)).rejects.toMatchObject(refused);
    await expect(new Quarantine(world.kernel).list(options as ListActors)).rejects.toMatchObject(refused);
  });
});

describe('an address', () => {
  it.each(['', 'order', '/a', 'a b/x', 'order/'])(
    '%j of an actor that stands still is none',
    async (address) => {
      const quarantine = new Quarantine((await openActors()).world.kernel);
      await expect(quarantine.get(address)).rejects.toMatchObject({ code: 'INVALID_ID' });
      await expect(quarantine.dismiss(address)).rejects.toMatchObject({ code: 'INVALID_ID' });
    },
  );
});

describe('an id', () => {
  it.each([5, null, {}])('that is no text is refused: %j', async (id) => {
    const orders = (await openActors()).actors.define(orderMachine());
    expect(() => orders.get(id as unknown as string)).toThrow('an id is a text');
    const created = orders.create({ id: id as unknown as string, input: { amount: 1 } });
    await expect(created).rejects.toMatchObject({ code: 'INVALID_ID' });
    const sent = orders.get('a').send({ type: 'pay' }, { id: id as unknown as string });
    await expect(sent).rejects.toMatchObject({ code: 'INVALID_ID' });
  });
});

describe('asking for too much', () => {
  it('creates none of more than the store may be behind', async () => {
    const { actors } = await openActors();
    const things = actors.define(setup({}).createMachine({ id: 'thing', version: '1' }));
    const many = Array.from({ length: limits.pendingStepsMax + 1 }, () => ({}));
    await expect(things.createMany(many)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    expect(things.count()).toBe(0);
  });

  it('creates the others when the machine throws at one, and says so', async () => {
    const { actors } = await openActors();
    const picky = setup({ types: { input: {} as { readonly n: number } } }).createMachine({
      id: 'picky',
      version: '1',
      context: ({ input }) => {
        if (input.n === 2) throw new Error('not two');
        return { n: input.n };
      },
    });
    const kind = actors.define(picky);
    const many = kind.createMany([1, 2, 3].map((n) => ({ id: `${n}`, input: { n } })));
    await expect(many).rejects.toThrow('not two');
    const ids = (await kind.list()).items.map(({ id, status }) => `${id} ${status}`);
    expect(ids).toEqual(['1 active', '3 active']);
  });

  it('can take nothing that a guard throws at', async () => {
    const { actors } = await openActors();
    const order = await actors.define(orderMachine()).create({ id: 'a', input: { amount: 1 } });
    expect(await order.can({ type: 'break' })).toBe(false);
    expect(await order.can({ type: 'pay' })).toBe(true);
  });
});
