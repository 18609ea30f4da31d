/**
 * How an attempt to bring an artifact to disk ends.
 *
 * Callers: the download and its parts, inline-file.ts. Invariant: nothing here names a URL's query or a key:
 * messages are redacted where they are made.
 */
import { providerError } from './classify.js';
import type { ProviderError, ProviderErrorClass } from './port.js';

export interface DownloadedArtifact {
  /** File name below the directory: `<sha256>.<extension>`. */
  readonly path: string;
  readonly sha256: string;
  readonly bytes: number;
  readonly mime: string;
  readonly width?: number;
  readonly height?: number;
  readonly durationMs?: number;
  /** Redacted; `inline` for one that came with the reply. */
  readonly sourceUrl: string;
}

export type DownloadOutcome =
  | { readonly type: 'done'; readonly artifact: DownloadedArtifact }
  /** The URL no longer serves: ask the provider for a fresh one. */
  | { readonly type: 'stale'; readonly error: ProviderError }
  | { readonly type: 'transient'; readonly error: ProviderError }
  | { readonly type: 'permanent'; readonly error: ProviderError };

export type Failure = Exclude<DownloadOutcome, { readonly type: 'done' }>;
export type Step<Value> = { readonly type: 'next'; readonly value: Value } | Failure;

export function permanent(code: string, message: string): Failure {
  return failure('permanent', 'failed', code, message);
}

export function transient(code: string, message: string): Failure {
  return failure('transient', 'network', code, message);
}

/** The next attempt may find room; the part that was begun has gone, so that others find it meanwhile. */
export function diskFull(directory: string): Failure {
  return transient(
    'STORE_FULL',
    `no room for the artifact in ${directory}: make some, and it is tried again`,
  );
}

export function failure(
  type: Failure['type'],
  errorClass: ProviderErrorClass,
  code: string,
  message: string,
  retryAfter?: number,
): Failure {
  return { type, error: providerError(errorClass, { code, message }, retryAfter) };
}
