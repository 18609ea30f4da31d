/**
 * A machine as data: its config, with names where it has functions. What a chart is drawn from, long after
 * the code of that version is gone.
 *
 * Pure. Callers: the shape of a machine (which is stored), the doors that draw. Invariants:
 *  1  It is JSON, and `createMachine` accepts it: the states and transitions it makes are the machine's.
 *  2  What a function does is not in it: one that XState named (`assign`, `raise`) or its author named is
 *     told by that name, others as `ƒ`.
 */
import type { AnyStateMachine } from 'xstate';
import { isPlainObject, type Json, type JsonObject } from '../../json.js';

/** Of no use without the code, or nothing to draw. */
const LEFT_OUT: ReadonlySet<string> = new Set(['context', 'output', 'schemas', 'types']);

export function chartConfigOf(machine: AnyStateMachine): JsonObject {
  const { context: _context, schemas: _schemas, types: _types, ...config } = machine.config as Config;
  return { ...(plain(config) as JsonObject), id: machine.id };
}

type Config = Readonly<Record<string, unknown>>;

function plain(value: unknown): Json | undefined {
  if (typeof value === 'function') return nameOf(value);
  if (Array.isArray(value)) return value.map((each) => plain(each) ?? null);
  if (isPlainObject(value)) return Object.fromEntries(membersOf(value));
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  return typeof value === 'string' || typeof value === 'boolean' || value === null ? value : undefined;
}

function* membersOf(value: Config): Generator<readonly [name: string, value: Json]> {
  for (const [name, each] of Object.entries(value)) {
    // A state may be called "output": of a node, it is what a final state returns.
    if (LEFT_OUT.has(name) && typeof each === 'function') continue;
    // A function written in its place is called after the place: that says nothing.
    const shown = typeof each === 'function' && each.name === name ? 'ƒ' : plain(each);
    if (shown !== undefined) yield [name, shown];
  }
}

/** XState's own creators say what they are in `type`; a bound name says nothing of them. */
function nameOf(value: object): string {
  const { type, name } = value as { readonly type?: unknown; readonly name?: unknown };
  if (typeof type === 'string' && type !== '') return type.replace(/^xstate\./, '');
  return typeof name === 'string' && name !== '' ? name : 'ƒ';
}
