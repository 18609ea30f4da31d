/**
 * What OpenAI's error bodies say, and those of the gateways that imitate them.
 *
 * Callers: `openai.ts`, `openai-responses.ts`, `agnes.ts`. Invariant: a class is given only where the body
 * knows better than the HTTP status.
 */
import { soundsUnsafe, type ErrorWords } from '../classify.js';
import type { HttpResponse, ProviderErrorClass } from '../port.js';
import { asText, at, type WireObject } from '../wire.js';

/** The code, the message and, where the body knows it, the class of a reply that is no success. */
export function openaiWords(response: HttpResponse, body: WireObject | undefined): ErrorWords {
  const code = asText(at(body, 'error', 'code')) ?? asText(at(body, 'error', 'type')) ?? asText(body?.code);
  const message =
    asText(at(body, 'error', 'message')) ??
    asText(body?.error) ??
    asText(body?.message) ??
    asText(body?.msg) ??
    asText(body?.detail);
  return { code, message, class: classOfCode(response.status, code, message) };
}

const BILLING_CODES = [
  'insufficient_quota',
  'insufficient_user_quota',
  'billing_hard_limit_reached',
  'billing_not_active',
];

/** 429 says two things: slow down, or pay. */
function classOfCode(
  status: number,
  code: string | undefined,
  message: string | undefined,
): ProviderErrorClass | undefined {
  if (code !== undefined && BILLING_CODES.includes(code)) return 'billing';
  if (status === 400 && soundsUnsafe(code, message)) return 'safety';
  return undefined;
}
