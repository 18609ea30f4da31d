/**
 * The door for providers: HTTP in, a verdict out.
 *
 *   POST /hooks/{provider}/{token}    the hook of one job, as its submit named it
 *   POST /hooks/{provider}            the one hook of an account: `?credential=ALIAS`, else the default one
 *
 * Owns: nothing. Callers: runtime.fetch. Invariants:
 *  I1  A token is looked at before the body, a signature before anything is written.
 *  I2  A 2xx is sent after the commit, or where there is nothing to commit; 401 and 404 change nothing; a
 *      503 says that it may come again.
 *  I3  It never rejects, reads at most `limits.hookBodyBytesMax` in `limits.hookBodyTimeoutMs`, and its
 *      answers and log lines hold neither token, signature nor body.
 */
import type { Clock } from '../../clock.js';
import { isHoldfastError } from '../../errors.js';
import { limits } from '../../limits.js';
import type { Logger } from '../../log.js';
import { challengeIn, defaultCredential, webhookBody } from '../../providers/index.js';
import type { ProviderAdapter, WebhookDelivery } from '../../providers/index.js';
import type { ProviderBook } from '../provider-book.js';
import type { Vault } from '../vault.js';
import { boundedBody, type BodyBounds } from './body.js';
import type { Hooks, Taken } from './hooks.js';

export interface IngressOptions {
  readonly providers: ProviderBook;
  readonly vault: Vault;
  readonly hooks: Hooks;
  readonly clock: Clock;
  readonly log: Logger;
  /** What the public URL has before `/hooks`; a proxy may cut it off. */
  readonly publicUrl: string | undefined;
}

interface Hook {
  readonly adapter: ProviderAdapter;
  /** Undefined at the hook of an account. */
  readonly jobId: string | undefined;
  readonly credential: string;
}

const HEADER_CHARS_MAX = 20_000;
const SECOND_MS = 1_000;

export class Ingress {
  readonly #options: IngressOptions;
  readonly #prefix: string;
  readonly #bounds: BodyBounds;

  constructor(options: IngressOptions) {
    this.#options = options;
    const { publicUrl, clock } = options;
    this.#bounds = { bytesMax: limits.hookBodyBytesMax, timeoutMs: limits.hookBodyTimeoutMs, clock };
    this.#prefix = publicUrl === undefined ? '' : new URL(publicUrl).pathname.replace(/\/+$/, '');
  }

  async fetch(request: Request): Promise<Response> {
    try {
      return await this.#answer(request);
    } catch (error) {
      const { log } = this.#options;
      // Its job was removed while it was looked at.
      if (isHoldfastError(error, 'ACTOR_NOT_FOUND')) return answer(200);
      if (isPassing(error)) {
        log.warn({ err: error }, 'hook.later');
        return later();
      }
      log.error({ err: error }, 'hook.failed');
      return answer(500);
    }
  }

  async #answer(request: Request): Promise<Response> {
    const path = this.#partsOf(new URL(request.url).pathname);
    if (path === undefined) return answer(404);
    if (request.method !== 'POST') return answer(405, { allow: 'POST' });
    const hook = await this.#hook(request, path);
    if (hook === undefined) return answer(404);
    const raw = await boundedBody(request, this.#bounds);
    if (typeof raw === 'number') return answer(raw);
    const body = webhookBody(raw);
    if (body === undefined) return answer(400);
    const delivery = { headers: headersOf(request), raw, body };
    return this.#challenge(hook, delivery) ?? this.#take(hook, delivery);
  }

  /** Provider and token, as the path names them. */
  #partsOf(path: string): readonly string[] | undefined {
    const own = path.startsWith(`${this.#prefix}/hooks/`) ? path.slice(this.#prefix.length) : path;
    const parts = own.split('/').slice(1);
    const known = parts[0] === 'hooks' && (parts.length === 2 || parts.length === 3) && parts[1] !== '';
    return known ? parts.slice(1).map(decoded) : undefined;
  }

  async #hook(request: Request, [name = '', token]: readonly string[]): Promise<Hook | undefined> {
    const { providers, vault } = this.#options;
    const adapter = providers.get(name);
    if (adapter?.webhook === undefined) return undefined;
    if (token === undefined) {
      const credential = new URL(request.url).searchParams.get('credential') ?? defaultCredential;
      return { adapter, jobId: undefined, credential };
    }
    const jobId = await vault.jobOf(adapter.id, token);
    return jobId === undefined ? undefined : { adapter, jobId, credential: '' };
  }

  /** The answer to a challenge: the provider wants to see that the address is ours. */
  #challenge({ adapter, jobId }: Hook, { body }: WebhookDelivery): Response | undefined {
    const challenge = jobId === undefined ? undefined : challengeIn(adapter, body);
    if (challenge === undefined) return undefined;
    if (Buffer.byteLength(challenge) > limits.hookChallengeBytesMax) return answer(400);
    const headers = { 'content-type': 'application/json' };
    return new Response(JSON.stringify({ challenge }), { status: 200, headers });
  }

  async #take({ adapter, jobId, credential }: Hook, delivery: WebhookDelivery): Promise<Response> {
    const { hooks } = this.#options;
    const taken =
      jobId === undefined
        ? await hooks.forAccount(adapter, credential, delivery)
        : await hooks.forJob(adapter, jobId, delivery);
    return this.#answerOf(taken, adapter.id, jobId);
  }

  #answerOf(taken: Taken, provider: string, jobId: string | undefined): Response {
    const { log } = this.#options;
    const facts = { provider, ...(jobId === undefined ? {} : { jobId }) };
    switch (taken.type) {
      case 'taken':
        return answer(200);
      case 'ignored':
        log.debug({ ...facts, reason: taken.reason }, 'hook.ignored');
        return answer(200);
      case 'refused':
        log.info({ ...facts, reason: taken.reason }, 'hook.refused');
        return answer(401);
      case 'unchecked':
        log.warn({ ...facts, reason: taken.reason }, 'hook.unchecked');
        return later();
    }
  }
}

/** What may be over when the provider sends it again. */
function isPassing(error: unknown): boolean {
  const codes = [
    'RUNTIME_CLOSED',
    'STORE_FAILED',
    'STORE_FULL',
    'MAILBOX_FULL',
    'COMMITS_BEHIND',
    'ACTOR_QUARANTINED',
  ] as const;
  return codes.some((code) => isHoldfastError(error, code));
}

function answer(status: number, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(status === 200 ? '{}' : null, {
    status,
    headers: status === 200 ? { 'content-type': 'application/json', ...headers } : headers,
  });
}

function later(): Response {
  return answer(503, { 'retry-after': String(limits.hookRetryAfterMs / SECOND_MS) });
}

function headersOf(request: Request): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {};
  for (const [name, value] of request.headers) {
    if (value.length <= HEADER_CHARS_MAX) headers[name] = value;
  }
  return headers;
}

/** A path part; one that is badly written fits nothing. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
