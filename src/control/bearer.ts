/**
 * Bearer tokens, compared in a time that tells nothing of them.
 *
 * Pure. Callers: routes.ts, work-door.ts.
 */
import { timingSafeEqual } from 'node:crypto';
import { sha256Hex } from '../ids.js';

/** True when an `Authorization` header brings this token. */
export function bringsToken(header: string | null | undefined, token: string): boolean {
  const given = Buffer.from(sha256Hex(header ?? ''));
  return timingSafeEqual(given, Buffer.from(sha256Hex(`Bearer ${token}`)));
}
