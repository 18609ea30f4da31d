/**
 * What both generations of Kling share: its envelope and codes, what a task is made from, how it is
 * submitted.
 *
 * Callers: `kling.ts`, `kling-legacy.ts`. Invariant: an `external_task_id` names one task of the account for
 * ever: a second submit with it is refused (1201) and bills nothing.
 */
import { sha256Hex } from '../../ids.js';
import type { Json, JsonObject } from '../../json.js';
import { jsonReply, subjectOf } from '../dialect.js';
import type { Call, Reply, Route, Subject, World } from '../dialect.js';
import { submitRoute } from '../task-routes.js';
import type { Sight, Task, TaskRequest } from '../tasks.js';

export const PROVIDER = 'kling';
export const MOUNT = '/kling';
const PROMPT_CHARACTERS_MAX = 2_500;

export const progressWords = {
  queued: 'submitted',
  running: 'processing',
  failed: 'failed',
  cancelled: 'failed',
} as const;

export type Render = (task: Task, sight: Sight | undefined, world: World, word?: string) => JsonObject;

export function klingSubmit(path: RegExp, read: (call: Call) => TaskRequest | Reply, render: Render): Route {
  return submitRoute(
    path,
    read,
    (created, sight, { statusWord }, world) => answer(render(created, sight, world, statusWord)),
    ({ key }, _call, { tasks }) =>
      key !== undefined && tasks.hasKey(PROVIDER, key)
        ? wrong(`external_task_id already exists: ${key}`)
        : undefined,
  );
}

export interface Asked extends Pick<TaskRequest, 'kind' | 'model' | 'count'> {
  readonly prompt: string | undefined;
  readonly key: unknown;
  readonly callbackUrl: unknown;
  readonly duration: string | undefined;
  /** The only family of paths that finds the task again. */
  readonly family: string;
}

export function taskRequest(asked: Asked): TaskRequest | Reply {
  const { prompt, key, callbackUrl, kind, model, count, duration, family } = asked;
  if (prompt === undefined) return wrong('prompt must not be empty');
  if (Array.from(prompt).length > PROMPT_CHARACTERS_MAX) {
    return wrong(`prompt has more than ${PROMPT_CHARACTERS_MAX} characters`);
  }
  if (key !== undefined && (typeof key !== 'string' || key === '')) {
    return wrong('external_task_id must be a string');
  }
  if (callbackUrl !== undefined && (typeof callbackUrl !== 'string' || !URL.canParse(callbackUrl))) {
    return wrong('callback_url must be a URL');
  }
  return {
    provider: PROVIDER,
    kind,
    prompt,
    model,
    count,
    echo: { duration, family },
    ...(key === undefined ? {} : { key }),
    ...(callbackUrl === undefined ? {} : { callbackUrl }),
  };
}

export function subjectById(world: World, id: string): Subject {
  const task = world.tasks.byId(PROVIDER, id);
  return task === undefined ? { taskId: id } : subjectOf(task);
}

export function subjectByKey(world: World, key: string): Subject {
  const task = world.tasks.byKey(PROVIDER, key);
  return { ...(task === undefined ? { key } : subjectOf(task)), isByKey: true };
}

export function answer(data: Json): Reply {
  return jsonReply(200, { code: 0, message: 'SUCCEED', request_id: requestId(data), data });
}

/** A field that is not what it must be. */
export function wrong(message: string): Reply {
  return refusal(400, 1201, message);
}

export function refusal(status: number, code: number, message: string): Reply {
  return jsonReply(status, { code, message, request_id: requestId(message) });
}

/** Shaped like Kling's; of no meaning. */
function requestId(content: Json): string {
  return `sim-${sha256Hex(JSON.stringify(content)).slice(0, 24)}`;
}
