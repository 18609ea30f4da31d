/**
 * The body of a Seedance submit, and the seed that is its tag.
 *
 * Callers: `seedance.ts`. Invariant: the derived seed depends on the job's key alone.
 */
import { sha256Hex } from '../../ids.js';
import type { JsonObject } from '../../json.js';
import { refuseShared } from '../account.js';
import { nearestRatio, nearestTier } from '../pixels.js';
import type { ProviderRequest } from '../port.js';
import { contentItems, refuseContent } from './content-items.js';

const RATIOS = ['16:9', '9:16', '1:1', '4:3', '3:4', '21:9'];
const TIERS = { '480p': 480, '720p': 720, '1080p': 1_080 };
const SEED_MAX = 2 ** 32 - 1;
const SEED_HEX_DIGITS = 8;

export function refuseSeedance(request: ProviderRequest): string | undefined {
  const shared = refuseShared(request, ['video']) ?? refuseContent(request);
  if (shared !== undefined) return shared;
  const { durationSeconds, negativePrompt, seed } = request;
  if (negativePrompt !== undefined) return 'negativePrompt is not known to seedance: say it in the prompt';
  if (durationSeconds !== undefined && !Number.isInteger(durationSeconds)) {
    return 'durationSeconds must be a whole number';
  }
  if (seed !== undefined && !(Number.isInteger(seed) && seed >= -1 && seed <= SEED_MAX)) {
    return `seed must be a whole number from -1 to ${SEED_MAX}`;
  }
  return undefined;
}

export function submitBody(
  request: ProviderRequest,
  model: string,
  tag: number | undefined,
  callbackUrl: string | undefined,
): JsonObject {
  const ratio = request.aspectRatio ?? nearestRatio(request.size, RATIOS);
  const resolution = nearestTier(request.size, TIERS);
  return {
    ...request.extra,
    model,
    content: contentItems(request),
    ...(resolution === undefined ? {} : { resolution }),
    ...(ratio === undefined ? {} : { ratio }),
    ...(request.durationSeconds === undefined ? {} : { duration: request.durationSeconds }),
    ...(tag === undefined ? {} : { seed: tag }),
    ...(request.seed === undefined ? {} : { seed: request.seed }),
    ...(callbackUrl === undefined ? {} : { callback_url: callbackUrl }),
  };
}

/**
 * True when the seed is not ours to choose: the user gave one, also in the prompt's trailing `--seed` as Ark
 * reads it, or the video is made of a draft, whose seed it takes.
 */
export function hasOwnSeed(request: ProviderRequest): boolean {
  if (request.seed !== undefined || request.extra?.seed !== undefined) return true;
  if (/\s--seed\b/.test(request.prompt)) return true;
  return contentItems(request).some((item) => item.type === 'draft_task');
}

/** 0 to 2^32-1, the same for the same job. */
export function derivedSeed(key: string): number {
  return Number.parseInt(sha256Hex(key).slice(0, SEED_HEX_DIGITS), 16);
}
