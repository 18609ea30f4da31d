/**
 * An act on its way to the actor, and what became of it.
 *
 * Callers: acts-panel.tsx. Invariants:
 *  1  One wish has one id: asked for again after an answer was lost, it is not done again.
 *  2  It is meant for what was shown when its form was opened, however long that was filled in.
 */
import type { ActView } from '../../../actors/inspection/face.js';
import type { Json } from '../../../json.js';
import { ApiError, type Api } from '../api.js';

/** A wish, as it is asked for, once or again. */
export interface Deed {
  readonly view: ActView;
  readonly address: string;
  readonly id: string;
  readonly seenSeq: number | undefined;
  readonly operator: string;
  readonly input: Json | undefined;
}

/** `unknown`: no answer came, and it may have been done. */
export type Outcome =
  | { readonly at: 'done' | 'unknown'; readonly deed: Deed }
  | { readonly at: 'refused'; readonly error: unknown };

export async function outcomeOf(api: Api, deed: Deed): Promise<Outcome> {
  const { view, ...asked } = deed;
  try {
    await api.act({ ...asked, act: view.name });
    return { at: 'done', deed };
  } catch (error) {
    return isLost(error) ? { at: 'unknown', deed } : { at: 'refused', error };
  }
}

/** Whatever comes without a code of ours is no answer: of a proxy, or cut off. */
function isLost(error: unknown): boolean {
  return !(error instanceof ApiError) || error.code === 'UNREACHABLE';
}

/** `randomUUID` is not there in a page that is served without TLS elsewhere than on loopback. */
export function newActId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(36)).join('');
}
