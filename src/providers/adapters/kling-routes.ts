/**
 * Where a request to Kling goes, and where its task is asked for: two generations of one API at one host.
 *
 * Callers: `kling.ts` and its parts. Invariants:
 *  R1  The endpoint of a `TaskRef` says which family of paths knows the task: a task of `image2video` is not
 *      found below `text2video`.
 *  R2  The same request has the same route as long as the options are the same.
 */
import type { HttpRequest, ProviderRequest, TaskRef } from '../port.js';

/** `2026` has the model in the path and one place to ask; `legacy` has the model in the body. */
export type KlingGeneration = '2026' | 'legacy';

/** What a request that names no model, or no generation, gets. */
export interface KlingDefaults {
  readonly generation: KlingGeneration;
  readonly videoModel: string;
  readonly imageModel: string;
}

export type LegacyEndpoint = keyof typeof LEGACY_PATHS;
export type Endpoint2026 = 'text-to-video' | 'image-to-video' | 'omni-video';

export type KlingRoute =
  | { readonly generation: 'legacy'; readonly endpoint: LegacyEndpoint; readonly model: string }
  | { readonly generation: '2026'; readonly endpoint: Endpoint2026; readonly model: string };

const LEGACY_PATHS = {
  text2video: '/v1/videos/text2video',
  image2video: '/v1/videos/image2video',
  'multi-image2video': '/v1/videos/multi-image2video',
  'motion-control': '/v1/videos/motion-control',
  images: '/v1/images/generations',
  'omni-image': '/v1/images/omni-image',
} as const;

/** Names of the older family have a `v` before their number: `kling-v2-6`, but `kling-3.0-turbo`. */
const LEGACY_MODEL = /^kling-v\d/;
const OMNI_MODEL = /(^|[-_.])(omni|o\d)([-_.]|$)/;

/** The model says the generation where its name does; Kling has no images but in the older one. */
export function routeOf(request: ProviderRequest, defaults: KlingDefaults): KlingRoute {
  const { extra = {} } = request;
  if (request.kind === 'image') {
    const model = request.model ?? defaults.imageModel;
    const isOmni = OMNI_MODEL.test(model);
    return { generation: 'legacy', endpoint: isOmni ? 'omni-image' : 'images', model };
  }
  const model = request.model ?? defaults.videoModel;
  if (OMNI_MODEL.test(model)) return { generation: '2026', endpoint: 'omni-video', model };
  if (generationOf(request.model, defaults) === '2026') {
    const endpoint = request.image === undefined ? 'text-to-video' : 'image-to-video';
    return { generation: '2026', endpoint, model };
  }
  if (extra.video_url !== undefined) return { generation: 'legacy', endpoint: 'motion-control', model };
  if (extra.image_list !== undefined) return { generation: 'legacy', endpoint: 'multi-image2video', model };
  const endpoint = request.image === undefined ? 'text2video' : 'image2video';
  return { generation: 'legacy', endpoint, model };
}

function generationOf(model: string | undefined, defaults: KlingDefaults): KlingGeneration {
  if (model === undefined) return defaults.generation;
  if (LEGACY_MODEL.test(model)) return 'legacy';
  return /^kling-\d/.test(model) ? '2026' : defaults.generation;
}

/** Where a submit of this route goes. */
export function submitPath(route: KlingRoute): string {
  if (route.generation === 'legacy') return LEGACY_PATHS[route.endpoint];
  return `/${route.endpoint}/${encodeURIComponent(route.model)}`;
}

export function refOf(taskId: string, { endpoint, generation }: KlingRoute, credential: string): TaskRef {
  return { taskId, endpoint, generation, credential };
}

export function pollRequest({ taskId, endpoint }: TaskRef): HttpRequest {
  return askFor(endpoint, 'task_ids', taskId);
}

/** The older paths take our key in place of the task id. */
export function lookupRequest({ endpoint }: KlingRoute, key: string): HttpRequest {
  return askFor(endpoint, 'external_task_ids', key);
}

function askFor(endpoint: string, filter: string, wanted: string): HttpRequest {
  const id = encodeURIComponent(wanted);
  const path = isLegacy(endpoint) ? `${LEGACY_PATHS[endpoint]}/${id}` : `/tasks?${filter}=${id}`;
  return { method: 'GET', path };
}

function isLegacy(endpoint: string): endpoint is LegacyEndpoint {
  return Object.hasOwn(LEGACY_PATHS, endpoint);
}
