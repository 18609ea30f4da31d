/**
 * MiniMax's tasks as its two generations write them, and the news they send, which are the same to both.
 *
 * Callers: minimax-v1.ts, minimax-v2.ts. Invariants:
 *  1  A task is known to the generation that made it, and to no other.
 *  2  News of v1 have lower-case words where its polls have capital ones. A URL hears news once it has
 *     repeated a challenge.
 */
import type { JsonObject } from '../../json.js';
import { textField } from '../dialect.js';
import type { Call, Callback, World } from '../dialect.js';
import { artifactLinks } from '../object-store.js';
import type { Sight, Task, TaskRequest } from '../tasks.js';

export const PROVIDER = 'minimax';
export const BASE = '/minimax';
export type Generation = 'v1' | 'v2';

const MS = 1_000;

const WORDS_V1: Readonly<Record<Sight['status'], string>> = {
  queued: 'Queueing',
  running: 'Processing',
  succeeded: 'Success',
  failed: 'Fail',
  cancelled: 'Fail',
};
const NEWS_V1: Readonly<Record<Sight['status'], string>> = {
  queued: 'processing',
  running: 'processing',
  succeeded: 'success',
  failed: 'failed',
  cancelled: 'failed',
};

export const minimaxCallback: Callback = {
  signing: 'none',
  at: ['running', 'succeeded', 'failed'],
  challenge: true,
  body: (task, sight, world) =>
    task.echo.generation === 'v2'
      ? taskOfV2(task, sight, {}, world)
      : taskOfV1(task, sight, { statusWord: NEWS_V1[sight.status] }, world),
};

/** The task of this generation with this id. */
export function taskOf(generation: Generation, id: string, world: World): Task | undefined {
  const task = world.tasks.byId(PROVIDER, id);
  return task?.echo.generation === generation ? task : undefined;
}

/** What both generations make of a submit they take. */
export function taskRequest(
  generation: Generation,
  call: Call,
  asked: { readonly model: string; readonly prompt: string },
): TaskRequest {
  const callbackUrl = textField(call.fields, 'callback_url');
  const words = ['resolution', 'ratio'].flatMap((name) => {
    const word = textField(call.fields, name);
    return word === undefined ? [] : [[name, word] as const];
  });
  const { duration } = call.fields;
  return {
    provider: PROVIDER,
    kind: 'video',
    ...asked,
    count: 1,
    echo: {
      generation,
      ...Object.fromEntries(words),
      ...(typeof duration === 'number' ? { duration: String(duration) } : {}),
    },
    ...(callbackUrl === undefined ? {} : { callbackUrl }),
  };
}

export function taskOfV1(
  task: Task,
  sight: Sight,
  { statusWord }: Pick<Call, 'statusWord'>,
  world: World,
): JsonObject {
  const { status, since } = sight;
  const isDone = status === 'succeeded';
  // It is looked at before it stands in line.
  const word = status === 'queued' && since === world.nowMs() ? 'Preparing' : WORDS_V1[status];
  const code = Number(task.failure.code);
  return {
    task_id: task.id,
    status: statusWord ?? word,
    file_id: isDone ? fileIdOf(task) : '',
    video_width: isDone ? 1_366 : 0,
    video_height: isDone ? 768 : 0,
    base_resp:
      status === 'failed'
        ? { status_code: Number.isInteger(code) ? code : 0, status_msg: task.failure.message }
        : { status_code: 0, status_msg: 'success' },
  };
}

export function taskOfV2(
  task: Task,
  sight: Sight,
  { statusWord }: Pick<Call, 'statusWord'>,
  world: World,
): JsonObject {
  const { echo, failure } = task;
  const { status } = sight;
  const [url] = artifactLinks(`${BASE}/v2`, task, status, world);
  return {
    task: {
      id: task.id,
      model: task.model,
      status: statusWord ?? status,
      ...(url === undefined ? {} : { content: { url }, usage: { total_tokens: 100 } }),
      ...(status === 'failed' ? { error: { code: failure.code, message: failure.message } } : {}),
      resolution: echo.resolution ?? '768P',
      duration: Number(echo.duration ?? 6),
      ratio: echo.ratio ?? '16:9',
      created_at: Math.floor(task.createdAt / MS),
      updated_at: Math.floor(sight.since / MS),
    },
  };
}

/** A file is not named as its task is. */
export function fileIdOf({ id }: Task): string {
  return `file-${id}`;
}

/** The task whose file this is. */
export function taskIdOfFile(file: string): string {
  return file.replace(/^file-/, '');
}
