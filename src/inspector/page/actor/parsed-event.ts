/**
 * An event that somebody typed.
 *
 * Pure. Callers: what-if.tsx. Invariant: what it returns is an object with a type; whether anything takes it
 * is the machine's to say.
 */
import type { JsonEvent } from '../../../json.js';

export type ParsedEvent = { readonly event: JsonEvent } | { readonly problem: string };

export function parsedEvent(text: string): ParsedEvent {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { problem: `It is no JSON: ${error instanceof Error ? error.message : String(error)}` };
  }
  if (!isEvent(value)) return { problem: 'It is no event: an object with a "type" that is a text.' };
  return { event: value };
}

function isEvent(value: unknown): value is JsonEvent {
  if (typeof value !== 'object' || value === null || !('type' in value)) return false;
  return typeof value.type === 'string' && value.type !== '';
}
