/** Tasks on paper. Callers: the tests of the task chart. */
import type { AnyEventObject } from 'xstate';
import { taskMachine, taskStatus, type TaskInput } from '../../src/machines/index.js';
import { answer, drive } from './drive.js';

export const TASK: TaskInput = {
  ...{ taskId: 'task_1', runner: 'agent', label: 'a cat', historyRole: 'assistant', depth: 0 },
  ...{ maxIterations: 10, timeoutMs: 60_000, retentionMs: 1_000 },
};

export const child = (taskId: string): TaskInput => ({ ...TASK, taskId, parentId: TASK.taskId, depth: 1 });

export function newTask(more: Partial<TaskInput> = {}) {
  const driver = drive(taskMachine, { ...TASK, ...more });
  return {
    ...driver,
    /** Of that run: its name is put in. */
    of: (run: string, event: AnyEventObject) => driver.send({ ...event, run }),
    start: (run: string) => driver.send({ type: 'task.started', run }),
    finish: (text = 'done') =>
      driver.send(answer('run', { type: 'completed', output: { text, truncated: false } })),
    status: () => taskStatus(driver.now().snapshot),
    context: () => driver.now().snapshot.context,
    /** Those that the last step asked for, of one type. */
    asks: (type: string) =>
      driver
        .now()
        .asked.filter((one) => one.type === type)
        .map(({ params }) => params),
  };
}

export type Task = ReturnType<typeof newTask>;

export function runningTask(more: Partial<TaskInput> = {}): Task {
  const task = newTask(more);
  task.start('run_1');
  return task;
}

export const toolStarted = (callId: string, idempotent = false): AnyEventObject => ({
  ...{ type: 'tool.started', callId, name: `the ${callId}`, idempotent },
});
