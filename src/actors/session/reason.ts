/**
 * Why work was given back, in words that fit an event.
 *
 * Pure. Callers: settle.ts, turn.ts, serve.ts. Invariant: whatever was thrown, there is a text, and it can
 * be stored: work that could not be given back for the words of its reason would hold up its session. What
 * looks like a secret in it is not kept.
 */
import { withoutSecrets } from '../../secret-shapes.js';

const REASON_CHARS_MAX = 1_000;

export function reasonText(reason: unknown): string {
  return withoutSecrets(textOf(reason)).slice(0, REASON_CHARS_MAX).toWellFormed();
}

function textOf(reason: unknown): string {
  try {
    return String(reason);
  } catch {
    return 'what was thrown says nothing of itself';
  }
}
