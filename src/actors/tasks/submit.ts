/**
 * From what a user asks for to what the task chart begins with.
 *
 * Callers: tasks.ts, run-context.ts. Invariant: what a chart is given was checked here, once.
 */
import { z } from 'zod';
import type { Json } from '../../json.js';
import { limits } from '../../limits.js';
import { taskDefaults, type TaskInput, type TaskRequest } from '../../machines/index.js';
import { checked, invalid, text } from '../checked.js';
import type { Deliveries } from '../deliveries.js';
import { dropUndefined } from '../job-input.js';
import { askingTurn, deliveryTarget, sessionKey } from '../job-request.js';
import { labelOf } from './cut.js';
import type { NewTask, TasksOptions } from './face.js';

const submitSchema = z.strictObject({
  prompt: text(limits.payloadBytesMax).refine((value) => value.trim() !== '', 'is blank'),
  systemPrompt: text(limits.payloadBytesMax).optional(),
  runner: text(100).optional(),
  sessionKey: sessionKey.optional(),
  wakeSession: z.boolean().default(true),
  turn: askingTurn.optional(),
  delivery: deliveryTarget.optional(),
  idempotencyKey: text(300).optional(),
  maxIterations: z.number().int().min(1).max(limits.taskIterationsMax).optional(),
  tokenBudget: z.number().int().min(1).optional(),
  timeoutMs: z.number().int().min(1).max(limits.taskTimeoutMaxMs).optional(),
  retentionMs: z.number().int().min(0).max(limits.taskTimeoutMaxMs).optional(),
  historyRole: text(50).default('assistant'),
  meta: z.record(z.string(), z.json()).optional(),
});

export type CheckedTask = z.output<typeof submitSchema>;

/** What a sub-task has from the task that asked for it. */
export interface ParentTask {
  readonly taskId: string;
  readonly depth: number;
  readonly timeoutMs: number;
}

export interface TaskInputOptions {
  readonly defaults: TasksOptions;
  readonly deliveries: Pick<Deliveries, 'policyOf'>;
  readonly sessionAttemptsMax?: number | undefined;
}

/** Throws INVALID_INPUT naming the field. */
export function checkedTask(task: NewTask): CheckedTask {
  const asked = checked(submitSchema, task);
  const bytes = Buffer.byteLength(JSON.stringify(requestOf(asked)));
  if (bytes <= limits.payloadBytesMax) return asked;
  const most = `${limits.payloadBytesMax} are the most, systemPrompt and meta included`;
  throw invalid('prompt', `has ${bytes} bytes as JSON, and ${most}`);
}

/** What is kept in a row. */
export function requestOf({
  prompt,
  systemPrompt,
  meta,
}: CheckedTask): TaskRequest & { [key: string]: Json } {
  return dropUndefined({ prompt, systemPrompt, meta });
}

/** The chart's input without the request. */
export function taskInputOf(
  { defaults, deliveries, sessionAttemptsMax }: TaskInputOptions,
  asked: CheckedTask,
  { id, runner, parent }: { readonly id: string; readonly runner: string; readonly parent?: ParentTask },
): TaskInput {
  const { delivery } = asked;
  const retentionMs = asked.retentionMs ?? defaults.retentionMs ?? taskDefaults.retentionMs;
  return {
    taskId: id,
    runner,
    label: labelOf(asked.prompt, limits.taskLabelGraphemes),
    historyRole: asked.historyRole,
    depth: parent === undefined ? 0 : parent.depth + 1,
    maxIterations: asked.maxIterations ?? defaults.maxIterations ?? taskDefaults.maxIterations,
    timeoutMs: asked.timeoutMs ?? defaults.timeoutMs ?? taskDefaults.timeoutMs,
    // Its parent may ask for it again for as long as it runs.
    retentionMs: Math.max(retentionMs, parent?.timeoutMs ?? 0),
    ...(asked.wakeSession ? {} : { wakeSession: false as const }),
    ...dropUndefined({
      sessionKey: asked.sessionKey,
      turn: asked.turn,
      sessionAttemptsMax,
      delivery: delivery && dropUndefined(delivery),
      deliveryPolicy: delivery && deliveries.policyOf(delivery.channel),
      parentId: parent?.taskId,
      tokenBudget: asked.tokenBudget,
    }),
  };
}
