/** What one run of a task says, over a kernel played by hand: kept before it is told, refused once over. */
import { expect, test } from 'vitest';
import { RunContext, type RunContextOptions } from '../../src/actors/tasks/run-context.js';
import { RunLife } from '../../src/actors/tasks/run-life.js';
import { HoldfastError, type Json } from '../../src/index.js';

/** A run of a task with 100 tokens, of which 90 are used; `keep` may hold up a step, or refuse it. */
function play(keep: (type: string) => Promise<void> = () => Promise.resolve()) {
  const rows = new Map<string, Json>();
  const said: string[] = [];
  const kernel = {
    send: async (
      _address: string,
      { type }: { readonly type: string },
      { payloads = {} }: { readonly payloads?: Readonly<Record<string, Json>> },
    ) => {
      await keep(type);
      said.push(type);
      for (const [name, value] of Object.entries(payloads)) rows.set(name, value);
    },
    reader: { payload: (_address: string, name: string) => Promise.resolve(rows.get(name)) },
  };
  const life = new RunLife('t', new AbortController().signal);
  const usage = { inputTokens: 90, outputTokens: 0, totalTokens: 90 };
  const task = { input: { taskId: 't', tokenBudget: 100, maxIterations: 9 }, usage, life: 1, calls: [] };
  const options = { kernel, address: 'task/t', run: 'run_1', life, task, subtasks: () => undefined };
  return { context: new RunContext(options as unknown as RunContextOptions), life, said };
}

test('counts the tokens that were used before it began', async () => {
  const { context } = play();
  await context.usage({ inputTokens: 9 });
  await expect(context.usage({ inputTokens: 1 })).rejects.toMatchObject({ code: 'TASK_EXHAUSTED' });
});

test('gives the result of a tool once its end is on disk', async () => {
  const order: string[] = [];
  const { context } = play(async (type) => {
    await new Promise((resolve) => setImmediate(resolve));
    order.push(type);
  });
  await context.tool('call', {}, () => order.push('run'));
  order.push('told');
  expect(order).toEqual(['tool.started', 'run', 'tool.ended', 'told']);
});

test('takes what a tool threw when it was cut off for no end of it', async () => {
  const { context, life, said } = play();
  const cutOff = context.tool('call', {}, () => {
    life.cut();
    throw new Error('half done');
  });
  await expect(cutOff).rejects.toMatchObject({ code: 'TASK_RUN_OVER' });
  expect(said).toEqual(['tool.started']);
});

test('throws again what a tool has thrown, with its name and its code', async () => {
  const { context } = play();
  const thrown = { name: 'TypeError', message: 'torn', code: 'E_TORN' };
  let runs = 0;
  const run = (): never => {
    runs += 1;
    throw Object.assign(new TypeError('torn'), { code: 'E_TORN' });
  };
  for (const _time of ['at first', 'from its record'])
    await expect(context.tool('call', {}, run)).rejects.toMatchObject(thrown);
  expect(runs).toBe(1);
});

test('is over as soon as it hears so', async () => {
  const over = new HoldfastError('TASK_RUN_OVER', 'played');
  const { context, life } = play(() => Promise.reject(over));
  await expect(context.iteration(1)).rejects.toBe(over);
  expect([life.isOver, context.signal.aborted]).toEqual([true, true]);
});
