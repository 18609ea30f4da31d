/**
 * What Agnes is sent for a neutral request: one body for the 2.0 models, another for those of 2.5.
 *
 * Callers: `agnes.ts`. Invariants: a body has the fields of its own generation alone, since 2.5 refuses those
 * of 2.0; `num_frames` is 8n+1 and at most 441, sides are multiples of 64.
 */
import type { JsonObject } from '../../json.js';
import { nearestRatio, nearestTier, pixelsOf } from '../pixels.js';
import type { ProviderRequest } from '../port.js';
import { asList, asNumber, asObject } from '../wire.js';

type AgnesGeneration = '2.0' | '2.5';

const FRAME_RATE = 24;
const FRAMES_MAX = 441;
const FRAMES_STEP = 8;
const SIDE_STEP = 64;
const LONGER_SIDE = 1_152;
const SECONDS = { min: 4, max: 12 } as const;
const REFERENCES_MAX = 5;
const RATIOS = ['21:9', '16:9', '4:3', '1:1', '3:4', '9:16'] as const;
const TIERS = { '720P': 720, '1080P': 1_080, '2K': 1_440 } as const;

export function generationOf(model: string): AgnesGeneration {
  return /2[.-]5/.test(model) ? '2.5' : '2.0';
}

/** What cannot be built beside what no adapter builds. */
export function refuseAgnes(request: ProviderRequest, model: string): string | undefined {
  const { durationSeconds: seconds, image, extra } = request;
  if (generationOf(model) === '2.5') {
    if (
      seconds !== undefined &&
      !(Number.isInteger(seconds) && seconds >= SECONDS.min && seconds <= SECONDS.max)
    ) {
      return `durationSeconds must be a whole number from ${SECONDS.min} to ${SECONDS.max} for ${model}`;
    }
    if (image?.startsWith('data:') === true) {
      return `image must be an https URL for ${model}: the provider fetches it`;
    }
    const references = asList(extra?.images).length;
    return references > REFERENCES_MAX ? `extra.images has more than ${REFERENCES_MAX} images` : undefined;
  }
  const rate = asNumber(extra?.frame_rate) ?? FRAME_RATE;
  if (rate < 1 || rate > 60) return 'extra.frame_rate must be from 1 to 60';
  if (seconds !== undefined && seconds * rate > FRAMES_MAX) {
    return `durationSeconds must be at most ${Math.floor(FRAMES_MAX / rate)} at ${rate} frames a second`;
  }
  return undefined;
}

export function agnesBody(request: ProviderRequest, model: string): JsonObject {
  return generationOf(model) === '2.5' ? body25(request, model) : body20(request, model);
}

/** One image is a text at the top, several are a list in `extra_body`: a list at the top is refused. */
function body20(request: ProviderRequest, model: string): JsonObject {
  const extra = request.extra ?? {};
  const nested = asObject(extra.extra_body) as JsonObject | undefined;
  const others = asList(nested?.image);
  const { image, durationSeconds: seconds, negativePrompt, seed } = request;
  const rate = asNumber(extra.frame_rate) ?? FRAME_RATE;
  const single = image === undefined || others.length > 0 ? {} : { mode: 'ti2vid', image };
  const several =
    image === undefined || others.length === 0
      ? {}
      : { mode: 'keyframes', extra_body: { ...nested, image: [image, ...(others as readonly string[])] } };
  return {
    ...single,
    ...extra,
    ...several,
    model,
    prompt: request.prompt,
    ...sidesOf(request),
    ...(seconds === undefined ? {} : { frame_rate: rate, num_frames: framesOf(seconds * rate) }),
    ...(negativePrompt === undefined ? {} : { negative_prompt: negativePrompt }),
    ...(seed === undefined ? {} : { seed }),
  };
}

/** The nearest count of the form 8n+1. */
function framesOf(frames: number): number {
  const steps = Math.max(1, Math.round((frames - 1) / FRAMES_STEP));
  return Math.min(FRAMES_MAX, steps * FRAMES_STEP + 1);
}

/** The nearest multiples of 64: 720 becomes 704. A ratio alone has the provider's usual longer side. */
function sidesOf({ size, aspectRatio }: ProviderRequest): JsonObject {
  const pixels = pixelsOf(size);
  if (pixels !== undefined) return { width: sideOf(pixels[0]), height: sideOf(pixels[1]) };
  const ratio = pixelsOf(aspectRatio?.replace(':', 'x'));
  if (ratio === undefined) return {};
  const unit = LONGER_SIDE / Math.max(...ratio);
  return { width: sideOf(ratio[0] * unit), height: sideOf(ratio[1] * unit) };
}

function sideOf(pixels: number): number {
  return Math.max(1, Math.round(pixels / SIDE_STEP)) * SIDE_STEP;
}

/**
 * 2.5 knows neither pixels nor what must not be seen; its image is the first frame of two that may be set.
 */
function body25(request: ProviderRequest, model: string): JsonObject {
  const extra = request.extra ?? {};
  const { image, size, durationSeconds: seconds, seed } = request;
  const aspectRatio = request.aspectRatio ?? nearestRatio(size, RATIOS);
  const tier = nearestTier(size, TIERS);
  const isReferred = asList(extra.images).length > 0;
  const still: JsonObject = image === undefined ? {} : { mode: 'keyframe', first_frame: image };
  const referred = {
    mode: 'reference',
    images: [...(image === undefined ? [] : [image]), ...asStrings(extra.images)],
  };
  return {
    mode: 'text',
    ...(isReferred ? {} : still),
    ...extra,
    ...(isReferred ? referred : {}),
    model,
    prompt: request.prompt,
    ...(seconds === undefined ? {} : { seconds: String(seconds) }),
    ...(tier === undefined ? {} : { size: tier }),
    ...(aspectRatio === undefined ? {} : { aspect_ratio: aspectRatio }),
    ...(seed === undefined ? {} : { seed }),
  };
}

function asStrings(value: unknown): readonly string[] {
  return asList(value).filter((item) => typeof item === 'string');
}
