/**
 * The bodies of MiniMax's submits, one a generation, and what neither can say.
 *
 * Callers: `minimax.ts`. Invariant: a resolution is a named tier, never pixels.
 */
import type { JsonObject } from '../../json.js';
import { refuseShared } from '../account.js';
import { nearestRatio, nearestTier } from '../pixels.js';
import type { ProviderRequest } from '../port.js';
import { contentItems, refuseContent } from './content-items.js';

/** `v1`: Hailuo and the models before it. `v2`: H3. */
export type Generation = 'v1' | 'v2';

const PROMPT_CHARS_MAX: Readonly<Record<Generation, number>> = { v1: 2_000, v2: 7_000 };
const TIERS: Readonly<Record<Generation, Readonly<Record<string, number>>>> = {
  v1: { '512P': 512, '768P': 768, '1080P': 1_080 },
  v2: { '768P': 768, '2K': 1_440 },
};
const RATIOS = ['16:9', '9:16', '1:1', '4:3', '3:4', '21:9'];

export function generationOf(model: string): Generation {
  return /^minimax-h3/i.test(model) ? 'v2' : 'v1';
}

export function refuseMinimax(request: ProviderRequest, generation: Generation): string | undefined {
  const shared = refuseShared(request, ['video']);
  if (shared !== undefined) return shared;
  if (request.prompt.length > PROMPT_CHARS_MAX[generation]) {
    return `prompt must have at most ${PROMPT_CHARS_MAX[generation]} characters`;
  }
  if (request.negativePrompt !== undefined) {
    return 'negativePrompt is not known to minimax: say it in the prompt';
  }
  if (request.seed !== undefined) return 'seed is not known to minimax';
  return generation === 'v1' ? refuseV1(request) : refuseV2(request);
}

function refuseV1({ aspectRatio, durationSeconds }: ProviderRequest): string | undefined {
  if (aspectRatio !== undefined) return 'aspectRatio is not known to this model of minimax';
  if (durationSeconds !== undefined && durationSeconds !== 6 && durationSeconds !== 10) {
    return 'durationSeconds must be 6 or 10';
  }
  return undefined;
}

function refuseV2(request: ProviderRequest): string | undefined {
  const seconds = request.durationSeconds;
  if (seconds !== undefined && !(Number.isInteger(seconds) && seconds >= 4 && seconds <= 15)) {
    return 'durationSeconds must be a whole number from 4 to 15';
  }
  return refuseContent(request);
}

export function minimaxBody(
  request: ProviderRequest,
  generation: Generation,
  model: string,
  callbackUrl: string | undefined,
): JsonObject {
  const resolution = nearestTier(request.size, TIERS[generation]);
  return {
    ...request.extra,
    model,
    ...(generation === 'v1' ? wordsOfV1(request) : wordsOfV2(request)),
    ...(resolution === undefined ? {} : { resolution }),
    ...(request.durationSeconds === undefined ? {} : { duration: request.durationSeconds }),
    ...(callbackUrl === undefined ? {} : { callback_url: callbackUrl }),
  };
}

function wordsOfV1({ prompt, image }: ProviderRequest): JsonObject {
  return { prompt, ...(image === undefined ? {} : { first_frame_image: image }) };
}

function wordsOfV2(request: ProviderRequest): JsonObject {
  const ratio = request.aspectRatio ?? nearestRatio(request.size, RATIOS);
  return { content: contentItems(request), ...(ratio === undefined ? {} : { ratio }) };
}
