/**
 * A task as its user sees it: the chart's context and its rows in one flat record.
 *
 * Pure. Callers: tasks.ts.
 */
import type { AnyMachineSnapshot } from 'xstate';
import type { JsonObject } from '../../json.js';
import { taskStatus, type TaskContext, type TaskRequest } from '../../machines/index.js';
import { dropUndefined } from '../job-input.js';
import type { TaskView } from './face.js';

export interface TaskRowsRead {
  readonly request?: TaskRequest | undefined;
  /** The whole of what it has to say. */
  readonly output?: string | undefined;
}

export function taskView(snapshot: AnyMachineSnapshot, { request, output: whole }: TaskRowsRead): TaskView {
  const context = snapshot.context as TaskContext;
  const { input, checkpoint, output } = context;
  const { index = 0, at = 0, chars = 0 } = checkpoint ?? {};
  return {
    id: input.taskId,
    status: taskStatus(snapshot),
    label: input.label,
    runner: input.runner,
    children: context.children,
    createdAt: context.createdAt,
    updatedAt: context.updatedAt,
    iterations: context.iterations,
    maxIterations: input.maxIterations,
    usage: context.usage,
    toolCalls: context.callsEnded,
    openCalls: context.calls.map(({ run: _run, ...call }) => call),
    deliveryStatus: context.deliveries.at(-1)?.status ?? 'none',
    ...dropUndefined({
      prompt: request?.prompt,
      systemPrompt: request?.systemPrompt,
      // Checked at the door, or plain JSON of a step.
      meta: request?.meta as JsonObject | undefined,
      provider: context.provider,
      model: context.model,
      sessionKey: input.sessionKey,
      parentId: input.parentId,
      startedAt: context.startedAt,
      endedAt: context.endedAt,
      tokenBudget: input.tokenBudget,
      checkpoint: checkpoint === undefined ? undefined : { index, at, chars },
      result: output === undefined ? undefined : whole,
      resultTruncated: output?.truncated,
      exhausted: context.exhausted,
      error: context.error,
      cancelReason: context.cancelReason,
    }),
  };
}
