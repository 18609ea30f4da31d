/**
 * Counts of actors by state against the actors, and the shapes of the machines they are of.
 *
 * Callers: examination.ts, after the walk over all actors. Invariant: an actor whose record cannot be read is
 * in one of its kind's counts, nobody knows which: so many may be more than are counted.
 */
import { keys, partsOf, rangeOf } from '../../store/keys.js';
import type { Row } from '../../store/store.js';
import type { Definition } from '../kernel/definition.js';
import { storedShape } from '../kernel/versions.js';
import { shapeIn, wholeIn } from './row-shapes.js';
import type { RowFinding, RowFindings, Scene } from './scene.js';
import type { Tally } from './tally.js';

interface Wrong {
  readonly key: string;
  readonly stored: number | undefined;
  readonly counted: number;
}

export async function* checkTotals(scene: Scene): RowFindings {
  for (const wrong of await wrongCounts(scene)) yield countFinding(wrong);
  yield* missingShapes(scene);
}

async function wrongCounts({ reading, tally }: Scene): Promise<readonly Wrong[]> {
  const wrong: Wrong[] = [];
  const unseen = new Map(tally.counts);
  for await (const [key, found] of reading.rows(rangeOf('n'))) {
    const stored = wholeIn(found);
    const counted = tally.counts.get(key) ?? 0;
    unseen.delete(key);
    if (stored !== counted) wrong.push({ key, stored, counted });
  }
  for (const [key, counted] of unseen) wrong.push({ key, stored: undefined, counted });
  return wrong.filter((one, _index, all) => !isExplained(one, all, tally));
}

/** What is more than was counted may be the actors of that kind that could not be. */
function isExplained({ key }: Wrong, all: readonly Wrong[], { uncounted }: Tally): boolean {
  const [kind = ''] = partsOf(key);
  const unread = uncounted.get(kind) ?? 0;
  if (unread === 0) return false;
  let more = 0;
  for (const { key: other, stored = -1, counted } of all) {
    if (partsOf(other)[0] !== kind) continue;
    if (stored < counted) return false;
    more += stored - counted;
  }
  return more <= unread;
}

function countFinding({ key, stored, counted }: Wrong): RowFinding {
  const [kind = '', version = '', , state = ''] = partsOf(key);
  const says = stored === undefined ? 'is missing, or cannot be read' : `is ${stored}`;
  const what = `${kind} ${version} in ${state}: the count ${says}, there are ${counted}`;
  return {
    code: 'COUNT_WRONG',
    what,
    key,
    mend: [{ key, value: counted === 0 ? undefined : String(counted) }],
  };
}

async function* missingShapes({ reading, known, tally }: Scene): RowFindings {
  const found = await reading.many(tally.shapes);
  for (const key of tally.shapes) {
    if (shapeIn(found.get(key)) !== undefined) continue;
    const [kind = '', version = '', hash = ''] = partsOf(key);
    const definition = known.of(`${kind}/shape`, { version, hash });
    const mend = definition === undefined ? undefined : shapeRow(definition);
    const what = `${kind} ${version}: the states of its machine are missing, or cannot be read`;
    yield { code: 'SHAPE_MISSING', what, key, ...(mend && { mend: [mend] }) };
  }
}

function shapeRow(definition: Definition): Row | undefined {
  const { kind, version, hash } = definition;
  const shape = storedShape(definition);
  return shape && { key: keys.shape(kind, version, hash), value: JSON.stringify(shape) };
}
