/**
 * Which part of a stored row is the actor's own data, and which the kernel's.
 *
 * Pure. Callers: redaction.ts. Invariant: the kernel's part (ids, seqs, states, addresses) is never visited,
 * whatever secret has the same letters: a replay and an import need it. What is not known here is data.
 */
import { isPlainObject, type Json } from '../../json.js';

/** Looks at one value of the actor's data; what it returns stands there instead. */
export type Visit = (path: string, value: Json) => Json;

interface Shape {
  /** The kernel's fields. */
  readonly kept: ReadonlySet<string>;
  /** Fields that are of both. */
  readonly parts?: Readonly<Record<string, Shape>>;
}

const names = (text: string): ReadonlySet<string> => new Set(text.split(' '));

const SNAPSHOT: Shape = { kept: names('status value historyValue children tags') };
const TIMERS: Shape = { kept: names('id sendId dueAt to') };
const CONTENT: Shape = { kept: names('type effectId') };
const HEAD: Shape = {
  kept: names('source traceparent by eventId dedupe inboxKey'),
  parts: { content: CONTENT },
};
const QUARANTINE: Shape = { kept: names('code at source imported redacted'), parts: { head: HEAD } };

/** Records, entries, effects and inbox rows. */
const ROW: Shape = {
  kept: names(
    'machine version hash seq epoch status createdAt ord at value checkpointBytes children parent restarts ' +
      'marks effects origins eventId dueAt source traceparent by sends system commit ' +
      'address id child src sync started failures type from effectId',
  ),
  parts: {
    snapshot: SNAPSHOT,
    migrated: { kept: names(''), parts: { snapshot: SNAPSHOT } },
    timers: TIMERS,
    quarantine: QUARANTINE,
  },
};

/** The row, with what is the actor's own given through `visit`. */
export function withOwnData<Row extends object>(path: string, row: Row, visit: Visit): Row {
  return Object.fromEntries(membersOf(path, row, ROW, visit)) as Row;
}

function membersOf(
  path: string,
  row: object,
  { kept, parts }: Shape,
  visit: Visit,
): readonly (readonly [name: string, value: Json | undefined])[] {
  return Object.entries(row).map(([name, value]: [string, Json | undefined]) => {
    if (value === undefined || kept.has(name)) return [name, value];
    const at = `${path}/${pointerPart(name)}`;
    const part = parts?.[name];
    return [name, part === undefined ? visit(at, value) : visited(at, value, part, visit)];
  });
}

function visited(path: string, value: Json, shape: Shape, visit: Visit): Json {
  if (Array.isArray(value)) {
    const list = value as readonly Json[];
    return list.map((each, index) => visited(`${path}/${index}`, each, shape, visit));
  }
  return isPlainObject(value) ? Object.fromEntries(membersOf(path, value, shape, visit)) : visit(path, value);
}

/** A part of a JSON pointer. */
export function pointerPart(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}
