/**
 * rsclaw's bodies: flat for `/v1/videos` and its families, typed and nested for `/v1/jobs`.
 *
 * Callers: `rsclaw.ts`. Invariants: pure; what the request says wins over `extra`. Neither protocol has a
 * place for a negative prompt or a seed.
 */
import type { JsonObject } from '../../json.js';
import { nearestRatio, nearestTier } from '../pixels.js';
import type { ProviderRequest } from '../port.js';
import { jsonObject } from '../wire.js';

const TIERS = { '480p': 480, '720p': 720, '1080p': 1_080, '2k': 1_440 } as const;
const RATIOS = ['16:9', '9:16', '1:1', '4:3', '3:4'];

/** Below `/v1/videos`: lyrics make a music video of an image, a voice makes it an avatar. */
export function familyOf({ extra = {} }: ProviderRequest): '' | '/mv' | '/avatar' {
  if (extra.lyrics !== undefined) return '/mv';
  return extra.audio === undefined ? '' : '/avatar';
}

export function videoBody(request: ProviderRequest, model: string): JsonObject {
  const isPlain = familyOf(request) === '';
  return {
    ...request.extra,
    ...optional('model', request.model ?? (isPlain ? model : undefined)),
    prompt: request.prompt,
    ...optional('resolution', nearestTier(request.size, TIERS)),
    ...optional('ratio', ratioOf(request)),
    ...optional('duration', request.durationSeconds),
    ...(request.image === undefined ? {} : { input_reference: { image_url: request.image } }),
  };
}

export function jobBody(request: ProviderRequest, model: string): JsonObject {
  const { metadata, frames, references, ...extra } = request.extra ?? {};
  const { image } = request;
  return {
    kind: {
      ...extra,
      kind: 'video',
      model: request.model ?? model,
      prompt: request.prompt,
      ...optional('resolution', nearestTier(request.size, TIERS)),
      ...optional('aspect_ratio', ratioOf(request)),
      ...optional('duration_secs', request.durationSeconds),
      frames: { ...jsonObject(frames), ...(image === undefined ? {} : { start: assetOf(image) }) },
      references: references ?? [],
    },
    metadata: jsonObject(metadata),
  };
}

function assetOf(image: string): JsonObject {
  return image.startsWith('data:') ? { type: 'data_uri', data_uri: image } : { type: 'url', url: image };
}

function ratioOf({ aspectRatio, size }: ProviderRequest): string | undefined {
  return aspectRatio ?? nearestRatio(size, RATIOS);
}

function optional(name: string, value: string | number | undefined): JsonObject {
  return value === undefined ? {} : { [name]: value };
}
