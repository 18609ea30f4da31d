/**
 * Kling, in both generations of its API: 2026 (the model is in the path) and the older one (the model is in
 * the body), which also has all the images.
 *
 * Callers: users, who register `kling(...)` with a runtime; the jobs and the transport use what it returns.
 * Invariants: those of the port (P1 to P4), of kling-routes.ts, kling-body.ts and kling-replies.ts; and
 *  G1  Every submit carries the job's key as `external_task_id`, which Kling keeps unique in an account: a
 *      lost submit is looked up by it, and a repeated one is refused.
 */
import { homeOf, webhookSecretsOf } from '../account.js';
import { checkOptions } from '../option-rules.js';
import type { AdapterOptions, WebhookSecret } from '../account.js';
import type { ProviderAdapter, ProviderRequest } from '../port.js';
import { refuseKling, submitBody } from './kling-body.js';
import { klingCredential } from './kling-keys.js';
import type { KlingApiKey } from './kling-keys.js';
import { parseCheck, parseLookup, parseNews, parsePoll, parseSubmit } from './kling-replies.js';
import { lookupRequest, pollRequest, refOf, routeOf, submitPath } from './kling-routes.js';
import type { KlingDefaults, KlingGeneration } from './kling-routes.js';

/**
 * The base URL is `https://api-singapore.klingai.com`; in China it is `https://api-beijing.klingai.com`.
 * The key is `KLING_API_KEY` or `KLINGAI_API_KEY`, or the pair `KLING_ACCESS_KEY` and `KLING_SECRET_KEY` or
 * `KLINGAI_ACCESS_KEY` and `KLINGAI_SECRET_KEY`.
 */
export interface KlingOptions extends Omit<AdapterOptions, 'apiKey'> {
  readonly apiKey?: KlingApiKey;
  /**
   * Of video requests whose model does not tell; default `2026`. In `legacy` the pair of keys is asked for
   * before the API key.
   */
  readonly generation?: KlingGeneration;
  /** The model of video requests that name none. Default `kling-3.0-turbo`, in `legacy` `kling-v2-6`. */
  readonly videoModel?: string;
  /** The model of image requests that name none. Default `kling-v2-1`. */
  readonly imageModel?: string;
  /** Default: `KLING_WEBHOOK_SECRET`. Without one, callbacks are hints. */
  readonly webhookSecret?: WebhookSecret;
}

const URL_TTL_MS = 30 * 24 * 3_600_000;

export function kling(options: KlingOptions = {}): ProviderAdapter {
  checkOptions<KlingOptions>('kling', options, {
    apiKey: 'keyOrPair',
    generation: ['2026', 'legacy'],
    videoModel: 'text',
    imageModel: 'text',
    webhookSecret: 'secrets',
  });
  const { clock, ...home } = homeOf('kling', options, 'https://api-singapore.klingai.com');
  const { generation = '2026' } = options;
  const defaults: KlingDefaults = {
    generation,
    videoModel: options.videoModel ?? (generation === '2026' ? 'kling-3.0-turbo' : 'kling-v2-6'),
    imageModel: options.imageModel ?? 'kling-v2-1',
  };
  const refFor = (request: ProviderRequest, credential: string) => {
    const route = routeOf(request, defaults);
    return (taskId: string) => refOf(taskId, route, credential);
  };
  return {
    id: 'kling',
    aliases: [],
    ...home,
    capabilities: {
      kinds: ['video', 'image'],
      webhook: 'signed',
      cancel: 'none',
      pollMinMs: 1_000,
      urlTtlMs: URL_TTL_MS,
    },
    reconcile: {
      by: 'key',
      buildLookup: (request, { key }) => lookupRequest(routeOf(request, defaults), key),
      parseLookup: (response, request, credential, key) =>
        parseLookup(response, refFor(request, credential), key, clock.now()),
    },
    webhook: {
      schemes: [
        {
          type: 'standard',
          secrets: (alias) => webhookSecretsOf(options.webhookSecret, options, alias, 'KLING_WEBHOOK_SECRET'),
        },
      ],
      parse: (body, { request, credential }) =>
        parseNews(body, request === undefined ? undefined : refFor(request, credential)),
    },
    check: {
      // Neither finds a task: what is told is whether the key opens the door.
      build: () => ({
        method: 'GET',
        path:
          generation === '2026'
            ? '/tasks?external_task_ids=holdfast-check'
            : '/v1/videos/text2video?pageNum=1&pageSize=1',
      }),
      parse: (response) => parseCheck(response, clock.now()),
    },
    credential: (alias) => klingCredential(options, alias, generation === '2026' ? 'key' : 'pair', clock),
    refuse: (request) => refuseKling(request, defaults),
    buildSubmit: (request, context) => {
      const route = routeOf(request, defaults);
      return { method: 'POST', path: submitPath(route), json: submitBody(request, route, context) };
    },
    parseSubmit: (response, request, credential) =>
      parseSubmit(response, refFor(request, credential), clock.now()),
    buildPoll: pollRequest,
    parsePoll: (response, ref) => parsePoll(response, ref, clock.now()),
  };
}
