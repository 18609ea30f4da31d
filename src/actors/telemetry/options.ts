/**
 * What telemetry may be given, checked at the door.
 *
 * Callers: runtime-options.ts. Invariant: a provider is refused here, not at the first step.
 */
import { HoldfastError } from '../../errors.js';
import { isPlainObject } from '../../json.js';

const METHODS: Readonly<Record<string, string>> = { tracerProvider: 'getTracer', meterProvider: 'getMeter' };

/** Throws INVALID_OPTIONS. */
export function checkTelemetryOptions(given: unknown): void {
  if (given === undefined) return;
  const wrong = (message: string): HoldfastError => new HoldfastError('INVALID_OPTIONS', message);
  if (!isPlainObject(given)) throw wrong('telemetry: not an object of providers');
  for (const [name, provider] of Object.entries(given)) {
    const method = METHODS[name];
    if (method === undefined)
      throw wrong(`telemetry.${name}: no such option; there are ${Object.keys(METHODS).join(', ')}`);
    const called: unknown =
      provider === undefined ? undefined : Reflect.get(Object(provider) as object, method);
    if (provider !== undefined && typeof called !== 'function')
      throw wrong(`telemetry.${name}: it has no ${method}()`);
  }
}
