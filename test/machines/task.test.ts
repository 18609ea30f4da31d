/** The task chart, walked by hand. */
import { describe, expect, it } from 'vitest';
import { CANCELLED_WITH_PARENT } from '../../src/machines/index.js';
import { START_AT, answer, thrown } from './drive.js';
import { TASK, child, newTask, runningTask, toolStarted, type Task } from './task-fixture.js';

const cancelled = { type: 'task.cancel', reason: 'not wanted' } as const;
const retry = (fromStart = false) => ({ type: 'task.retry', fromStart }) as const;
const checkpoint = (parts: number) => ({ type: 'task.checkpoint', parts, chars: parts * 10 });

function failedTask(): Task {
  const task = runningTask();
  task.send(answer('run', { type: 'failed', error: { code: 'c', message: 'no model' } }));
  return task;
}

describe('a task', () => {
  it('waits for its turn, is run, and ends with what was said', () => {
    const task = newTask();
    expect([task.status(), task.timers()]).toEqual(['pending', {}]);
    expect(task.now().snapshot.children['run']?.getSnapshot()).toMatchObject({
      input: { taskId: 'task_1', runner: 'agent', depth: 0 },
    });
    task.send({ type: 'task.started', run: 'run_1', provider: 'openai', model: 'm' }, { afterMs: 5 });
    expect(task.status()).toBe('running');
    task.of('run_1', { type: 'task.iteration', iteration: 2 });
    task.of('run_1', { type: 'task.usage', usage: { inputTokens: 1, outputTokens: 2, totalTokens: 3 } });
    task.of('run_1', { type: 'task.usage', usage: { inputTokens: 1, outputTokens: 1, totalTokens: 2 } });
    task.finish('a cat');
    expect(task.context()).toMatchObject({
      ...{ provider: 'openai', model: 'm', iterations: 2, startedAt: START_AT + 5, outcomes: 1 },
      ...{ usage: { inputTokens: 2, outputTokens: 3, totalTokens: 5 }, output: { text: 'a cat' } },
    });
    expect(task.status()).toBe('completed');
  });

  it('keeps the request of a step that asked for it as a row, and not in its context', () => {
    const request = { prompt: 'a cat' };
    const task = newTask({ request });
    expect(task.written()).toEqual([{ type: 'payload.put', params: { name: 'request', value: request } }]);
    expect(task.context().input).not.toHaveProperty('request');
  });

  it('is exhausted, never completed, where a budget is used up', () => {
    const task = runningTask({ sessionKey: 'chat:1' });
    task.send(answer('run', { type: 'exhausted', of: 'tokens', output: { text: 'half', truncated: false } }));
    expect([task.status(), task.context().exhausted]).toEqual(['exhausted', 'tokens']);
    expect(task.asks('history.append')).toMatchObject([
      { entry: { content: '[task stopped: its budget is used up] half' } },
    ]);
  });

  it('fails with what its effect threw', () => {
    const task = runningTask();
    task.send(thrown('run', 'too long', 'EFFECT_TIMEOUT'));
    expect([task.status(), task.context().error]).toEqual([
      'failed',
      { code: 'EFFECT_TIMEOUT', message: 'too long' },
    ]);
  });

  it('fails when its time is over, counted from its first start', () => {
    const task = runningTask();
    task.send({ type: 'task.started', run: 'run_2' }, { afterMs: 50_000 });
    expect(task.timers()).toEqual({ deadline: 10_000 });
    task.fire('deadline');
    expect([task.status(), task.context().error?.code]).toEqual(['failed', 'timed-out']);
  });

  it('waits where there is no runner, goes on when there is one, and fails when none comes', () => {
    const task = runningTask();
    task.send(answer('run', { type: 'blocked' }), { afterMs: 30_000 });
    expect([task.status(), task.timers()]).toEqual(['blocked', { patience: 60_000 }]);
    task.send({ type: 'runner.available' }, { afterMs: 50_000 });
    expect(task.status()).toBe('pending');
    task.start('run_2');
    // The wait was not its own.
    expect(task.timers()).toEqual({ deadline: 60_000 });
    task.send(answer('run', { type: 'blocked' }));
    task.fire('patience');
    expect([task.status(), task.context().error?.code]).toEqual(['failed', 'runner-missing']);
  });
});

describe('a run that is not the present one', () => {
  it('changes nothing, whatever it says', () => {
    const task = runningTask();
    task.start('run_2');
    const before = task.context();
    for (const said of [
      { type: 'task.iteration', iteration: 5 },
      { type: 'task.usage', usage: { inputTokens: 1, outputTokens: 2, totalTokens: 3 } },
      checkpoint(1),
      toolStarted('pay'),
      { type: 'tool.ended', callId: 'pay' },
      { type: 'task.output' },
      { type: 'task.spawn', child: child('task_2') },
      { type: 'run.released' },
    ]) {
      task.of('run_1', said);
      expect([task.context(), task.now().asked]).toEqual([before, []]);
    }
  });

  it('does not end a cancelled task', () => {
    const task = runningTask();
    task.send(cancelled);
    task.of('run_0', { type: 'run.released' });
    expect(task.status()).toBe('cancelling');
  });
});

describe('a cancel', () => {
  const blocked = (): Task => {
    const task = runningTask();
    task.send(answer('run', { type: 'blocked' }));
    return task;
  };
  const interrupted = (): Task => {
    const task = runningTask();
    task.of('run_1', toolStarted('pay'));
    task.start('run_2');
    return task;
  };

  it.each([
    ['pending', newTask],
    ['blocked', blocked],
    ['interruptedTool', interrupted],
  ] as const)('ends a task that is %s at once', (status, make) => {
    const task = make();
    expect(task.status()).toBe(status);
    task.send(cancelled);
    expect([task.status(), task.context().cancelReason]).toEqual(['cancelled', 'not wanted']);
  });

  it('waits for the runner of one that runs, and then for no more than 30 s', () => {
    const task = runningTask();
    task.send(cancelled);
    expect([task.status(), task.timers()]).toEqual(['cancelling', { letGo: 30_000 }]);
    task.of('run_1', { type: 'run.released' });
    expect(task.status()).toBe('cancelled');
    const deaf = runningTask();
    deaf.send(cancelled);
    deaf.fire('letGo');
    expect(deaf.status()).toBe('cancelled');
  });

  it('is never written over', () => {
    const task = runningTask();
    task.send(cancelled);
    task.finish();
    expect(task.status()).toBe('cancelling');
    task.of('run_1', { type: 'run.released' });
    task.finish();
    task.send({ type: 'task.started', run: 'run_3' });
    expect([task.status(), task.context().output]).toEqual(['cancelled', undefined]);
  });

  it('changes nothing of a task that has ended', () => {
    const task = runningTask();
    task.finish();
    const before = task.context();
    task.send(cancelled);
    expect([task.status(), task.context(), task.now().asked]).toEqual(['completed', before, []]);
  });

  it('reaches the sub-tasks that have not ended, each once', () => {
    const task = runningTask();
    task.of('run_1', { type: 'task.spawn', child: child('task_2') });
    expect(task.asks('actor.create')).toMatchObject([{ kind: 'task', id: 'task_2' }]);
    task.of('run_1', { type: 'task.spawn', child: child('task_3') });
    task.send({ type: 'child.settled', taskId: 'task_2' });
    task.send(cancelled);
    const told = { to: 'task/task_3', event: { type: 'task.cancel', reason: CANCELLED_WITH_PARENT } };
    expect(task.asks('actor.send')).toEqual([told]);
    task.of('run_1', { type: 'run.released' });
    expect(task.asks('actor.send')).toEqual([]);
  });
});

describe('a tool call', () => {
  it('that must not run twice stops the task when another run meets it, until somebody decides', () => {
    const task = runningTask();
    task.of('run_1', toolStarted('pay'));
    task.of('run_1', toolStarted('post'));
    task.of('run_1', toolStarted('look', true));
    task.start('run_2');
    expect([task.status(), task.context().run]).toEqual(['interruptedTool', 'run_1']);
    task.send({ type: 'tool.resolve', callId: 'unknown', as: 'rerun' });
    task.send({ type: 'tool.resolve', callId: 'pay', as: 'result' });
    expect([task.status(), task.context().callsEnded]).toEqual(['interruptedTool', 1]);
    task.send({ type: 'tool.resolve', callId: 'post', as: 'rerun' }, { afterMs: 50_000 });
    expect([task.status(), task.context().callsEnded]).toEqual(['pending', 1]);
    task.start('run_3');
    expect([task.context().calls, task.timers()]).toEqual([[], { deadline: 60_000 }]);
  });

  it('that may run twice stops nothing', () => {
    const task = runningTask();
    task.of('run_1', toolStarted('look', true));
    task.start('run_2');
    expect([task.status(), task.context().calls]).toEqual(['running', []]);
  });

  it('that has ended stops nothing', () => {
    const task = runningTask();
    task.of('run_1', toolStarted('pay'));
    task.of('run_1', { type: 'tool.ended', callId: 'pay' });
    task.start('run_2');
    expect([task.status(), task.context().callsEnded]).toEqual(['running', 1]);
  });

  it('that nobody decides about fails the task, and is met again by a retry', () => {
    const task = runningTask();
    task.of('run_1', toolStarted('pay'));
    task.start('run_2');
    task.fire('patience');
    expect(task.context().error).toEqual({
      code: 'undecided',
      message: 'nobody has said what became of the pay',
    });
    task.send(retry());
    task.start('run_3');
    expect(task.status()).toBe('interruptedTool');
  });
});

describe('a task whose runner dies', () => {
  const startsUntilGivenUp = (between: (task: Task, run: string) => void): number => {
    const task = newTask();
    for (let starts = 1; starts <= 100; starts += 1) {
      const run = `run_${starts}`;
      task.start(run);
      if (task.status() === 'failed') return starts;
      between(task, run);
    }
    return Infinity;
  };

  it('ten times without getting anywhere is given up', () => {
    expect(startsUntilGivenUp(() => undefined)).toBe(11);
    const task = newTask();
    for (let starts = 1; starts <= 11; starts += 1) task.start(`run_${starts}`);
    expect(task.context().error).toMatchObject({
      code: 'died-too-often',
      message: expect.stringContaining('10 times'),
    });
  });

  it.each([
    ['reaches a checkpoint', checkpoint(1)],
    ['ends a tool', { type: 'tool.ended', callId: 'look' }],
    ['stops in good order', { type: 'run.released' }],
  ] as const)('and %s is not given up', (_name, event) => {
    expect(startsUntilGivenUp((task, run) => task.of(run, event))).toBe(Infinity);
  });

  it('is given up for what it does not achieve after what it did', () => {
    const task = newTask();
    task.start('run_0');
    task.of('run_0', checkpoint(1));
    for (let starts = 1; starts <= 11; starts += 1) task.start(`run_${starts}`);
    expect(task.status()).toBe('failed');
  });
});

describe('a checkpoint', () => {
  it('has a number, and leaves no part of a longer one', () => {
    const task = runningTask();
    task.of('run_1', checkpoint(3));
    expect(task.asks('payload.delete')).toEqual([]);
    task.of('run_1', checkpoint(1));
    expect(task.asks('payload.delete')).toEqual([{ name: 'checkpoint.1' }, { name: 'checkpoint.2' }]);
    expect(task.context().checkpoint).toEqual({ index: 2, at: START_AT, parts: 1, chars: 10 });
  });
});

describe('a retry', () => {
  it('goes on from the last checkpoint with new budgets', () => {
    const task = failedTask();
    task.start('run_0');
    expect(task.status()).toBe('failed');
    task.send(retry());
    expect(task.status()).toBe('pending');
    task.start('run_2');
    task.of('run_2', checkpoint(2));
    task.of('run_2', { type: 'task.iteration', iteration: 10 });
    task.send(answer('run', { type: 'exhausted', of: 'iterations' }));
    task.send(retry(), { afterMs: 500 });
    expect(task.context()).toMatchObject({
      ...{ life: 0, iterations: 0, checkpoint: { index: 1 }, usage: { totalTokens: 0 } },
      ...{ error: undefined, exhausted: undefined, endedAt: undefined, startedAt: undefined },
    });
    expect(task.asks('payload.delete')).toEqual([]);
  });

  it('from the start forgets checkpoint, calls and tool results', () => {
    const task = runningTask();
    task.of('run_1', checkpoint(2));
    task.of('run_1', toolStarted('pay'));
    task.send(thrown('run'));
    task.send(retry(true));
    expect(task.context()).toMatchObject({ life: 1, checkpoint: undefined, calls: [], callsEnded: 0 });
    expect(task.asks('payload.delete')).toEqual([{ name: 'checkpoint.0' }, { name: 'checkpoint.1' }]);
  });

  it('is not for what is complete', () => {
    const task = runningTask();
    task.finish();
    expect(task.now().snapshot.can(retry())).toBe(false);
    task.send(retry());
    expect(task.status()).toBe('completed');
  });
});

describe('an end', () => {
  const wanted = { sessionKey: 'chat:1', delivery: { channel: 'chat', target: '1' }, parentId: 'task_0' };

  it('is written, sent, and told to its parent', () => {
    const task = runningTask(wanted);
    task.finish('a cat');
    expect(task.asks('history.append')).toEqual([
      {
        session: 'chat:1',
        entry: { role: 'assistant', content: '[task complete] a cat', taskId: 'task_1' },
      },
    ]);
    expect(task.asks('actor.create')).toMatchObject([
      { kind: 'session', id: 'chat:1' },
      { kind: 'delivery', id: 'delivery_task_1-1', input: { text: 'a cat', cause: 'task/task_1' } },
    ]);
    expect(task.asks('actor.send')).toMatchObject([
      { to: 'session/chat:1', event: { type: 'session.enqueue' } },
      { to: 'task/task_0', event: { type: 'child.settled', taskId: 'task_1' } },
    ]);
  });

  it('has a message, a wake and a number of its own each time', () => {
    const task = runningTask(wanted);
    task.send(thrown('run'));
    task.send(retry());
    task.start('run_2');
    task.finish();
    const made = task.written().filter(({ type }) => type === 'actor.create');
    const ids = made.map(({ params }) => (params as { id: string }).id);
    expect(ids).toEqual(['chat:1', 'delivery_task_1-1', 'chat:1', 'delivery_task_1-2']);
  });

  it('of a cancelled task sends no message, and wakes nobody who does not want it', () => {
    const task = newTask({ ...wanted, wakeSession: false });
    task.send(cancelled);
    expect([task.asks('actor.create'), task.asks('history.append')]).toMatchObject([
      [],
      [{ entry: { content: '[task cancelled] not wanted' } }],
    ]);
  });

  it('stays until its time is over and its message has arrived', () => {
    const told = (status: string) => ({
      ...{ type: 'delivery.settled', deliveryId: 'delivery_task_1-1', status, at: START_AT, attempts: 1 },
    });
    const task = runningTask(wanted);
    task.finish();
    task.fire('keep');
    expect(task.status()).toBe('completed');
    task.send(told('exhausted'));
    expect(task.now().snapshot.status).toBe('active');
    task.send(told('delivered'));
    expect([task.now().snapshot.status, task.status()]).toEqual(['done', 'completed']);
    const early = runningTask(wanted);
    early.finish();
    early.send(told('delivered'));
    expect(early.now().snapshot.status).toBe('active');
    early.fire('keep');
    expect([early.now().snapshot.status, TASK.retentionMs]).toEqual(['done', 1_000]);
  });
});
