/**
 * The provider port: what an adapter is, and the words adapters, transport and jobs share.
 *
 * An adapter is pure: it builds requests and parses responses. It holds no state, opens no socket and sees
 * a key only in `credential`, which the transport calls at each request. Callers: the transport,
 * `actors/jobs.ts`, the adapters.
 *
 * Invariants:
 *  P1  A request is built without its credential; the transport adds it, for the adapter's own origin alone.
 *  P2  A parser never throws: what it cannot read is `ambiguous` on a submit, `transient` on a poll.
 *  P3  A status word nobody knows is `pending` and names itself in `unknownStatus`.
 *  P4  A 2xx reply to a submit whose body is unusable is `billed`: never repeated, never passed on.
 */
import type { Json, JsonObject } from '../json.js';

export type JobKind = 'video' | 'image';

/** What is wanted, in words every provider shares; `extra` is passed through to the provider's body. */
export interface ProviderRequest {
  readonly kind: JobKind;
  /** 1 or more characters. */
  readonly prompt: string;
  /** The provider's model name; the adapter's default when absent. */
  readonly model?: string;
  /** An https URL or a data URI of a first frame. */
  readonly image?: string;
  readonly negativePrompt?: string;
  readonly durationSeconds?: number;
  /** `1280x720`. */
  readonly size?: string;
  /** `16:9`. */
  readonly aspectRatio?: string;
  readonly seed?: number;
  readonly extra?: JsonObject;
}

/** What is needed to ask again for a task: persisted, so no secret may be in it. */
export interface TaskRef {
  readonly taskId: string;
  /** Which family of paths the task lives under, such as `text-to-video`. */
  readonly endpoint: string;
  /** Which generation of the provider's API, such as `2026`. */
  readonly generation: string;
  readonly region?: string;
  /** The alias of the credential, never the key. */
  readonly credential: string;
}

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'DELETE' | 'PUT';
  /** Path and query below the adapter's base URL, starting with a slash. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** At most one of the two. */
  readonly json?: Json;
  readonly form?: Readonly<Record<string, string>>;
}

export interface HttpResponse {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** The body as text, at most 1 MiB. */
  readonly text: string;
}

/** One table of decisions for all providers; see docs/errors.md for what each class does to a job. */
export type ProviderErrorClass =
  | 'auth'
  | 'billing'
  | 'validation'
  | 'safety'
  | 'rate'
  | 'server'
  | 'network'
  | 'notFound'
  | 'unusable'
  | 'failed';

export interface ProviderError {
  readonly class: ProviderErrorClass;
  /** The provider's own code where it gives one, else the class. */
  readonly code: string;
  /** For people; redacted. */
  readonly message: string;
  readonly retryable: boolean;
  /** What the provider asked for, clamped to 1 s .. 15 min. */
  readonly retryAfterMs?: number;
}

export interface ArtifactSource {
  /** Absolute. Treated as a secret: its query is redacted wherever it is shown. */
  readonly url: string;
  /** Send the credential; honoured for the adapter's own origin alone. */
  readonly authenticated: boolean;
}

export type PollOutcome =
  | {
      readonly type: 'pending';
      readonly progress?: number;
      readonly unknownStatus?: string;
      readonly retryAfterMs?: number;
    }
  | { readonly type: 'done'; readonly artifacts: readonly ArtifactSource[] }
  | { readonly type: 'failed'; readonly error: ProviderError }
  | { readonly type: 'transient'; readonly error: ProviderError };

export type SubmitOutcome =
  /** `settled` when the reply is terminal already: it went through the same normaliser as a poll. */
  | { readonly type: 'accepted'; readonly ref: TaskRef; readonly settled?: PollOutcome }
  /** Known not accepted: nothing is billed. Retried when `error.retryable`. */
  | { readonly type: 'rejected'; readonly error: ProviderError }
  /** Perhaps accepted: reconcile, never repeat. */
  | { readonly type: 'ambiguous'; readonly error: ProviderError }
  /** A 2xx without a usable body: paid for, and lost. */
  | { readonly type: 'billed'; readonly error: ProviderError };

/** What a listing says of one task. */
export interface ListedTask {
  readonly ref: TaskRef;
  /** Epoch milliseconds; providers that give seconds are converted. */
  readonly createdAt: number;
  /** What the listing echoes of the request, for `sameRequest`. */
  readonly echo: Readonly<Record<string, string | undefined>>;
}

export type KeyLookup =
  | { readonly type: 'found'; readonly ref: TaskRef }
  | { readonly type: 'absent' }
  | { readonly type: 'transient'; readonly error: ProviderError };

export type ListPage =
  | { readonly type: 'page'; readonly tasks: readonly ListedTask[]; readonly next?: string }
  | { readonly type: 'transient'; readonly error: ProviderError };

/** How a submit whose answer was lost is looked up. */
export type Reconcile =
  | {
      readonly by: 'key';
      buildLookup(request: ProviderRequest, key: string): HttpRequest;
      /** `key` again, so that a provider that ignores the filter cannot make us adopt another job's task. */
      parseLookup(
        response: HttpResponse,
        request: ProviderRequest,
        credential: string,
        key: string,
      ): KeyLookup;
    }
  | {
      readonly by: 'list';
      /** What to do with a task that two complete listings do not show. `hold` waits for an operator. */
      readonly onUnlisted: 'resubmit' | 'hold';
      buildPage(request: ProviderRequest, cursor: string | undefined): HttpRequest;
      parsePage(response: HttpResponse, request: ProviderRequest, credential: string): ListPage;
      sameRequest(task: ListedTask, request: ProviderRequest): boolean;
    }
  | { readonly by: 'none' };

export interface Capabilities {
  readonly kinds: readonly JobKind[];
  readonly webhook: 'none' | 'unsigned' | 'signed';
  readonly cancel: 'none' | 'queued' | 'any';
  /** The provider's own floor between two polls. */
  readonly pollMinMs: number;
  /** How long an artifact URL lives; absent when the provider does not say. */
  readonly urlTtlMs?: number;
}

export interface Credential {
  /** Headers that authenticate one request; never logged, never persisted. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface ProviderAdapter {
  readonly id: string;
  /** Other names users know it by. */
  readonly aliases: readonly string[];
  /** Scheme, host, port and path prefix, without a trailing slash. */
  readonly baseUrl: string;
  /** Origins that may be plain http and private, such as a simulator on loopback. */
  readonly trustedOrigins: readonly string[];
  readonly capabilities: Capabilities;
  readonly reconcile: Reconcile;
  /**
   * Resolved at each call from options or the environment; undefined when there is none (the job is
   * `blocked`).
   */
  credential(alias: string): Credential | undefined;
  /** What is wrong with a request, before anything is written; undefined when it can be built. */
  refuse(request: ProviderRequest): string | undefined;
  buildSubmit(
    request: ProviderRequest,
    context: { readonly key: string; readonly callbackUrl?: string },
  ): HttpRequest;
  parseSubmit(response: HttpResponse, request: ProviderRequest, credential: string): SubmitOutcome;
  buildPoll(ref: TaskRef): HttpRequest;
  parsePoll(response: HttpResponse, ref: TaskRef): PollOutcome;
  /** Absent when `capabilities.cancel` is `none`. */
  buildCancel?(ref: TaskRef): HttpRequest;
}
