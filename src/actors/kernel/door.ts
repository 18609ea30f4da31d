/** What may come in from callers: checked once, at the door. Callers: the kernel. */
import { HoldfastError } from '../../errors.js';
import { firstNonJson, isPlainObject, type Json } from '../../json.js';
import { limits } from '../../limits.js';

/** Refuses, at the door, what could not be stored or would pass for the kernel's own. */
export function checkEvent(event: unknown): void {
  if (
    !isPlainObject(event) ||
    typeof event['type'] !== 'string' ||
    event['type'] === '' ||
    event['type'] === '*'
  ) {
    throw new HoldfastError('INVALID_EVENT', 'an event is an object with a type');
  }
  if ('$' in event)
    throw new HoldfastError('INVALID_EVENT', `the event ${event['type']} has the reserved key "$"`);
  if (event['type'].startsWith('xstate.')) {
    throw new HoldfastError('INVALID_EVENT', `the type ${event['type']} is XState's own`);
  }
  const bad = firstNonJson(event);
  if (bad !== undefined)
    throw new HoldfastError('INVALID_EVENT', `the event ${event['type']} is not JSON at ${bad}`);
  if (JSON.stringify(event).length > limits.eventBytesMax) {
    throw new HoldfastError(
      'INVALID_EVENT',
      `the event ${event['type']} is over ${limits.eventBytesMax} bytes`,
    );
  }
}

/** Refuses payloads over 256 KiB. */
export function checkPayloads(payloads: Readonly<Record<string, Json>> | undefined): void {
  for (const [name, value] of Object.entries(payloads ?? {})) {
    if (JSON.stringify(value).length > limits.payloadBytesMax) {
      throw new HoldfastError('INVALID_INPUT', `the payload ${name} is over ${limits.payloadBytesMax} bytes`);
    }
  }
}
