/**
 * Every adapter, in every generation it speaks, over one simulator: what tests of all providers go through.
 *
 * Callers: the contract of adapters, the matrix of crashes and faults, the crowd. Invariant: an entry is an
 * adapter and a dialect that meet.
 */
import { createReplicate } from '@ai-sdk/replicate';
import type { Clock } from '../../src/clock.js';
import {
  agnes,
  fal,
  fromAiSdkVideoModel,
  kling,
  luma,
  openai,
  openaiResponses,
  replicate,
  rsclaw,
  rsclawImage,
  runway,
  veo,
  seedance,
  minimax,
  type JobKind,
  type ProviderAdapter,
  type ProviderRequest,
} from '../../src/providers/index.js';

export interface Place {
  /** The simulator's, without a slash at its end. */
  readonly url: string;
  readonly clock: Clock;
  /** Absent: there is none. */
  readonly apiKey?: string;
  readonly env: () => Readonly<Record<string, string>>;
}

export interface Entry {
  readonly kinds: readonly JobKind[];
  /** What a request to it cannot do without, beside a prompt. */
  readonly request?: Partial<Pick<ProviderRequest, 'model' | 'image' | 'durationSeconds' | 'size'>>;
  readonly adapter: (place: Place) => ProviderAdapter;
}

/** By a name of its own, such as `minimax v1`. */
export const every: Readonly<Record<string, Entry>> = {
  openai: {
    kinds: ['video'],
    adapter: ({ url, ...place }) => openai({ ...place, baseUrl: `${url}/openai/v1` }),
  },
  'openai-responses': {
    kinds: ['image'],
    adapter: ({ url, ...place }) => openaiResponses({ ...place, baseUrl: `${url}/openai-responses/v1` }),
  },
  'agnes 2.0': {
    kinds: ['video'],
    adapter: ({ url, ...place }) => agnes({ ...place, baseUrl: `${url}/agnes` }),
  },
  'agnes 2.5': {
    kinds: ['video'],
    request: { model: 'agnes-video-2.5', image: 'https://example.com/cat.png' },
    adapter: ({ url, ...place }) => agnes({ ...place, baseUrl: `${url}/agnes` }),
  },
  veo: {
    kinds: ['video'],
    adapter: ({ url, ...place }) =>
      veo({ ...place, baseUrl: `${url}/veo/v1beta`, jwksUrl: `${url}/_simulator/veo/jwks.json` }),
  },
  kling: {
    kinds: ['video', 'image'],
    adapter: ({ url, ...place }) => kling({ ...place, baseUrl: `${url}/kling` }),
  },
  rsclaw: {
    kinds: ['video'],
    adapter: ({ url, ...place }) => rsclaw({ ...place, baseUrl: `${url}/rsclaw` }),
  },
  'rsclaw jobs': {
    kinds: ['video'],
    adapter: ({ url, ...place }) => rsclaw({ ...place, protocol: 'jobs', baseUrl: `${url}/rsclaw/v1` }),
  },
  rsclaw_image: {
    kinds: ['image'],
    adapter: ({ url, ...place }) => rsclawImage({ ...place, baseUrl: `${url}/rsclaw_image` }),
  },
  'kling legacy': {
    kinds: ['video'],
    adapter: ({ url, apiKey, ...place }) =>
      kling({
        ...place,
        ...(apiKey === undefined ? {} : { apiKey: { accessKey: 'ak-every', secretKey: apiKey } }),
        generation: 'legacy',
        baseUrl: `${url}/kling`,
      }),
  },
  fal: {
    kinds: ['video', 'image'],
    adapter: ({ url, ...place }) =>
      fal({ ...place, baseUrl: `${url}/fal`, jwksUrl: `${url}/_simulator/fal/jwks.json` }),
  },
  replicate: {
    kinds: ['video', 'image'],
    adapter: ({ url, ...place }) => replicate({ ...place, baseUrl: `${url}/replicate/v1` }),
  },
  runway: {
    kinds: ['video', 'image'],
    adapter: ({ url, ...place }) => runway({ ...place, baseUrl: `${url}/runway` }),
  },
  luma: {
    kinds: ['video', 'image'],
    adapter: ({ url, ...place }) => luma({ ...place, baseUrl: `${url}/luma/dream-machine/v1` }),
  },
  'ai-sdk': {
    kinds: ['video'],
    adapter: ({ url, clock, apiKey }) => {
      const house = createReplicate({ apiToken: apiKey ?? '', baseURL: `${url}/replicate/v1` });
      // Believed at once: the tests of how long it is only suspected are its own.
      const suspect = { errorsMin: 1, forMs: 0 };
      return fromAiSdkVideoModel(house.video('minimax/video-01'), {
        clock,
        suspect,
        id: 'ai-sdk',
        trustedOrigins: [url],
      });
    },
  },
  'minimax v2': {
    kinds: ['video'],
    adapter: ({ url, ...place }) => minimax({ ...place, baseUrl: `${url}/minimax`, generation: 'v2' }),
  },
  'minimax v1': {
    kinds: ['video'],
    adapter: ({ url, ...place }) => minimax({ ...place, baseUrl: `${url}/minimax`, generation: 'v1' }),
  },
  seedance: {
    kinds: ['video'],
    adapter: ({ url, ...place }) => seedance({ ...place, baseUrl: `${url}/seedance/api/v3` }),
  },
};
