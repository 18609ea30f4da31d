/**
 * The states that a state value names, as paths.
 *
 * Pure, and free of the platform, for the inspector's page bundles it. Callers: the kernel, the inspection,
 * the telemetry, the CLI, the page.
 */
import { isPlainObject } from '../../json.js';

/**
 * The paths of the leaf states, one a region, in the value's order: `{a: {b: 'c'}, d: {}}` is
 * `['a.b.c', 'd']`; of what names no state there are none.
 */
export function leavesOf(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  if (!isPlainObject(value)) return [];
  return Object.entries(value).flatMap(([name, part]) => {
    const below = leavesOf(part);
    return below.length === 0 ? [name] : below.map((path) => `${name}.${path}`);
  });
}
