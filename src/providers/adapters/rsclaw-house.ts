/**
 * What the two rsclaw adapters share: the host, its fleet, the key, the words of its errors.
 *
 * Callers: `rsclaw.ts`, `rsclaw-image.ts`. Invariant: the fleet is rsclaw's own domain, for whoever asks
 * there, and the hosts below the configured one; nobody can tell from a name alone where a stranger's
 * domain begins.
 */
import { baseUrlOf, bearer, homeOf, keyOf, originsOf } from '../account.js';
import type { AdapterOptions, Home } from '../account.js';
import { failedPoll, soundsUnsafe } from '../classify.js';
import type { ErrorWords } from '../classify.js';
import type { Credential, HttpResponse, ProviderError } from '../port.js';
import { asText, at, isSuccess, readObject } from '../wire.js';

/**
 * The base URL is `https://api.rsclaw.ai`; that of the language models, which ends in `/v1/agent` or `/v1`,
 * will do. The key is `RSCLAW_API_KEY`.
 */
export interface RsclawHouseOptions extends AdapterOptions {
  /**
   * Further origins that a load balancer may send a call on to, key included; they are trusted. Default: the
   * hosts of `rsclaw.ai`, or those below the host of another base URL.
   */
  readonly fleetOrigins?: readonly string[];
}

export interface RsclawHouse extends Home {
  /** Whether the key may go there. */
  readonly fleet: (url: URL) => boolean;
  readonly credential: (alias: string) => Credential | undefined;
}

const BASE_URL = 'https://api.rsclaw.ai';
const OWN_DOMAIN = 'rsclaw.ai';

/** Throws `INVALID_OPTIONS`. */
export function rsclawHouse(provider: string, options: RsclawHouseOptions): RsclawHouse {
  const given = options.baseUrl === undefined ? undefined : baseUrlOf(provider, options.baseUrl);
  const configured = given?.replace(/\/v1(\/agent)?$/, '');
  const fleetOrigins = originsOf(provider, options.fleetOrigins ?? []);
  const trustedOrigins = [...fleetOrigins, ...(options.trustedOrigins ?? [])];
  const home = homeOf(provider, { ...options, trustedOrigins }, BASE_URL, configured);
  return {
    ...home,
    fleet: (url) => fleetOrigins.includes(url.origin) || isBelow(new URL(home.baseUrl), url),
    credential: (alias) => bearer(keyOf(options, alias, ['RSCLAW_API_KEY'])),
  };
}

function isBelow(base: URL, { protocol, port, hostname }: URL): boolean {
  const isOwn = base.hostname === OWN_DOMAIN || base.hostname.endsWith(`.${OWN_DOMAIN}`);
  const domain = isOwn ? OWN_DOMAIN : base.hostname;
  if (protocol !== 'https:' || port !== '') return false;
  return hostname === domain || hostname.endsWith(`.${domain}`);
}

/** A refusal is `{error: {message}}` or `{message}`, and a load balancer's page is neither. */
export function rsclawWords({ status, text }: HttpResponse): ErrorWords {
  const body = readObject(text);
  const code = asText(at(body, 'error', 'code')) ?? asText(body?.code);
  const message =
    asText(at(body, 'error', 'message')) ??
    asText(body?.error) ??
    asText(body?.message) ??
    asText(body?.detail);
  const isUnsafe = (status === 400 || status === 422) && soundsUnsafe(code, message);
  return { code, message, class: isUnsafe ? 'safety' : undefined };
}

/**
 * The answer to a question after what cannot exist: that it does not is the word of somebody who let us
 * in.
 */
export function parseCheck(response: HttpResponse, now: number): ProviderError | undefined {
  const isJson = readObject(response.text) !== undefined;
  if (isJson && (isSuccess(response) || response.status === 404)) return undefined;
  return failedPoll(response, rsclawWords(response), now).error;
}
