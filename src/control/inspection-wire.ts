/**
 * The names of what is inspected on the wire: snake_case for ours; what is of machines and users passes as it
 * is.
 *
 * Pure. Callers: inspection-routes.ts, inspection-client.ts, the page, the CLI. Invariant:
 * `inspectedFromWire(inspectedToWire(x))` equals `x`, undefined fields aside.
 */
import { isPlainObject } from '../json.js';
import { snakeCase } from './wire.js';

/** Fields whose content is a machine's, a user's or a provider's. */
const FOREIGN: ReadonlySet<string> = new Set([
  ...['after', 'before', 'capsule', 'config', 'context', 'emitted', 'entry', 'error', 'event', 'events'],
  ...['failure', 'input', 'output', 'value'],
]);

export function inspectedToWire(value: unknown): unknown {
  return renamed(value, snakeCase);
}

/** What a runtime of this version has answered. */
export function inspectedFromWire(value: unknown): unknown {
  return renamed(value, (key) =>
    key.replaceAll(/_([a-z])/g, (_match, letter: string) => letter.toUpperCase()),
  );
}

function renamed(value: unknown, rename: (key: string) => string): unknown {
  if (Array.isArray(value)) return value.map((each) => renamed(each, rename));
  if (!isPlainObject(value)) return value;
  const members = Object.entries(value).map(([key, each]) => [
    rename(key),
    FOREIGN.has(key) ? each : renamed(each, rename),
  ]);
  return Object.fromEntries(members) as unknown;
}
