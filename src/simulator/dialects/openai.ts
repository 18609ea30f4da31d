/**
 * The OpenAI-videos protocol: `POST /videos`, `GET /videos`, `GET|DELETE /videos/{id}`, `GET
 * /videos/{id}/content`.
 *
 * No idempotency key and no client tag, like the real one; a lost submit is found in the listing by its
 * prompt. Thumbnail and spritesheet are the same PNG here. Callers: server.ts. Invariant: `seconds` is a
 * string, and a number is refused, as the protocol has it.
 */
import { isPlainObject } from '../../json.js';
import type { JsonObject } from '../../json.js';
import { jsonReply, subjectOf, textField } from '../dialect.js';
import type { Call, Dialect, Outcome, Subject, World } from '../dialect.js';
import { artifactOf } from '../object-store.js';
import type { Sight, Task } from '../tasks.js';
import { openaiManners, projectEvents, refused, unixSeconds } from './openai-words.js';

const PROVIDER = 'openai';
const LIST_DEFAULT = 20;
const LIST_MAX = 100;

const statusWords: Readonly<Record<Sight['status'], string>> = {
  queued: 'queued',
  running: 'in_progress',
  succeeded: 'completed',
  failed: 'failed',
  cancelled: 'cancelled',
};

export const openaiDialect: Dialect = {
  provider: PROVIDER,
  mount: '/openai/v1',
  routes: [
    {
      action: 'submit',
      method: 'POST',
      path: /^\/videos$/,
      guard: 'key',
      subjects: submitSubjects,
      run: submit,
    },
    { action: 'list', method: 'GET', path: /^\/videos$/, guard: 'key', subjects: () => [], run: list },
    {
      action: 'download',
      method: 'GET',
      path: /^\/videos\/([^/]+)\/content$/,
      guard: 'key',
      subjects: taskSubjects,
      run: download,
    },
    {
      action: 'poll',
      method: 'GET',
      path: /^\/videos\/([^/]+)$/,
      guard: 'key',
      subjects: taskSubjects,
      run: poll,
    },
    {
      action: 'cancel',
      method: 'DELETE',
      path: /^\/videos\/([^/]+)$/,
      guard: 'key',
      subjects: taskSubjects,
      run: remove,
    },
  ],
  callback: projectEvents({ succeeded: 'video.completed', failed: 'video.failed' }, (id) => id),
  ...openaiManners,
};

function submitSubjects(call: Call): readonly Subject[] {
  const prompt = textField(call.fields, 'prompt');
  return [{ kind: 'video', ...(prompt === undefined ? {} : { prompt }) }];
}

function taskSubjects(call: Call, world: World): readonly Subject[] {
  const id = call.params[0] ?? '';
  const task = world.tasks.byId(PROVIDER, id);
  return [task === undefined ? { taskId: id } : subjectOf(task)];
}

function submit(call: Call, world: World): Outcome {
  const prompt = textField(call.fields, 'prompt');
  if (prompt === undefined) {
    return refused(400, "Missing required parameter: 'prompt'.", {
      param: 'prompt',
      code: 'missing_required_parameter',
    });
  }
  for (const name of ['seconds', 'size', 'model']) {
    const value = call.fields[name];
    if (value === undefined || typeof value === 'string') continue;
    return refused(400, `Invalid type for '${name}': expected a string.`, {
      param: name,
      code: 'invalid_type',
    });
  }
  const reference = call.fields['input_reference'];
  if (reference !== undefined && reference !== '[file]' && !isPlainObject(reference)) {
    return refused(400, "Invalid type for 'input_reference': expected a file or an object.", {
      param: 'input_reference',
      code: 'invalid_type',
    });
  }
  const created = world.tasks.create({
    provider: PROVIDER,
    kind: 'video',
    prompt,
    model: textField(call.fields, 'model') ?? 'sora-2',
    count: 1,
    echo: {
      seconds: textField(call.fields, 'seconds') ?? '4',
      size: textField(call.fields, 'size') ?? '720x1280',
    },
    ...(call.terminal === undefined ? {} : { terminal: call.terminal }),
  });
  return { reply: jsonReply(200, videoOf(created, world.tasks.glance(created), call)), created };
}

function poll(call: Call, world: World): Outcome {
  const task = world.tasks.byId(PROVIDER, call.params[0] ?? '');
  const sight = task === undefined ? undefined : world.tasks.poll(task);
  if (task === undefined || sight === undefined) return missing(call);
  return { reply: jsonReply(200, videoOf(task, sight, call)) };
}

function list(call: Call, world: World): Outcome {
  const limitText = call.query.get('limit');
  const limit = limitText === null ? LIST_DEFAULT : Number(limitText);
  if (!Number.isInteger(limit) || limit < 1 || limit > LIST_MAX) {
    return refused(400, `'limit' is 1 to ${LIST_MAX}.`, { param: 'limit', code: 'invalid_value' });
  }
  const newest = world.tasks.newest(PROVIDER);
  const tasks = call.query.get('order') === 'asc' ? newest.toReversed() : newest;
  const after = call.query.get('after');
  const start = after === null ? 0 : tasks.findIndex((task) => task.id === after) + 1;
  if (after !== null && start === 0) {
    return refused(400, `No video with the id '${after}'.`, { param: 'after', code: 'invalid_value' });
  }
  const page = tasks.slice(start, start + limit);
  return {
    reply: jsonReply(200, {
      object: 'list',
      data: page.map((task) => videoOf(task, world.tasks.glance(task), call)),
      first_id: page.at(0)?.id ?? null,
      last_id: page.at(-1)?.id ?? null,
      has_more: start + limit < tasks.length,
    }),
  };
}

function download(call: Call, world: World): Outcome {
  const task = world.tasks.byId(PROVIDER, call.params[0] ?? '');
  if (task === undefined) return missing(call);
  const sight = world.tasks.glance(task);
  if (sight?.status !== 'succeeded')
    return refused(404, 'Video is not ready yet.', { code: 'video_not_ready' });
  if (world.nowMs() >= sight.since + task.urlTtlMs) {
    return refused(403, 'The content of this video has expired.', { code: 'expired' });
  }
  const variant = call.query.get('variant') ?? 'video';
  if (!['video', 'thumbnail', 'spritesheet'].includes(variant)) {
    return refused(400, `'${variant}' is not a variant.`, { param: 'variant', code: 'invalid_value' });
  }
  return { reply: artifactOf(task, 0, world, variant === 'video' ? 'video' : 'image') };
}

function remove(call: Call, world: World): Outcome {
  const task = world.tasks.byId(PROVIDER, call.params[0] ?? '');
  if (task === undefined) return missing(call);
  const status = world.tasks.glance(task)?.status;
  if (status === 'queued' || status === 'running') {
    return refused(400, 'A video can be deleted once it is completed or failed.', {
      code: 'video_not_finished',
    });
  }
  world.tasks.remove(task);
  return { reply: jsonReply(200, { id: task.id, object: 'video.deleted', deleted: true }) };
}

function videoOf(task: Task, sight: Sight | undefined, call: Call): JsonObject {
  const status = sight?.status ?? 'queued';
  const isOver = status === 'succeeded' || status === 'failed';
  const since = sight?.since ?? task.createdAt;
  return {
    id: task.id,
    object: 'video',
    created_at: unixSeconds(task.createdAt),
    completed_at: isOver ? unixSeconds(since) : null,
    expires_at: status === 'succeeded' ? unixSeconds(since + task.urlTtlMs) : null,
    status: call.statusWord ?? statusWords[status],
    progress: Math.round((sight?.progress ?? 0) * 100),
    model: task.model,
    prompt: task.prompt,
    seconds: task.echo.seconds ?? '',
    size: task.echo.size ?? '',
    remixed_from_video_id: null,
    error: status === 'failed' ? { code: task.failure.code, message: task.failure.message } : null,
  };
}

function missing(call: Call): Outcome {
  return refused(404, `Video with id '${call.params[0] ?? ''}' not found.`, {
    param: 'id',
    code: 'not_found',
  });
}
