/**
 * What every adapter factory does with its options: the base URL and the keys.
 *
 * Callers: the adapter files. Invariant: a key is looked up at each call and kept nowhere.
 */
import { systemClock, type Clock } from '../clock.js';
import { HoldfastError } from '../errors.js';
import { isPlainObject } from '../json.js';
import { limits } from '../limits.js';
import { environment } from '../options.js';
import type { Environment } from '../options.js';
import { checkJobTimes } from './job-times.js';
import type { AccountLimits, Credential, JobTimes, ProviderRequest } from './port.js';

/** The alias of the one account that a plain key, or the environment, speaks for. */
export const defaultCredential = 'default';

/**
 * One key for the alias `default`; or a key per alias; or a function, asked at each call. Whatever this
 * does not answer for the alias `default` comes from the environment.
 */
export type ApiKey =
  | string
  | Readonly<Record<string, string>>
  | ((credentialAlias: string) => string | undefined);

export interface KeyOptions {
  readonly apiKey?: ApiKey;
  /** Default: the environment of the process. */
  readonly env?: () => Environment;
}

/** What every adapter's factory takes. */
export interface AdapterOptions extends KeyOptions {
  /** One that is given is trusted (may be private). */
  readonly baseUrl?: string;
  /** Further origins that may be plain http and private, such as a file server. */
  readonly trustedOrigins?: readonly string[];
  /** Of each account; default 8 calls at once, and what the provider is known to allow a minute. */
  readonly limits?: AccountLimits;
  /** How often its tasks are polled, and until when. */
  readonly jobs?: JobTimes;
  /** For Retry-After dates and for keys that expire. Default: the system's. */
  readonly clock?: Clock;
}

/** What every adapter has of its options. */
export interface Home {
  readonly baseUrl: string;
  readonly trustedOrigins: readonly string[];
  readonly limits?: AccountLimits;
  readonly jobs?: JobTimes;
  readonly clock: Clock;
}

/** Reads them. `configured` is a base URL that the user gave. Throws `INVALID_OPTIONS`. */
export function homeOf(
  provider: string,
  options: Omit<AdapterOptions, 'apiKey'>,
  otherwise: string,
  configured = options.baseUrl,
): Home {
  const baseUrl = baseUrlOf(provider, configured ?? otherwise);
  checkAccountLimits(provider, options.limits);
  checkJobTimes(provider, options.jobs);
  const own = configured === undefined ? [] : [baseUrl];
  const trustedOrigins = originsOf(provider, [...own, ...(options.trustedOrigins ?? [])]);
  return {
    baseUrl,
    trustedOrigins,
    ...(options.limits === undefined ? {} : { limits: options.limits }),
    ...(options.jobs === undefined ? {} : { jobs: options.jobs }),
    clock: options.clock ?? systemClock,
  };
}

/** Throws `INVALID_OPTIONS` for limits under which nothing could be called. */
export function checkAccountLimits(
  provider: string,
  { together, ...account }: AccountLimits = {},
  place = 'limits',
): void {
  const { concurrent = 1, perMinute = 1, ...others } = account;
  const { providerCallsMax, providerCallsPerMinuteMax } = limits;
  const wrong = (option: string, message: string): never => {
    throw new HoldfastError('INVALID_OPTIONS', `${provider}: ${place}.${option} ${message}`, {
      details: { option: `${place}.${option}` },
    });
  };
  for (const name of Object.keys(others))
    wrong(name, 'is no limit; there are concurrent, perMinute and together');
  if (!(Number.isSafeInteger(concurrent) && concurrent >= 1 && concurrent <= providerCallsMax))
    wrong('concurrent', `must be a whole number from 1 to ${providerCallsMax}`);
  if (!(perMinute > 0 && perMinute <= providerCallsPerMinuteMax))
    wrong('perMinute', `must be a number above 0, and ${providerCallsPerMinuteMax} at most`);
  if (together === undefined) return;
  if (!isPlainObject(together) || place !== 'limits') wrong('together', 'must be an object of limits');
  checkAccountLimits(provider, together, `${place}.together`);
}

/** The key of an alias, now; undefined when there is none. */
export function keyOf(options: KeyOptions, alias: string, variables: readonly string[]): string | undefined {
  const given = givenKey(options.apiKey, alias)?.trim();
  if (given !== undefined && given !== '') return given;
  if (alias !== defaultCredential) return undefined;
  const env = (options.env ?? environment)();
  return variables.map((name) => env[name]?.trim()).find((value) => value !== undefined && value !== '');
}

/** A key as most providers take it; undefined without one. */
export function bearer(key: string | undefined): Credential | undefined {
  return key === undefined ? undefined : { headers: { authorization: `Bearer ${key}` } };
}

function givenKey(apiKey: ApiKey | undefined, alias: string): string | undefined {
  if (typeof apiKey === 'function') return apiKey(alias);
  if (typeof apiKey === 'string') return alias === defaultCredential ? apiKey : undefined;
  return apiKey !== undefined && Object.hasOwn(apiKey, alias) ? apiKey[alias] : undefined;
}

/** One signing secret or several, all of them good; or those of an account, asked at each delivery. */
export type WebhookSecret = string | readonly string[] | ((credentialAlias: string) => readonly string[]);

/**
 * The signing secrets of an alias, now. What is not given comes from the variable, which holds one or several
 * with a comma or a space between them, for the alias `default`.
 */
export function webhookSecretsOf(
  given: WebhookSecret | undefined,
  options: Pick<KeyOptions, 'env'>,
  alias: string,
  variable: string,
): readonly string[] {
  if (typeof given === 'function') return given(alias);
  if (alias !== defaultCredential) return [];
  return secretsIn(given ?? (options.env ?? environment)()[variable] ?? '');
}

/** One or several, with a comma or a space between them where they are one text. */
export function secretsIn(given: string | readonly string[]): readonly string[] {
  const texts = typeof given === 'string' ? given.split(/[\s,]+/) : given;
  return texts.filter((text) => text !== '');
}

/** A base URL without its trailing slash. Throws `INVALID_OPTIONS` unless it is plain http or https. */
export function baseUrlOf(provider: string, text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isHttp = url?.protocol === 'https:' || url?.protocol === 'http:';
  if (url === undefined || !isHttp || url.username !== '' || url.search !== '' || url.hash !== '') {
    throw new HoldfastError(
      'INVALID_OPTIONS',
      `${provider}: baseUrl must be an http(s) URL without user, query and fragment`,
      { details: { option: 'baseUrl' } },
    );
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
}

/** Origins as URLs write them. Throws `INVALID_OPTIONS` for a text that is no http(s) URL. */
export function originsOf(provider: string, texts: readonly string[]): readonly string[] {
  return [...new Set(texts.map((text) => new URL(baseUrlOf(`${provider}: trustedOrigins`, text)).origin))];
}

/** What is wrong with the shared part of a request; undefined when nothing is. */
export function refuseShared(request: ProviderRequest, kinds: readonly string[]): string | undefined {
  if (!kinds.includes(request.kind)) return `kind must be one of ${kinds.join(', ')}`;
  if (request.prompt.trim() === '') return 'prompt must not be empty';
  if (request.size !== undefined && !/^\d{2,5}x\d{2,5}$/.test(request.size))
    return 'size must look like 1280x720';
  if (request.aspectRatio !== undefined && !/^\d{1,3}:\d{1,3}$/.test(request.aspectRatio)) {
    return 'aspectRatio must look like 16:9';
  }
  const seconds = request.durationSeconds;
  if (seconds !== undefined && !(Number.isFinite(seconds) && seconds > 0)) {
    return 'durationSeconds must be a positive number';
  }
  if (request.image !== undefined && !/^(https?:\/\/|data:image\/)/.test(request.image)) {
    return 'image must be an http(s) URL or a data:image/ URI';
  }
  return undefined;
}
