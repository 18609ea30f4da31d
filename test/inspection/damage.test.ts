/** Rows that cannot be read: each way of looking has a typed answer, or tells the rest. */
import { expect, onTestFinished, test } from 'vitest';
import { statusOf } from '../../src/control/status.js';
import { HoldfastError, type InspectionFace } from '../../src/index.js';
import { openMemoryStore } from '../../src/store/index.js';
import type { RowLetter } from '../../src/store/keys.js';
import { createTestRuntime } from '../../src/testing/index.js';
import { rowsOf } from '../kernel/fixtures.js';
import { orderMachine } from './orders.js';

/** Records are why.test.ts's: the store itself refuses to write one that is none. */
const LETTERS: readonly RowLetter[] = ['j', 'c', 'p', 'd', 'o', 'i', 'q', 'h', 'n', 'v', 'b'];

/** An order with an effect and one amortized, a conversation with a job, over a disk. */
async function lived() {
  const home = await createTestRuntime({ define });
  for (const kind of [home.kinds.orders, home.kinds.folds]) {
    const order = await kind.create({ id: '77', input: { title: 'a lamp' } });
    await order.send({ type: 'add', line: 'bell' });
    await order.send({ type: 'pay', amount: 20 });
  }
  const session = home.runtime.sessions.get('chat:1');
  for (let n = 0; n < 3; n += 1) await session.enqueue({ text: `message ${n}` });
  await home.close();
  return home.disk;
}

const define = (runtime: Awaited<ReturnType<typeof createTestRuntime>>['runtime']) => ({
  orders: runtime.define(orderMachine),
  folds: runtime.define(orderMachine, { kind: 'fold', snapshot: 'amortized' }),
});

/** What is thrown that is no answer. */
async function faultsOf(inspection: InspectionFace): Promise<readonly string[]> {
  const faults: string[] = [];
  const ask = async (what: string, answer: Promise<unknown>): Promise<void> => {
    try {
      await answer;
    } catch (error) {
      if (error instanceof HoldfastError && statusOf(error.code) !== 500) return;
      faults.push(`${what}: ${String(error)}`);
    }
  };
  await ask('population', inspection.population());
  await ask('list', inspection.list());
  await ask('quarantined', inspection.list({ status: 'quarantined' }));
  for (const address of ['order/77', 'fold/77', 'session/chat:1']) {
    await ask(`actor ${address}`, inspection.actor(address));
    await ask(`steps ${address}`, inspection.steps(address));
    await ask(`why ${address}`, inspection.why(address));
    await ask(`acts ${address}`, inspection.acts(address));
    await ask(`story ${address}`, inspection.story(address));
    await ask(`whatIf ${address}`, inspection.whatIf({ address, events: [] }));
    for (const seq of [1, 2, 3]) await ask(`step ${seq} ${address}`, inspection.step(address, seq));
  }
  return faults;
}

test.each(LETTERS)('rows %s of any text keep nobody from looking at the rest', async (letter) => {
  for (const text of ['no JSON', 'null']) {
    const disk = await lived();
    const store = await openMemoryStore({ disk });
    const rows = (await rowsOf(store, letter)).map(([key]) => ({ key, value: text }));
    await store.commit({ number: store.lastCommit + 1, rows, expect: [] });
    await store.close();
    const home = await createTestRuntime({ disk, define });
    onTestFinished(() => home.close());
    expect(await faultsOf(home.runtime.inspection), `${letter} is ${text}`).toEqual([]);
    const { kinds } = await home.runtime.inspection.population();
    expect(kinds.map(({ kind }) => kind)).toContain('order');
  }
});
