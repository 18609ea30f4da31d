/**
 * What the page asks the inspector's server: the nouns of `runtime.inspection`, over HTTP.
 *
 * Owns: nothing. Callers: the page's views, through `useApi` (house.tsx). Invariants:
 *  1  Addresses are relative to the page: it works below any path of anybody's server.
 *  2  What fails rejects with an ApiError, whose code is one of docs/errors.md, or `UNREACHABLE`.
 *  3  What comes back was written by a server of this version, and is trusted as far as it is an object.
 */
import type {
  ActorLine,
  ActorReport,
  ActRequest,
  ActView,
  CapsuleReport,
  ChartView,
  ListInspected,
  ListSteps,
  Population,
  StepLine,
  StepReport,
  Story,
  WhatIfReport,
  WhatIfRequest,
  WhyReport,
} from '../../actors/inspection/face.js';
import { inspectedFromWire, inspectedToWire } from '../../control/inspection-wire.js';
import type { JsonObject } from '../../json.js';

/** Items of a listing, and where it goes on. */
export interface PageOf<Item> {
  readonly items: readonly Item[];
  readonly cursor?: string;
}

/** What names a chart: `/chart.svg?kind&version&hash`. */
export interface ChartKey {
  readonly kind: string;
  readonly version?: string | undefined;
  readonly hash?: string | undefined;
}

/** A chart that the server need not know: a capsule's. */
export interface GivenChart {
  /** What `createMachine` accepts. */
  readonly config: JsonObject;
}

/** `/config.json`: what the server says of itself. */
export interface PageConfig {
  /** Whether acts are taken. */
  readonly allowActions: boolean;
  /** Whether anybody runs the directory. */
  readonly live: boolean;
  readonly version: string;
  /** What is looked at, such as the name of its directory. */
  readonly name?: string;
}

/** A call that was refused, or did not arrive. */
export class ApiError extends Error {
  readonly code: string;
  /** 0: there was no answer. */
  readonly status: number;

  constructor(code: string, message: string, status: number) {
    super(message);
    this.name = 'ApiError';
    this.code = code;
    this.status = status;
  }
}

export interface Api {
  config(signal?: AbortSignal): Promise<PageConfig>;
  population(signal?: AbortSignal): Promise<Population>;
  list(filter: ListInspected, signal?: AbortSignal): Promise<PageOf<ActorLine>>;
  actor(address: string, signal?: AbortSignal): Promise<ActorReport>;
  steps(address: string, options?: ListSteps, signal?: AbortSignal): Promise<PageOf<StepLine>>;
  step(address: string, seq: number, signal?: AbortSignal): Promise<StepReport>;
  why(address: string, signal?: AbortSignal): Promise<WhyReport>;
  story(address: string, seq?: number, signal?: AbortSignal): Promise<Story>;
  /**
   * The drawing, as the text of an SVG document: of a chart that the server knows, or of one that is
   * given.
   */
  chartSvg(key: ChartKey | GivenChart, signal?: AbortSignal): Promise<string>;
  chart(key: ChartKey, signal?: AbortSignal): Promise<ChartView>;
  whatIf(request: WhatIfRequest, signal?: AbortSignal): Promise<WhatIfReport>;
  /** The actor as a file, without secrets. */
  capsule(address: string, signal?: AbortSignal): Promise<unknown>;
  acts(address: string, signal?: AbortSignal): Promise<readonly ActView[]>;
  /** Resolves when it is on disk. */
  act(request: Omit<ActRequest, 'operator'> & { readonly operator?: string | undefined }): Promise<void>;
  look(capsule: unknown, signal?: AbortSignal): Promise<CapsuleReport>;
  whatIfOf(
    capsule: unknown,
    request: Omit<WhatIfRequest, 'address'>,
    signal?: AbortSignal,
  ): Promise<WhatIfReport>;
}

export function createApi(): Api {
  const get = async <T>(path: string, query: object, signal: AbortSignal | undefined): Promise<T> =>
    (await objectOf(await ask(urlOf(path, query), { signal: signal ?? null }))) as T;
  const post = async <T>(path: string, body: object, signal: AbortSignal | undefined): Promise<T> =>
    (await objectOf(await ask(path, posted(JSON.stringify(inspectedToWire(body)), signal)))) as T;
  return {
    config: (signal) => get('config.json', {}, signal),
    population: (signal) => get('v1/population', {}, signal),
    list: (filter, signal) => get('v1/actors', filter, signal),
    actor: (address, signal) => get('v1/actors/actor', { address }, signal),
    steps: (address, options, signal) => get('v1/actors/steps', { address, ...options }, signal),
    step: (address, seq, signal) => get('v1/actors/step', { address, seq }, signal),
    why: (address, signal) => get('v1/actors/why', { address }, signal),
    story: (address, seq, signal) => get('v1/actors/story', { address, seq }, signal),
    chartSvg: async (chart, signal) => {
      const asked =
        'config' in chart
          ? ask('chart.svg', posted(JSON.stringify({ config: chart.config }), signal))
          : ask(urlOf('chart.svg', chart), { signal: signal ?? null });
      return (await asked).text();
    },
    chart: (key, signal) => get('v1/charts', key, signal),
    whatIf: (request, signal) => post('v1/actors/what-if', request, signal),
    capsule: async (address, signal) =>
      (await get<{ readonly capsule: unknown }>('v1/actors/capsule', { address }, signal)).capsule,
    acts: async (address, signal) =>
      (await get<{ readonly items: readonly ActView[] }>('v1/actors/acts', { address }, signal)).items,
    act: async (request) => {
      await post('v1/actors/act', request, undefined);
    },
    look: (capsule, signal) => post('v1/capsules/look', { capsule }, signal),
    whatIfOf: (capsule, request, signal) => post('v1/capsules/what-if', { capsule, ...request }, signal),
  };
}

function posted(body: string, signal: AbortSignal | undefined): RequestInit {
  const headers = { 'content-type': 'application/json' };
  return { method: 'POST', headers, body, signal: signal ?? null };
}

/** `path?query`, in the names of the wire; what is undefined is left out. */
export function urlOf(path: string, query: object): string {
  const named = Object.entries(inspectedToWire(query) as Record<string, unknown>)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => [name, String(value)] as [string, string]);
  return named.length === 0 ? path : `${path}?${new URLSearchParams(named).toString()}`;
}

async function ask(url: string, request: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, { ...request, credentials: 'same-origin' });
  } catch (error) {
    if (isAborted(error)) throw error;
    throw new ApiError('UNREACHABLE', 'The inspector’s server does not answer.', 0);
  }
  if (response.ok) return response;
  throw refusalOf(response, await response.text().catch(() => ''));
}

/** Whether a call ended because nobody waits for it any more. */
export function isAborted(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}

async function objectOf(response: Response): Promise<unknown> {
  const body: unknown = await response.json();
  if (typeof body === 'object' && body !== null) return inspectedFromWire(body);
  throw new ApiError('UNREACHABLE', 'The answer is not of the form this page knows.', response.status);
}

/** The error of a body `{error: {code, message}}`; other bodies are of something that is no inspector. */
function refusalOf(response: Response, text: string): ApiError {
  const told = errorIn(text);
  const message = told?.message ?? `The server answered ${response.status}.`;
  return new ApiError(told?.code ?? 'UNREACHABLE', message, response.status);
}

function errorIn(text: string): { readonly code: string; readonly message: string } | undefined {
  try {
    const { error } = JSON.parse(text) as {
      readonly error?: { readonly code?: unknown; readonly message?: unknown };
    };
    if (typeof error?.code !== 'string' || typeof error.message !== 'string') return undefined;
    return { code: error.code, message: error.message };
  } catch {
    return undefined;
  }
}
