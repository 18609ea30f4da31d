/**
 * Seedance, at Volcengine Ark (China) and BytePlus ModelArk (everywhere else): one protocol, two houses whose
 * keys and model names differ.
 *
 * Callers: users, who register `seedance(...)` with a runtime; the jobs and the transport use what it
 * returns. Invariants: those of the port (P1 to P4); and
 *  S1  Ark has no key of ours, and its listing echoes the seed of a task. So a submit whose user gave no seed
 *      carries one that is derived from the job, and that seed is the job's tag: a lost submit is the listed
 *      task that has it.
 *  S2  A task with a seed that the user chose is never taken for ours: other tasks may have it too.
 *  S3  A listing that leaves out the seed of a task that may be ours proves nothing.
 *  S4  `expired` and `cancelled` are ends.
 */
import { bearer, homeOf, keyOf } from '../account.js';
import { checkOptions } from '../option-rules.js';
import type { AdapterOptions } from '../account.js';
import {
  acceptedSubmit,
  failedPoll,
  providerError,
  refusedSubmit,
  taskFailure,
  unusable,
  unusablePoll,
} from '../classify.js';
import { isUnordered, listedAt } from '../listing.js';
import type {
  HttpResponse,
  ListedTask,
  ListPage,
  PollOutcome,
  ProviderAdapter,
  ProviderError,
  ProviderRequest,
  SubmitOutcome,
  TaskRef,
  WebhookBody,
  WebhookNews,
} from '../port.js';
import { asNumber, asObject, asText, asUrl, at, isSuccess, readObject } from '../wire.js';
import type { WireObject } from '../wire.js';
import { derivedSeed, hasOwnSeed, refuseSeedance, submitBody } from './seedance-body.js';
import { arkWords } from './seedance-errors.js';

/** The key is `ARK_API_KEY`, else `BYTEDANCE_ARK_API_KEY`; it is good in one region alone. */
export interface SeedanceOptions extends AdapterOptions {
  /**
   * Whose key it is: `cn` of Volcengine Ark, `intl` of BytePlus ModelArk. Default `intl`. The variables
   * have the same names in both, so they cannot tell.
   */
  readonly region?: 'cn' | 'intl';
  /**
   * The model of requests that name none. Default `seedance-1-0-pro-250528`, in China
   * `doubao-seedance-2-0-260128`.
   */
  readonly model?: string;
  /**
   * Whether a submit carries a seed that is derived from its job, to find it by. Default true. False, for a
   * model that takes no seed: a submit whose answer was lost is held.
   */
  readonly tagBySeed?: boolean;
}

const REGIONS = {
  cn: { baseUrl: 'https://ark.cn-beijing.volces.com/api/v3', model: 'doubao-seedance-2-0-260128' },
  intl: { baseUrl: 'https://ark.ap-southeast.bytepluses.com/api/v3', model: 'seedance-1-0-pro-250528' },
} as const;
const TASKS = '/contents/generations/tasks';
const URL_TTL_MS = 24 * 3_600_000;
const PAGE_SIZE = 100;

interface House {
  readonly region: 'cn' | 'intl';
  readonly model: string;
  readonly tags: (request: ProviderRequest) => boolean;
  readonly now: () => number;
}

export function seedance(options: SeedanceOptions = {}): ProviderAdapter {
  checkOptions<SeedanceOptions>('seedance', options, {
    region: ['intl', 'cn'],
    model: 'text',
    tagBySeed: 'flag',
  });
  const region = options.region ?? 'intl';
  const { clock, ...home } = homeOf('seedance', options, REGIONS[region].baseUrl);
  const house: House = {
    region,
    model: options.model ?? REGIONS[region].model,
    tags: (request) => options.tagBySeed !== false && !hasOwnSeed(request),
    now: () => clock.now(),
  };
  return {
    id: 'seedance',
    aliases: ['doubao'],
    ...home,
    capabilities: {
      kinds: ['video'],
      webhook: 'unsigned',
      cancel: 'queued',
      pollMinMs: 1_000,
      urlTtlMs: URL_TTL_MS,
    },
    reconcile: {
      by: 'list',
      onUnlisted: 'hold',
      tagged: house.tags,
      buildPage: (_request, cursor) => ({ method: 'GET', path: pagePath(placeOf(cursor).page, PAGE_SIZE) }),
      parsePage: (response, request, credential, cursor) =>
        parsePage(house, response, request, credential, cursor),
      // Whatever the options say by now: nobody else has that seed.
      sameRequest: ({ echo }, request, { key }) =>
        !hasOwnSeed(request) && echo.seed === String(derivedSeed(key)),
    },
    webhook: {
      schemes: [{ type: 'unsigned' }],
      parse: (body, { credential }) => parseNews(house, body, credential),
    },
    check: {
      build: () => ({ method: 'GET', path: pagePath(1, 1) }),
      parse: (response) => parseCheck(house, response),
    },
    credential: (alias) => bearer(keyOf(options, alias, ['ARK_API_KEY', 'BYTEDANCE_ARK_API_KEY'])),
    refuse: refuseSeedance,
    buildSubmit: (request, { key, callbackUrl }) => {
      const tag = house.tags(request) ? derivedSeed(key) : undefined;
      const json = submitBody(request, request.model ?? house.model, tag, callbackUrl);
      return { method: 'POST', path: TASKS, json };
    },
    parseSubmit: (response, _request, credential) => parseSubmit(house, response, credential),
    buildPoll: (ref) => ({ method: 'GET', path: taskPath(ref) }),
    parsePoll: (response, ref) => parsePoll(house, response, ref),
    // Only a queued task is called off; Ark refuses for a running one and forgets a finished one.
    buildCancel: (ref) => ({ method: 'DELETE', path: taskPath(ref) }),
    cancelErases: true,
  };
}

function parseSubmit(house: House, response: HttpResponse, credential: string): SubmitOutcome {
  const body = readObject(response.text);
  const words = arkWords(response.status, body);
  if (!isSuccess(response)) return refusedSubmit(response, words, house.now());
  const taskId = asText(body?.id);
  if (body !== undefined && taskId !== undefined) {
    return acceptedSubmit(refOf(house, taskId, credential), outcomeOf(response, body));
  }
  // A refusal inside a 200 is likely, but no proof: the listing has the last word.
  if (words.message !== undefined || words.code !== undefined) {
    const { code, message = 'an error inside a success' } = words;
    return { type: 'ambiguous', error: providerError(words.class ?? 'unusable', { code, message }) };
  }
  return { type: 'billed', error: unusable(response, 'a submit without a task id') };
}

function parsePoll(house: House, response: HttpResponse, ref: TaskRef): PollOutcome {
  const body = readObject(response.text);
  if (!isSuccess(response)) return failedPoll(response, arkWords(response.status, body), house.now());
  if (body === undefined) return unusablePoll(response, 'a poll that is no JSON object');
  const echoed = asText(body.id);
  if (echoed !== undefined && echoed !== ref.taskId) {
    return unusablePoll(response, 'a poll that answers for another task');
  }
  return outcomeOf(response, body);
}

function outcomeOf(response: HttpResponse, body: WireObject): PollOutcome {
  const status = asText(body.status)?.toLowerCase();
  switch (status) {
    case undefined:
      return unusablePoll(response, 'a task without a status');
    case 'queued':
    case 'running':
      return { type: 'pending' };
    case 'succeeded': {
      const url = asUrl(at(body, 'content', 'video_url'));
      if (url !== undefined) return { type: 'done', artifacts: [{ url, authenticated: false }] };
      return unusablePoll(response, 'a finished task without a video');
    }
    case 'failed':
    case 'expired':
    case 'cancelled':
    case 'canceled':
      return { type: 'failed', error: failureOf(body, status) };
    default:
      return { type: 'pending', unknownStatus: status };
  }
}

/** Old deployments say `failure_reason` where today's say `error`. */
function failureOf(body: WireObject, status: string): ProviderError {
  const told = asObject(body.error) ?? asObject(body.failure_reason);
  const code = asText(told?.code) ?? status;
  const text = asText(told?.message) ?? asText(body.error) ?? asText(body.failure_reason);
  const message = text ?? `the provider says ${status}`;
  return taskFailure({ code, message });
}

function parseNews(house: House, body: WebhookBody, credential: string): WebhookNews | undefined {
  const taskId = asText(body.id);
  if (taskId === undefined) return undefined;
  const outcome = outcomeOf({ status: 200, headers: {}, text: '' }, body);
  return { ref: refOf(house, taskId, credential), ...(outcome.type === 'transient' ? {} : { outcome }) };
}

function parseCheck(house: House, response: HttpResponse): ProviderError | undefined {
  const body = readObject(response.text);
  if (!isSuccess(response)) return failedPoll(response, arkWords(response.status, body), house.now()).error;
  return itemsOf(body) === undefined ? unusable(response, 'a listing without items') : undefined;
}

/** `cursor` is the number of the page that was asked and how many tasks came before it. */
function parsePage(
  house: House,
  response: HttpResponse,
  request: ProviderRequest,
  credential: string,
  cursor: string | undefined,
): ListPage {
  const body = readObject(response.text);
  if (!isSuccess(response)) return failedPoll(response, arkWords(response.status, body), house.now());
  const items = itemsOf(body);
  if (items === undefined) return unusablePoll(response, 'a listing without items');
  const model = request.model ?? house.model;
  if (house.tags(request) && items.some((item) => mayBeAnyones(item, model))) {
    return unusablePoll(response, 'a listing that does not name all its seeds');
  }
  const tasks = items.flatMap((item) => listedTask(house, item, credential));
  const { page, before } = placeOf(cursor);
  const seen = before + items.length;
  const more = items.length > 0 && seen < (asNumber(body?.total) ?? Number.POSITIVE_INFINITY);
  return {
    type: 'page',
    tasks,
    // The order of the listing is documented nowhere.
    unordered: isUnordered(tasks),
    ...(more ? { next: `${page + 1}:${seen}` } : {}),
  };
}

function itemsOf(body: WireObject | undefined): readonly WireObject[] | undefined {
  const list = body?.items ?? body?.data;
  return Array.isArray(list) ? list.map(asObject).filter((item) => item !== undefined) : undefined;
}

/**
 * No seed is told, and the task has not failed: it may be the lost one. Model names grow a version when
 * echoed.
 */
function mayBeAnyones(item: WireObject, wanted: string): boolean {
  if (asNumber(item.seed) !== undefined) return false;
  if (['failed', 'expired', 'cancelled', 'canceled'].includes(asText(item.status)?.toLowerCase() ?? '')) {
    return false;
  }
  // `ep-...` names an endpoint of the user's own, whose model only Ark knows.
  return wanted.startsWith('ep-') || (asText(item.model) ?? wanted).startsWith(wanted);
}

function listedTask(house: House, item: WireObject, credential: string): readonly ListedTask[] {
  const taskId = asText(item.id);
  if (taskId === undefined) return [];
  const { createdAt } = listedAt(asNumber(item.created_at));
  const echo = { seed: asText(item.seed), model: asText(item.model) };
  return [{ ref: refOf(house, taskId, credential), createdAt, echo }];
}

function placeOf(cursor: string | undefined): { readonly page: number; readonly before: number } {
  const [page = 1, before = 0] = (cursor ?? '').split(':').flatMap((part) => asNumber(part) ?? []);
  return { page, before };
}

function pagePath(page: number, size: number): string {
  return `${TASKS}?page_num=${page}&page_size=${size}`;
}

function taskPath(ref: TaskRef): string {
  return `${TASKS}/${encodeURIComponent(ref.taskId)}`;
}

function refOf({ region }: House, taskId: string, credential: string): TaskRef {
  return { taskId, endpoint: 'tasks', generation: 'v3', region, credential };
}
