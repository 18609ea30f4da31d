/**
 * Kling's older API: the model is in the body, and each family of paths finds its own tasks alone.
 *
 * `POST /v1/videos/text2video|image2video|multi-image2video|motion-control`, `POST
 * /v1/images/generations|omni-image`; `GET` of the same path with a task id or an `external_task_id`, or as a
 * listing. Tasks end in `succeed`. Callers: `kling.ts`. Invariants:
 *  L1  A duration is a string, and an image is a URL or bare base64: anything else is refused.
 *  L2  A task is not found below another family's path.
 */
import { isPlainObject } from '../../json.js';
import type { JsonObject } from '../../json.js';
import { textField } from '../dialect.js';
import type { Call, Outcome, Reply, Route, World } from '../dialect.js';
import { artifactLinks } from '../object-store.js';
import type { Sight, Task, TaskRequest } from '../tasks.js';
import {
  answer,
  klingSubmit,
  MOUNT,
  progressWords,
  PROVIDER,
  refusal,
  subjectById,
  subjectByKey,
  taskRequest,
  wrong,
} from './kling-words.js';

const IMAGES_MAX = 9;
const REFERENCES_MAX = 4;
const PAGE_MAX = 500;
const VIDEO_FAMILY = '(text2video|image2video|multi-image2video|motion-control)';
const IMAGE_FAMILY = '(generations|omni-image)';
const ANY_FAMILY = '/v1/(?:videos|images)/([\\w-]+)';

export const legacyRoutes: readonly Route[] = [
  klingSubmit(new RegExp(`^/v1/videos/${VIDEO_FAMILY}$`), videoRequest, legacyTask),
  klingSubmit(new RegExp(`^/v1/images/${IMAGE_FAMILY}$`), imageRequest, legacyTask),
  {
    action: 'poll',
    method: 'GET',
    path: new RegExp(`^${ANY_FAMILY}/([^/]+)$`),
    guard: 'key',
    subjects: (call, world) => {
      const id = call.params[1] ?? '';
      const isId = world.tasks.byId(PROVIDER, id) !== undefined;
      return [isId ? subjectById(world, id) : subjectByKey(world, id)];
    },
    run: poll,
  },
  {
    action: 'list',
    method: 'GET',
    path: new RegExp(`^${ANY_FAMILY}$`),
    guard: 'key',
    subjects: () => [],
    run: list,
  },
];

/** A task as the older API shows it, in answers and in callbacks. */
export function legacyTask(task: Task, sight: Sight | undefined, world: World, word?: string): JsonObject {
  const status = sight?.status ?? 'queued';
  const links = artifactLinks(MOUNT, task, status, world);
  const result: JsonObject =
    task.kind === 'image'
      ? { images: links.map((url, index) => ({ index, url })) }
      : { videos: links.map((url) => ({ id: `${task.id}-v`, url, duration: task.echo.duration ?? '' })) };
  return {
    task_id: task.id,
    task_status: word ?? (status === 'succeeded' ? 'succeed' : progressWords[status]),
    task_status_msg: status === 'failed' ? task.failure.message : '',
    task_info: task.key === undefined ? {} : { external_task_id: task.key },
    created_at: task.createdAt,
    updated_at: sight?.since ?? task.createdAt,
    ...(links.length === 0 ? {} : { task_result: result }),
  };
}

function videoRequest(call: Call): TaskRequest | Reply {
  const { fields } = call;
  const family = call.params[0] ?? '';
  const { duration = '5', mode = 'std' } = fields;
  if (duration !== '5' && duration !== '10') return wrong('duration must be "5" or "10"');
  if (mode !== 'std' && mode !== 'pro') return wrong('mode must be std or pro');
  const missing = wrongImages(family, fields);
  if (missing !== undefined) return wrong(missing);
  const isPrompted = family !== 'motion-control';
  return taskRequest({
    kind: 'video',
    prompt: textField(fields, 'prompt') ?? (isPrompted ? undefined : ''),
    model: textField(fields, 'model_name') ?? 'kling-v1',
    key: fields.external_task_id,
    callbackUrl: fields.callback_url,
    count: 1,
    duration,
    family,
  });
}

function wrongImages(family: string, fields: Readonly<Record<string, unknown>>): string | undefined {
  if (family === 'image2video') {
    if (isImage(fields.image) || isImage(fields.image_tail)) return undefined;
    return 'image or image_tail must be a URL or base64 without a prefix';
  }
  if (family === 'multi-image2video') {
    const list = Array.isArray(fields.image_list) ? fields.image_list : [];
    const isGood = list.length > 0 && list.length <= REFERENCES_MAX && list.every(isListed);
    return isGood ? undefined : `image_list must hold 1 to ${REFERENCES_MAX} images`;
  }
  if (family !== 'motion-control') return undefined;
  const isWhole = isImage(fields.image_url) && textField(fields, 'video_url') !== undefined;
  return isWhole ? undefined : 'image_url and video_url must be given';
}

function isListed(item: unknown): boolean {
  return isPlainObject(item) && isImage(item.image);
}

function isImage(value: unknown): boolean {
  return typeof value === 'string' && (/^https?:\/\/\S+$/.test(value) || /^[\w+/]+=*$/.test(value));
}

function imageRequest(call: Call): TaskRequest | Reply {
  const { fields } = call;
  const { n = 1, image, image_list: list = [] } = fields;
  if (typeof n !== 'number' || !Number.isInteger(n) || n < 1 || n > IMAGES_MAX) {
    return wrong(`n must be an integer from 1 to ${IMAGES_MAX}`);
  }
  if (image !== undefined && !isImage(image)) return wrong('image must be a URL or base64 without a prefix');
  if (!Array.isArray(list) || !list.every(isListed)) return wrong('image_list must be a list of images');
  return taskRequest({
    kind: 'image',
    prompt: textField(fields, 'prompt'),
    model: textField(fields, 'model_name') ?? 'kling-v1',
    key: fields.external_task_id,
    callbackUrl: fields.callback_url,
    count: n,
    duration: undefined,
    family: call.params[0] ?? '',
  });
}

function poll(call: Call, world: World): Outcome {
  const [family = '', id = ''] = call.params;
  const task = world.tasks.byId(PROVIDER, id) ?? world.tasks.byKey(PROVIDER, id);
  const sight = task === undefined || task.echo.family !== family ? undefined : world.tasks.poll(task);
  if (task === undefined || sight === undefined) {
    return { reply: refusal(404, 1203, `the requested task ${id} does not exist`) };
  }
  return { reply: answer(legacyTask(task, sight, world, call.statusWord)) };
}

function list(call: Call, world: World): Outcome {
  const page = Number(call.query.get('pageNum') ?? 1);
  const size = Number(call.query.get('pageSize') ?? 30);
  const isGood = [page, size].every((number) => Number.isInteger(number) && number >= 1);
  if (!isGood || size > PAGE_MAX) return { reply: wrong(`pageNum is 1 or more, pageSize 1 to ${PAGE_MAX}`) };
  const family = call.params[0] ?? '';
  const tasks = [...world.tasks.newest(PROVIDER)].filter((task) => task.echo.family === family);
  const shown = tasks.slice((page - 1) * size, page * size);
  return {
    reply: answer(shown.map((task) => legacyTask(task, world.tasks.glance(task), world, call.statusWord))),
  };
}
