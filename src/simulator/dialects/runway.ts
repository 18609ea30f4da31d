/**
 * Runway: `POST /v1/{text,image}_to_video`, `POST /v1/text_to_image`, `GET|DELETE /v1/tasks/{id}`.
 *
 * Artifacts are at signed links without credentials, fresh at every poll. Callers: server.ts. Invariants:
 *  W1  A request without a known `X-Runway-Version` is refused, whatever else it says.
 *  W2  A body is one of a union: what the model does not know, or has in another form, is refused.
 *  W3  `DELETE` cancels a task that is not over, and forgets one that is.
 */
import { dateOf } from '../../clock.js';
import { jsonReply, textField } from '../dialect.js';
import type { JsonObject } from '../../json.js';
import type { Call, Dialect, Reply, Route, World } from '../dialect.js';
import { artifactLinks, artifactRoute } from '../object-store.js';
import { byId, submitRoute, taskRoute } from '../task-routes.js';
import type { Sight, Task, TaskRequest } from '../tasks.js';

const PROVIDER = 'runway';
const MOUNT = '/runway';
const TASK = /^\/v1\/tasks\/([^/]+)$/;
const VERSIONS = ['2024-11-06', '2024-09-13'];
const PROMPT_UNITS_MAX = 1_000;
const SEED_MAX = 4_294_967_295;

const words: Readonly<Record<Sight['status'], string>> = {
  queued: 'PENDING',
  running: 'RUNNING',
  succeeded: 'SUCCEEDED',
  failed: 'FAILED',
  cancelled: 'CANCELLED',
};

/** What one model takes at one endpoint. */
interface Form {
  readonly required: readonly string[];
  readonly optional: readonly string[];
  readonly ratios: readonly string[];
  /** Seconds: shortest and longest. */
  readonly duration?: readonly [number, number];
}

const WIDE = ['1280:720', '720:1280'];
const GEN = [...WIDE, '1104:832', '960:960', '832:1104', '1584:672'];
const VEO = [...WIDE, '1080:1920', '1920:1080'];
const IMAGE = [...WIDE, '1024:1024', '1920:1080', '1080:1920', '1440:1080', '1080:1440', '1808:768'];
const veo: Omit<Form, 'required'> = {
  optional: ['duration', 'audio', 'negativePrompt', 'seed', 'promptText'],
  ratios: VEO,
  duration: [4, 8],
};

const forms: Readonly<Record<string, Readonly<Record<string, Form>>>> = {
  text_to_video: {
    'gen4.5': {
      required: ['promptText', 'ratio', 'duration'],
      optional: ['seed', 'contentModeration', 'outputFormat'],
      ratios: WIDE,
      duration: [2, 10],
    },
    'veo3.1': { ...veo, required: ['promptText', 'ratio'] },
    'veo3.1_fast': { ...veo, required: ['promptText', 'ratio'] },
  },
  image_to_video: {
    'gen4.5': {
      required: ['promptText', 'promptImage', 'ratio', 'duration'],
      optional: ['seed', 'contentModeration', 'outputFormat'],
      ratios: GEN,
      duration: [2, 10],
    },
    gen4_turbo: {
      required: ['promptImage', 'ratio'],
      optional: ['promptText', 'duration', 'seed', 'contentModeration'],
      ratios: GEN,
      duration: [2, 10],
    },
    'veo3.1': { ...veo, required: ['promptImage', 'ratio'] },
  },
  text_to_image: {
    gen4_image: {
      required: ['promptText', 'ratio'],
      optional: ['seed', 'contentModeration', 'referenceImages'],
      ratios: IMAGE,
    },
    gen4_image_turbo: {
      required: ['promptText', 'ratio', 'referenceImages'],
      optional: ['seed', 'contentModeration'],
      ratios: IMAGE,
    },
  },
};

export const runwayDialect: Dialect = {
  provider: PROVIDER,
  mount: MOUNT,
  routes: [
    versioned(
      submitRoute(/^\/v1\/(text_to_video|image_to_video|text_to_image)$/, requestOf, ({ id }) =>
        jsonReply(200, { id, estimatedCost: { credits: 25 } }),
      ),
    ),
    versioned(taskRoute({ action: 'poll', method: 'GET', path: TASK }, byId(PROVIDER), noTask, poll)),
    versioned(taskRoute({ action: 'cancel', method: 'DELETE', path: TASK }, byId(PROVIDER), noTask, remove)),
    versioned({
      action: 'lookup',
      method: 'GET',
      path: /^\/v1\/organization$/,
      guard: 'key',
      subjects: () => [],
      run: () => ({ reply: jsonReply(200, { creditBalance: 1_000, tier: {}, usage: {} }) }),
    }),
    artifactRoute(PROVIDER),
  ],
  unauthorized: (why) =>
    refusal(401, why === 'missing' ? 'You did not pass an API key.' : 'The API key is not valid.'),
  noRoute: () => refusal(404, 'Not found'),
  malformed: (message) => refusal(400, message),
  rateLimited: () => refusal(429, 'You have reached your limit of requests.'),
  failing: (status) => refusal(status, status >= 500 ? 'Internal server error' : 'The request failed.'),
};

function versioned(route: Route): Route {
  const run: Route['run'] = (call, world) => {
    const version = call.header('x-runway-version');
    if (version === undefined) return { reply: refusal(400, 'The X-Runway-Version header is required.') };
    if (!VERSIONS.includes(version)) return { reply: refusal(400, `The version ${version} is not known.`) };
    return route.run(call, world);
  };
  return { ...route, run };
}

function requestOf(call: Call): TaskRequest | Reply {
  const [endpoint = ''] = call.params;
  const { model } = call.fields;
  const form = typeof model === 'string' ? forms[endpoint]?.[model] : undefined;
  if (form === undefined) return invalid('model', 'Invalid discriminator value');
  const wrong = wrongField(form, call.fields);
  if (wrong !== undefined) return wrong;
  const prompt = textField(call.fields, 'promptText') ?? '';
  if (prompt.length > PROMPT_UNITS_MAX) return invalid('promptText', 'Too big: at most 1000 characters');
  return {
    provider: PROVIDER,
    kind: endpoint === 'text_to_image' ? 'image' : 'video',
    prompt,
    model: String(model),
    count: 1,
    echo: {},
  };
}

function wrongField(form: Form, fields: Call['fields']): Reply | undefined {
  const missing = form.required.find((name) => fields[name] === undefined || fields[name] === '');
  if (missing !== undefined) return invalid(missing, 'Invalid input: expected a value, received undefined');
  const known = [...form.required, ...form.optional, 'model'];
  const unknown = Object.keys(fields).find((name) => !known.includes(name));
  if (unknown !== undefined) return invalid('', `Unrecognized key: "${unknown}"`);
  const { ratio, duration, seed, promptText = '', promptImage = 'https:' } = fields;
  if (!form.ratios.some((one) => one === ratio)) return invalid('ratio', 'Invalid option');
  if (typeof promptText !== 'string') return invalid('promptText', 'Invalid input: expected string');
  const isImage =
    typeof promptImage === 'string' ? /^(?:https:|data:)/.test(promptImage) : Array.isArray(promptImage);
  if (!isImage) return invalid('promptImage', 'Invalid input: expected an HTTPS URL or a data URI');
  if (seed !== undefined && !isWhole(seed, 0, SEED_MAX))
    return invalid('seed', 'Invalid input: expected int');
  const [shortest, longest] = form.duration ?? [0, 0];
  if (duration === undefined || isWhole(duration, shortest, longest)) return undefined;
  return invalid('duration', `Invalid input: expected an int from ${shortest} to ${longest}`);
}

function isWhole(value: unknown, min: number, max: number): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max;
}

function poll(task: Task, call: Call, world: World): Reply | undefined {
  const sight = world.tasks.poll(task);
  return sight === undefined ? undefined : jsonReply(200, taskOf(task, sight, call, world));
}

function remove(task: Task, _call: Call, world: World): Reply {
  if (!world.tasks.cancel(task)) world.tasks.remove(task);
  return { status: 204, headers: {}, body: new Uint8Array(0), isArtifact: false };
}

function taskOf(task: Task, sight: Sight, call: Call, world: World): JsonObject {
  const { status, progress } = sight;
  const isOver = status !== 'queued' && status !== 'running';
  return {
    id: task.id,
    createdAt: dateOf(task.createdAt).toISOString(),
    status: call.statusWord ?? words[status],
    ...(isOver ? { cost: { credits: status === 'cancelled' ? 0 : 25 } } : { estimatedCost: { credits: 25 } }),
    ...(status === 'running' ? { progress } : {}),
    ...(status === 'failed' ? { failure: task.failure.message, failureCode: task.failure.code } : {}),
    ...(status === 'succeeded' ? { output: artifactLinks(MOUNT, task, status, world) } : {}),
  };
}

function noTask(): Reply {
  return refusal(404, 'The task was not found.');
}

function invalid(field: string, message: string): Reply {
  const issue = { code: 'invalid_value', message, path: field === '' ? [] : [field] };
  return jsonReply(400, { error: 'Validation of body failed', issues: [issue] });
}

function refusal(status: number, error: string): Reply {
  return jsonReply(status, { error });
}
