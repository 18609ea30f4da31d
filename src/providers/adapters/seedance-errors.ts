/**
 * Ark's error words, and what each means here.
 *
 * Callers: `seedance.ts`. Invariant: a word that is not known here means what the HTTP status means.
 */
import { soundsUnsafe } from '../classify.js';
import type { ErrorWords } from '../classify.js';
import type { ProviderErrorClass } from '../port.js';
import { asText, at } from '../wire.js';
import type { WireObject } from '../wire.js';

/** Code, message and class of a body that is no task. */
export function arkWords(status: number, body: WireObject | undefined): ErrorWords {
  const code = asText(at(body, 'error', 'code')) ?? asText(at(body, 'error', 'type'));
  const message = asText(at(body, 'error', 'message')) ?? asText(body?.error) ?? asText(body?.message);
  return { code, message, class: classOfRefusal(status, code, message) };
}

function classOfRefusal(
  status: number,
  code: string | undefined,
  message: string | undefined,
): ProviderErrorClass | undefined {
  // Ark says 403 for an account in arrears, and 429 for one that has spent the limit its owner set.
  if (/overdue|arrears|insufficientbalance|^setlimitexceeded/i.test(code ?? '')) return 'billing';
  if (status === 400 && soundsUnsafe(code, message)) return 'safety';
  // This account may not do this with this model: its other jobs go on.
  if (/^operationdenied/i.test(code ?? '')) return 'validation';
  return undefined;
}
