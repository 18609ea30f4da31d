/**
 * Signed links: anyone who has one may download until it expires.
 *
 * Callers: server.ts. Invariant: a link is good on every origin of its simulator and on no other's.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { newId } from '../ids.js';
import type { Links } from './dialect.js';

/** Links below `base`, signed with a key that lives as long as this value. */
export function signedLinks(base: () => string, nowMs: () => number): Links {
  const secret = newId('links');
  const signature = (path: string, expires: string): Buffer =>
    createHmac('sha256', secret).update(`${path}\0${expires}`).digest();
  return {
    sign: (path, expiresAtMs, origin = base()) => {
      const expires = String(expiresAtMs);
      return `${origin}${path}?expires=${expires}&signature=${signature(path, expires).toString('hex')}`;
    },
    check: (path, query) => {
      const expires = query.get('expires') ?? '';
      const given = Buffer.from(query.get('signature') ?? '', 'hex');
      const right = signature(path, expires);
      if (given.length !== right.length || !timingSafeEqual(given, right)) return 'forged';
      return nowMs() < Number(expires) ? 'good' : 'expired';
    },
  };
}
