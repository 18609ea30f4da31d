/**
 * How a request shows its key: the ways that several providers share.
 *
 * Callers: pipeline.ts, the dialects. Invariant: pure.
 */
import type { Access, Lock } from './dialect.js';

type Header = (name: string) => string | undefined;

/** `Authorization: Bearer <key>`. */
export function bearer(header: Header, lock: Lock): Access {
  return judged(/^Bearer\s+(\S+)$/i.exec(header('authorization') ?? '')?.[1], lock);
}

/** Whether this is one of the good keys. */
export function judged(key: string | undefined, { keys }: Lock): Access {
  if (key === undefined || key === '') return 'missing';
  return keys === undefined || keys.includes(key) ? 'good' : 'invalid';
}
