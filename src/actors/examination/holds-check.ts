/**
 * Holds of attachment files: each is two rows, and belongs to an actor that is there.
 *
 * Callers: examination.ts, after the walk over all actors. Invariants:
 *  H1  Of a hold with one row left the other is written again while its actor is there: a file that is kept
 *      too long is harmless, one that goes too early is lost.
 *  H2  Holds of an actor whose record cannot be read are left: it may be made again.
 */
import { keys, partsOf, rangeOf } from '../../store/keys.js';
import type { ReadRow } from './reading.js';
import { isHold } from './row-keys.js';
import { jsonIn } from './row-shapes.js';
import type { RowFinding, RowFindings, Scene } from './scene.js';

interface Hold {
  readonly address: string;
  readonly name: string;
  readonly file: string;
}

export async function* checkHolds(scene: Scene): RowFindings {
  const { reading } = scene;
  for await (const page of reading.pages(rangeOf('f'))) {
    const holds = page.map(([key]): Hold => {
      const [address = '', name = '', file = ''] = partsOf(key);
      return { address, name, file };
    });
    yield* judged(holds, scene);
  }
  for await (const page of reading.pages(rangeOf('a'))) {
    const held = await reading.many(page.flatMap((row) => heldKeyOf(row) ?? []));
    const lone = page.filter((row) => {
      const key = heldKeyOf(row);
      return key !== undefined && held.get(key) === undefined;
    });
    yield* judged(
      lone.map(([key]): Hold => {
        const [file = '', address = '', name = ''] = partsOf(key);
        return { address, name, file };
      }),
      scene,
    );
  }
}

function heldKeyOf([key]: ReadRow): string | undefined {
  const parts = partsOf(key);
  const [file = '', address = '', name = ''] = parts;
  return isHold(parts) ? keys.held(address, name, file) : undefined;
}

async function* judged(holds: readonly Hold[], { reading, tally }: Scene): RowFindings {
  const found = await reading.many(holds.flatMap((hold) => [keys.record(hold.address), ...rowsOf(hold)]));
  for (const hold of holds) {
    const { address, name, file } = hold;
    const what = `${address}: its hold ${JSON.stringify(name)} of attachment ${file}`;
    const rows = rowsOf(hold);
    const broken = rows.filter((key) => jsonIn(found.get(key)) !== true);
    if (found.get(keys.record(address)) === undefined && !tally.suspects.has(address)) {
      yield finding('REFERENCE_ORPHAN', hold, `${what}: there is no such actor`, rows, undefined);
    } else if (broken.length > 0) {
      yield finding('REFERENCE_MISSING', hold, `${what}: a row of it is not there`, broken, 'true');
    }
  }
}

function rowsOf({ address, name, file }: Hold): readonly string[] {
  return [keys.hold(file, address, name), keys.held(address, name, file)];
}

function finding(
  code: 'REFERENCE_ORPHAN' | 'REFERENCE_MISSING',
  { address }: Hold,
  what: string,
  rows: readonly string[],
  value: string | undefined,
): RowFinding {
  const [key = ''] = rows;
  return { code, what, address, key, mend: rows.map((each) => ({ key: each, value })) };
}
