/**
 * Kling's bodies: a neutral request in the words of each of its endpoints.
 *
 * Callers: `kling.ts`. Invariants: pure; what the house needs (the job's key, the callback URL) and what the
 * request says wins over `extra`; an image is bare base64, without the head of a data URI.
 */
import type { Json, JsonObject } from '../../json.js';
import { refuseShared } from '../account.js';
import { inlineData } from '../data-uri.js';
import { pixelsOf } from '../pixels.js';
import type { ProviderRequest, SubmitContext } from '../port.js';
import { jsonObject } from '../wire.js';
import { routeOf } from './kling-routes.js';
import type { KlingDefaults, KlingRoute } from './kling-routes.js';

const PROMPT_CHARS_MAX = 2_500;
const PRO_LINES_MIN = 1_080;

export function refuseKling(request: ProviderRequest, defaults: KlingDefaults): string | undefined {
  const shared = refuseShared(request, ['video', 'image']);
  if (shared !== undefined) return shared;
  if (request.prompt.length > PROMPT_CHARS_MAX)
    return `prompt must have at most ${PROMPT_CHARS_MAX} characters`;
  if (request.durationSeconds !== undefined && !Number.isInteger(request.durationSeconds)) {
    return 'durationSeconds must be a whole number';
  }
  if (request.model !== undefined && !/^[\w.-]+$/.test(request.model)) return 'model must be a plain name';
  if (request.image?.startsWith('data:') === true && inlineData(request.image) === undefined) {
    return 'image must be base64 where it is a data URI';
  }
  const { endpoint, generation } = routeOf(request, defaults);
  const { extra = {} } = request;
  if (generation === '2026' && (extra.image_list !== undefined || extra.video_url !== undefined)) {
    return 'model must be one of the older API, such as kling-v1-6, for extra.image_list and extra.video_url';
  }
  if (endpoint === 'multi-image2video' && request.image !== undefined) {
    return 'image must be left out where extra.image_list has the images';
  }
  if (endpoint === 'motion-control' && request.image === undefined) {
    return 'image must be given where extra.video_url has the motion';
  }
  return undefined;
}

export function submitBody(request: ProviderRequest, route: KlingRoute, context: SubmitContext): JsonObject {
  return route.generation === '2026'
    ? body2026(request, context)
    : {
        ...request.extra,
        model_name: route.model,
        prompt: request.prompt,
        ...optional('negative_prompt', request.negativePrompt),
        ...legacyFields(request, route.endpoint),
        ...ours(context),
      };
}

function body2026(request: ProviderRequest, context: SubmitContext): JsonObject {
  const { settings, options, contents, ...extra } = request.extra ?? {};
  const more = listOf(contents);
  const image = imageOf(request);
  const hasContents = image !== undefined || more.length > 0;
  const frame = image === undefined ? [] : [{ type: 'first_frame', url: image }];
  return {
    ...extra,
    ...(hasContents
      ? { contents: [{ type: 'prompt', text: request.prompt }, ...frame, ...more] }
      : { prompt: request.prompt }),
    ...optional('negative_prompt', request.negativePrompt),
    settings: {
      ...jsonObject(settings),
      ...optional('resolution', resolutionOf(request)),
      ...optional('aspect_ratio', ratioOf(request)),
      ...optional('duration', request.durationSeconds),
      ...optional('seed', request.seed),
    },
    options: { ...jsonObject(options), ...ours(context) },
  };
}

/** The fields that differ between the older endpoints. A seed has no place in any of them. */
function legacyFields(
  request: ProviderRequest,
  endpoint: Extract<KlingRoute, { generation: 'legacy' }>['endpoint'],
): JsonObject {
  const image = imageOf(request);
  const ratio = optional('aspect_ratio', ratioOf(request));
  // A number is refused: it is "5" or "10".
  const seconds = request.durationSeconds;
  const duration = optional('duration', seconds === undefined ? undefined : String(seconds));
  const mode = optional('mode', modeOf(request));
  switch (endpoint) {
    case 'text2video':
    case 'multi-image2video':
      return { ...mode, ...duration, ...ratio };
    // The shape is the image's, the length that of the motion.
    case 'image2video':
      return { ...mode, ...duration, ...optional('image', image) };
    case 'motion-control':
      return { ...mode, ...optional('image_url', image) };
    case 'images':
      return { ...ratio, ...optional('image', image) };
    case 'omni-image': {
      const listed = listOf(request.extra?.image_list);
      const images = image === undefined ? listed : [{ image }, ...listed];
      return { ...ratio, ...(images.length === 0 ? {} : { image_list: images }) };
    }
  }
}

function ours({ key, callbackUrl }: SubmitContext): JsonObject {
  return { external_task_id: key, ...optional('callback_url', callbackUrl) };
}

function imageOf({ image }: ProviderRequest): string | undefined {
  return image === undefined ? undefined : (inlineData(image)?.base64 ?? image);
}

/** Kling knows a shape and a resolution, not a size in pixels. */
function ratioOf({ aspectRatio, size }: ProviderRequest): string | undefined {
  const pixels = pixelsOf(size);
  if (aspectRatio !== undefined || pixels === undefined) return aspectRatio;
  let [a, b] = pixels;
  while (b > 0) [a, b] = [b, a % b];
  return `${pixels[0] / a}:${pixels[1] / a}`;
}

function resolutionOf({ size }: ProviderRequest): string | undefined {
  const pixels = pixelsOf(size);
  return pixels === undefined ? undefined : `${Math.min(...pixels)}p`;
}

/** The older API has two qualities in place of resolutions: 720 and 1080 lines. */
function modeOf({ size, extra }: ProviderRequest): string | undefined {
  const pixels = pixelsOf(size);
  if (pixels === undefined || extra?.mode !== undefined) return undefined;
  return Math.min(...pixels) >= PRO_LINES_MIN ? 'pro' : 'std';
}

function optional(name: string, value: string | number | undefined): JsonObject {
  return value === undefined ? {} : { [name]: value };
}

function listOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? (value as readonly Json[]) : [];
}
