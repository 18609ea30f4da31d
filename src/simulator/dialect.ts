/**
 * The seam between the simulator and the providers it plays: what a dialect says, and what it may use.
 *
 * Callers: this room. Invariant: a dialect answers; it writes no ledger, waits for nothing and sees no
 * socket.
 */
import type { Json } from '../json.js';
import type { Action, ProviderName, Script } from './script.js';
import type { Sight, Task, TaskTable } from './tasks.js';

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** True when the body is a rendered artifact, sent at the script's pace. */
  readonly isArtifact: boolean;
}

/** One parsed request. */
export interface Call {
  /** The groups of the route's path. */
  readonly params: readonly string[];
  readonly path: string;
  readonly query: URLSearchParams;
  readonly header: (name: string) => string | undefined;
  /** The fields of a JSON or multipart body; empty when there was none. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** Replaces the status word of the answer. */
  readonly statusWord?: string;
  /** A submit creates a task that is over at once. */
  readonly terminal?: 'succeeded' | 'failed';
}

/** What a call is about, for the rules and the ledger. */
export interface Subject {
  readonly taskId?: string;
  readonly key?: string;
  readonly kind?: 'video' | 'image';
  readonly prompt?: string;
  /** The task was asked for by its key. */
  readonly isByKey?: boolean;
}

export interface Outcome {
  readonly reply: Reply;
  /** The task a submit created: billed. */
  readonly created?: Task;
}

export interface World {
  readonly tasks: TaskTable;
  readonly seed: number;
  readonly artifacts: Script['artifacts'];
  readonly nowMs: () => number;
  readonly links: Links;
  /** Its own origin and its other one. */
  readonly origins: { readonly same: string; readonly foreign: string };
  /** The newest secret of Standard Webhooks, for providers that tell it. */
  readonly webhookSecret: string | undefined;
}

/** All but `good` are refused; `early` and `expired` are keys that are good at another time. */
export type Access = 'good' | 'missing' | 'invalid' | 'early' | 'expired';

/** The good keys (undefined: any that is not empty), and the time, for keys that expire. */
export interface Lock {
  readonly keys: readonly string[] | undefined;
  readonly nowMs: number;
}

/** The news of a task. */
export interface Callback {
  /** How it is signed, when the script gives a secret for it. */
  readonly signing: 'none' | 'standard' | 'fal' | 'jwt';
  /** The stages it is sent at. */
  readonly at: readonly Sight['status'][];
  /** It is preceded by a challenge that the receiver must repeat, once a URL. */
  readonly challenge?: boolean;
  readonly body: (task: Task, sight: Sight, world: World) => Json;
}

/** Signed links to artifacts: anyone who has one may download until it expires. */
export interface Links {
  /** On the simulator's own origin, when no other is given. */
  readonly sign: (path: string, expiresAtMs: number, origin?: string) => string;
  readonly check: (path: string, query: URLSearchParams) => 'good' | 'expired' | 'forged';
}

export interface Route {
  readonly action: Action;
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Matched against the path below the mount. */
  readonly path: RegExp;
  /** A query parameter without which the route does not match. */
  readonly query?: string;
  /** A good key, a good link, or nothing at all. */
  readonly guard: 'key' | 'signature' | 'none';
  readonly subjects: (call: Call, world: World) => readonly Subject[];
  readonly run: (call: Call, world: World) => Outcome;
}

export interface Dialect {
  readonly provider: ProviderName;
  /** The path prefix, without a slash at its end. */
  readonly mount: string;
  /** The path of the base URL, where a provider has several dialects below it; default: the mount. */
  readonly base?: string;
  readonly routes: readonly Route[];
  /** How a request shows its key; default `Authorization: Bearer`. */
  readonly access?: (header: (name: string) => string | undefined, house: Lock) => Access;
  /** What it sends to the callback URL of a task; absent: it never calls back. */
  readonly callback?: Callback;
  readonly unauthorized: (why: Exclude<Access, 'good'>) => Reply;
  readonly noRoute: (path: string) => Reply;
  readonly malformed: (message: string) => Reply;
  readonly rateLimited: (code: string | undefined) => Reply;
  /** The provider's body for any other bad status. */
  readonly failing: (status: number) => Reply;
}

export function jsonReply(status: number, body: Json, headers: Readonly<Record<string, string>> = {}): Reply {
  return bytesReply(status, 'application/json', Buffer.from(JSON.stringify(body)), headers);
}

export function bytesReply(
  status: number,
  contentType: string,
  body: Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): Reply {
  return { status, headers: { 'content-type': contentType, ...headers }, body, isArtifact: false };
}

/** What is known of a task, as a subject. */
export function subjectOf(task: Task): Subject {
  return {
    taskId: task.id,
    kind: task.kind,
    prompt: task.prompt,
    ...(task.key === undefined ? {} : { key: task.key }),
  };
}

/** A field that is a string and not empty. */
export function textField(fields: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = fields[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}
