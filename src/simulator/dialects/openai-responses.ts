/**
 * OpenAI's Responses in the background: `POST /responses`, `GET /responses/{id}`, `POST
 * /responses/{id}/cancel`.
 *
 * A request with the image generation tool ends with an image in base64; one without ends with a text. A
 * failure whose code is `content_filter` or `max_output_tokens` is played as `incomplete`. Callers:
 * server.ts. Invariants: what is answered in the foreground, or not stored, is refused: nobody could ask
 * for it again; a cancel may be repeated and changes nothing that is over.
 */
import { isPlainObject } from '../../json.js';
import type { Json, JsonObject } from '../../json.js';
import { jsonReply, subjectOf, textField } from '../dialect.js';
import type { Call, Dialect, Outcome, Subject, World } from '../dialect.js';
import { artifactOf } from '../object-store.js';
import type { Sight, Task } from '../tasks.js';
import { openaiManners, projectEvents, refused, unixSeconds } from './openai-words.js';

const PROVIDER = 'openai-responses';
const PREFIX = 'resp_';
const METADATA_MAX = 16;
const METADATA_CHARACTERS_MAX = 512;
const INCOMPLETE = ['content_filter', 'max_output_tokens'];

const statusWords: Readonly<Record<Sight['status'], string>> = {
  queued: 'queued',
  running: 'in_progress',
  succeeded: 'completed',
  failed: 'failed',
  cancelled: 'cancelled',
};

export const openaiResponsesDialect: Dialect = {
  provider: PROVIDER,
  mount: '/openai-responses/v1',
  routes: [
    {
      action: 'submit',
      method: 'POST',
      path: /^\/responses$/,
      guard: 'key',
      subjects: submitSubjects,
      run: submit,
    },
    {
      action: 'poll',
      method: 'GET',
      path: /^\/responses\/([^/]+)$/,
      guard: 'key',
      subjects: taskSubjects,
      run: poll,
    },
    {
      action: 'cancel',
      method: 'POST',
      path: /^\/responses\/([^/]+)\/cancel$/,
      guard: 'key',
      subjects: taskSubjects,
      run: cancel,
    },
  ],
  callback: projectEvents(
    { succeeded: 'response.completed', failed: 'response.failed', cancelled: 'response.cancelled' },
    (id) => `${PREFIX}${id}`,
  ),
  ...openaiManners,
};

function submitSubjects(call: Call): readonly Subject[] {
  const prompt = promptOf(call.fields['input']);
  return [{ kind: 'image', ...(prompt === undefined ? {} : { prompt }) }];
}

function taskSubjects(call: Call, world: World): readonly Subject[] {
  const task = taskOf(call, world);
  return [task === undefined ? { taskId: call.params[0] ?? '' } : subjectOf(task)];
}

function submit(call: Call, world: World): Outcome {
  const prompt = promptOf(call.fields['input']);
  if (prompt === undefined) return missing('input');
  const model = textField(call.fields, 'model');
  if (model === undefined) return missing('model');
  const { background, store, tools = [], metadata = {} } = call.fields;
  if (background !== true || store === false) {
    return refused(400, 'The simulator answers stored background responses alone', { param: 'background' });
  }
  if (!Array.isArray(tools) || !tools.every((tool) => isPlainObject(tool) && 'type' in tool)) {
    return refused(400, "Invalid type for 'tools'.", { param: 'tools', code: 'invalid_type' });
  }
  if (!isMetadata(metadata)) {
    return refused(400, "Invalid 'metadata'.", { param: 'metadata', code: 'invalid_value' });
  }
  const draws = tools.some((tool) => isPlainObject(tool) && tool['type'] === 'image_generation');
  const created = world.tasks.create({
    provider: PROVIDER,
    kind: 'image',
    prompt,
    model,
    count: 1,
    echo: { draws: draws ? 'yes' : 'no', metadata: JSON.stringify(metadata) },
    ...(call.terminal === undefined ? {} : { terminal: call.terminal }),
  });
  return { reply: jsonReply(200, responseOf(created, world.tasks.glance(created), call, world)), created };
}

function isMetadata(value: unknown): boolean {
  if (!isPlainObject(value)) return false;
  const values = Object.values(value);
  const isShort = (text: unknown): boolean =>
    typeof text === 'string' && text.length <= METADATA_CHARACTERS_MAX;
  return values.length <= METADATA_MAX && values.every(isShort);
}

/** A text, or messages whose parts of type `input_text` are one. */
function promptOf(input: unknown): string | undefined {
  if (typeof input === 'string') return input === '' ? undefined : input;
  if (!Array.isArray(input)) return undefined;
  const items: readonly unknown[] = input;
  const contents = items.map((item) => (isPlainObject(item) ? item['content'] : undefined));
  const parts = contents.flatMap((content): readonly unknown[] =>
    Array.isArray(content) ? content : [content],
  );
  const texts = parts.map((part) => (isPlainObject(part) ? part['text'] : part));
  const prompt = texts.filter((text) => typeof text === 'string').join('\n');
  return prompt === '' ? undefined : prompt;
}

function poll(call: Call, world: World): Outcome {
  const task = taskOf(call, world);
  const sight = task === undefined ? undefined : world.tasks.poll(task);
  if (task === undefined || sight === undefined) return notFound(call);
  return { reply: jsonReply(200, responseOf(task, sight, call, world)) };
}

function cancel(call: Call, world: World): Outcome {
  const task = taskOf(call, world);
  if (task === undefined) return notFound(call);
  world.tasks.cancel(task);
  return { reply: jsonReply(200, responseOf(task, world.tasks.glance(task), call, world)) };
}

function responseOf(task: Task, sight: Sight | undefined, call: Call, world: World): JsonObject {
  const status = sight?.status ?? 'queued';
  const reason =
    status === 'failed' && INCOMPLETE.includes(task.failure.code) ? task.failure.code : undefined;
  const isFailed = status === 'failed' && reason === undefined;
  return {
    id: `${PREFIX}${task.id}`,
    object: 'response',
    created_at: unixSeconds(task.createdAt),
    status: call.statusWord ?? (reason === undefined ? statusWords[status] : 'incomplete'),
    background: true,
    store: true,
    error: isFailed ? { code: task.failure.code, message: task.failure.message } : null,
    incomplete_details: reason === undefined ? null : { reason },
    model: task.model,
    output: status === 'succeeded' ? [outputOf(task, world)] : [],
    metadata: JSON.parse(task.echo['metadata'] ?? '{}') as Json,
  };
}

function outputOf(task: Task, world: World): JsonObject {
  if (task.echo['draws'] === 'yes') {
    const result = Buffer.from(artifactOf(task, 0, world).body).toString('base64');
    return { id: `ig_${task.id}`, type: 'image_generation_call', status: 'completed', result };
  }
  const content = [{ type: 'output_text', text: 'There is nothing to draw with.', annotations: [] }];
  return { id: `msg_${task.id}`, type: 'message', role: 'assistant', status: 'completed', content };
}

function taskOf(call: Call, world: World): Task | undefined {
  const id = call.params[0] ?? '';
  return id.startsWith(PREFIX) ? world.tasks.byId(PROVIDER, id.slice(PREFIX.length)) : undefined;
}

function missing(param: string): Outcome {
  return refused(400, `Missing required parameter: '${param}'.`, {
    param,
    code: 'missing_required_parameter',
  });
}

function notFound(call: Call): Outcome {
  return refused(404, `Response with id '${call.params[0] ?? ''}' not found.`, {
    param: 'response_id',
    code: null,
  });
}
