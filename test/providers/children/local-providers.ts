/**
 * What the examples of the provider pages import as `holdfast/providers`: the same adapters, with the options
 * that a user would give to try them against the simulator, and polled as soon as each allows.
 *
 * Callers: examples.test.ts bundles it into them. SIMULATOR is the simulator's URL.
 */
import * as providers from '../../../src/providers/index.js';
import type { ProviderAdapter } from '../../../src/providers/index.js';

const HURRIED = { jobs: { poll: { everyMs: 1 } } } as const;
const simulator = process.env['SIMULATOR'] ?? '';

function local<Options extends object>(
  factory: (options: Options) => ProviderAdapter,
  path: string,
): (options?: Options) => ProviderAdapter {
  const place = { ...HURRIED, baseUrl: `${simulator}${path}`, apiKey: 'any' };
  return (options) => factory({ ...(options as Options), ...place });
}

export const agnes = local(providers.agnes, '/agnes');
export const fal = local(providers.fal, '/fal');
export const kling = local(providers.kling, '/kling');
export const luma = local(providers.luma, '/luma/dream-machine/v1');
export const minimax = local(providers.minimax, '/minimax');
export const openai = local(providers.openai, '/openai/v1');
export const openaiResponses = local(providers.openaiResponses, '/openai-responses/v1');
export const replicate = local(providers.replicate, '/replicate/v1');
export const rsclaw = local(providers.rsclaw, '/rsclaw');
export const rsclawImage = local(providers.rsclawImage, '/rsclaw_image');
export const runway = local(providers.runway, '/runway');
export const seedance = local(providers.seedance, '/seedance/api/v3');
export const veo = local(providers.veo, '/veo/v1beta');

/** The key is the model's own, and its videos are at the origin of its API. */
export const fromAiSdkVideoModel: typeof providers.fromAiSdkVideoModel = (model, options) =>
  providers.fromAiSdkVideoModel(model, { ...options, ...HURRIED, baseUrl: simulator });
