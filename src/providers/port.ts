/**
 * The provider port: what an adapter is, and the words adapters, transport and jobs share.
 *
 * An adapter is pure: it builds requests and parses responses. It holds no state, opens no socket and sees
 * a key only in `credential`, which the transport calls at each request. Callers: the transport,
 * `actors/jobs.ts`, the adapters.
 *
 * Invariants:
 *  P1  A request is built without its credential; the transport adds it, for the adapter's own origin and
 *      its `fleet` alone. A request with a `signedUrl` goes without one.
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
  /**
   * What else is needed to ask, and whoever has it may ask too, such as a signed URL. It is sealed before it
   * is kept: an adapter alone sees it open.
   */
  readonly secret?: string;
}

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'DELETE' | 'PUT';
  /** Path and query below the adapter's base URL, starting with a slash. */
  readonly path: string;
  /**
   * An absolute URL that came from the provider and authenticates itself. It is asked instead of `path`,
   * without a credential, and the guard of downloads judges where it leads.
   */
  readonly signedUrl?: string;
  /** Bytes of a reply at most; default 1 MiB. For replies that carry an artifact. */
  readonly replyBytesMax?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** At most one of the two. */
  readonly json?: Json;
  readonly form?: Readonly<Record<string, string>>;
  /** Sent with `form`, as files. */
  readonly files?: Readonly<Record<string, UploadFile>>;
}

export interface UploadFile {
  readonly name: string;
  readonly mime: string;
  readonly base64: string;
}

export interface HttpResponse {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** The body as text, no longer than the request allows. */
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

export interface UrlSource {
  /** Absolute. Treated as a secret: its query is redacted wherever it is shown. */
  readonly url: string;
  /** Send the credential; honoured for the adapter's own origin alone. */
  readonly authenticated: boolean;
}

/** The artifact came with the reply. */
export interface InlineSource {
  readonly base64: string;
}

export type ArtifactSource = UrlSource | InlineSource;

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

/** What a reply to a poll says; `more` when the artifacts are told by a second reply alone. */
export type PollReading = PollOutcome | { readonly type: 'more'; readonly request: HttpRequest };

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

/** What a submit carries of ours, the same whenever it is built for the same job. */
export interface SubmitContext {
  /** The job's own: unique, and known before the submit. */
  readonly key: string;
  /** Where the provider may send news of the task; a secret, for who has it may send there. */
  readonly callbackUrl?: string;
}

export type ListPage =
  | {
      readonly type: 'page';
      readonly tasks: readonly ListedTask[];
      readonly next?: string;
      /** The newest may not come first: the listing is read to its end. */
      readonly unordered?: boolean;
    }
  | { readonly type: 'transient'; readonly error: ProviderError };

/** How a submit whose answer was lost is looked up. */
export type Reconcile =
  | {
      readonly by: 'key';
      /** Where the provider knows a key of ours for idempotent: the submit again. */
      buildLookup(request: ProviderRequest, context: SubmitContext): HttpRequest;
      /**
       * The key again, so that a provider that ignores the filter cannot make us adopt another job's task.
       */
      parseLookup(
        response: HttpResponse,
        request: ProviderRequest,
        credential: string,
        key: string,
      ): KeyLookup;
    }
  | {
      readonly by: 'list';
      /**
       * What to do with an untagged task that two complete listings do not show. `hold` waits for an
       * operator; a tagged one is resubmitted.
       */
      readonly onUnlisted: 'resubmit' | 'hold';
      /** True when the listing would echo something that only this job's submit carried. */
      tagged(request: ProviderRequest, context: SubmitContext): boolean;
      buildPage(request: ProviderRequest, cursor: string | undefined): HttpRequest;
      /** `cursor` is the one the page was asked with. */
      parsePage(
        response: HttpResponse,
        request: ProviderRequest,
        credential: string,
        cursor?: string,
      ): ListPage;
      sameRequest(task: ListedTask, request: ProviderRequest, context: SubmitContext): boolean;
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

/** How many calls of one account may be out: submits, polls, lookups and cancels together. */
export interface AccountLimits {
  /** At once; 1 or more, default 8. */
  readonly concurrent?: number;
  /** A minute, on average; the bucket holds a tenth of them, at least one. Default: no such limit. */
  readonly perMinute?: number;
  /**
   * Of all accounts of the provider together, where their keys share one allowance. Default: no such
   * limits.
   */
  readonly together?: Pick<AccountLimits, 'concurrent' | 'perMinute'>;
}

/** Times of a provider's jobs, in place of the runtime's; those of a request win over both. Milliseconds. */
export interface JobTimes {
  /** From acceptance to the last poll, up to 366 days; the runtime's are 30 min. */
  readonly timeoutMs?: number;
  readonly poll?: {
    /** Between the first polls; the runtime's come 10 s apart. */
    readonly everyMs?: number;
    /** Between later ones; the runtime's come 60 s apart. */
    readonly slowMs?: number;
    /** How many are the first ones, 0 to 10,000; the runtime's are 12. */
    readonly fastPolls?: number;
  };
}

/** How what arrives at a hook is known to be the provider's. */
export type WebhookScheme =
  /** Standard Webhooks: `webhook-id`, `webhook-timestamp`, `webhook-signature`, HMAC-SHA256. */
  | {
      readonly type: 'standard';
      /** `whsec_...`, the newest first; all of them are good. Empty: what arrives is a hint. */
      secrets(alias: string): readonly string[];
      /** Where the provider tells the secret; asked when none that is known fits. */
      readonly told?: {
        build(): HttpRequest;
        parse(response: HttpResponse): string | undefined;
      };
    }
  /** fal: Ed25519 over four lines, the last of which is the hash of the body; the keys are a JWKS. */
  | { readonly type: 'fal'; readonly jwksUrl: string }
  /** A JWT, RS256 alone, whose keys are a JWKS. `token` finds it. */
  | {
      readonly type: 'jwt';
      readonly jwksUrl: string;
      readonly audience?: string;
      readonly issuer?: string;
      token(headers: Readonly<Record<string, string>>, body: WebhookBody): string | undefined;
    }
  /** Nobody signs: a hint, whatever it says. */
  | { readonly type: 'unsigned' };

/** The JSON object that arrived. */
export type WebhookBody = Readonly<Record<string, unknown>>;

/** What a body says of a task. */
export interface WebhookNews {
  /** The task; its credential is the one the hook is for. */
  readonly ref?: TaskRef;
  /** Absent when the body says only that there is news: a poll finds out. */
  readonly outcome?: PollOutcome;
}

export interface Webhook {
  /** One that verifies is enough. */
  readonly schemes: readonly WebhookScheme[];
  /** The text to answer with, when the body is a challenge of the provider's and no news. */
  challenge?(body: WebhookBody): string | undefined;
  /** Pure and tolerant; undefined when the body says nothing of a task. `request` is the job's, if known. */
  parse(
    body: WebhookBody,
    context: { readonly request?: ProviderRequest; readonly credential: string },
  ): WebhookNews | undefined;
}

/** A way to a provider that is not HTTP of ours, such as another library's client. */
export interface DirectCalls {
  submit(
    request: ProviderRequest,
    context: SubmitContext & { readonly credential: string; readonly signal: AbortSignal },
  ): Promise<SubmitOutcome>;
  poll(ref: TaskRef, context: { readonly signal: AbortSignal }): Promise<PollOutcome>;
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
  readonly limits?: AccountLimits;
  readonly jobs?: JobTimes;
  /**
   * True for an origin that the provider's servers may send a call on to (307, 308), credential included.
   * Absent: no redirect of a call is followed.
   */
  fleet?(origin: URL): boolean;
  readonly webhook?: Webhook;
  /** Makes the calls itself: nothing is built, nothing is parsed. */
  readonly direct?: DirectCalls;
  /** An authenticated call that changes nothing: what is wrong with the account, or undefined. */
  readonly check?: {
    build(): HttpRequest;
    parse(response: HttpResponse): ProviderError | undefined;
  };
  /**
   * Resolved at each call from options or the environment; undefined when there is none (the job is
   * `blocked`).
   */
  credential(alias: string): Credential | undefined | Promise<Credential | undefined>;
  /** What is wrong with a request, before anything is written; undefined when it can be built. */
  refuse(request: ProviderRequest): string | undefined;
  buildSubmit(request: ProviderRequest, context: SubmitContext): HttpRequest;
  parseSubmit(response: HttpResponse, request: ProviderRequest, credential: string): SubmitOutcome;
  buildPoll(ref: TaskRef): HttpRequest;
  parsePoll(response: HttpResponse, ref: TaskRef): PollReading;
  /** Reads the reply to the request of a `more`. */
  parseMore?(response: HttpResponse, ref: TaskRef): PollOutcome;
  /** Absent when `capabilities.cancel` is `none`; undefined for a task that cannot be called off. */
  buildCancel?(ref: TaskRef): HttpRequest | undefined;
  /**
   * True when the same call erases a task that is over, and what it made: it is sent only to one that a poll
   * has just shown not to be.
   */
  readonly cancelErases?: boolean;
}
