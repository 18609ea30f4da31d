/**
 * How many actors are in each state, of every kind, and how long they stay there.
 *
 * Callers: inspection.ts, listing.ts. Invariant: it reads counts and histograms that are kept, never an
 * actor; of those that stand still it counts one page.
 */
import { isHouseKind } from '../actors.js';
import { houseMachines } from '../house-machines.js';
import { QUARANTINE_INDEX } from '../kernel/index.js';
import type { Json } from '../../json.js';
import type { DwellView, KindView, Population } from './face.js';
import { stateIn } from './lines.js';
import type { Scene } from './scene.js';

export async function populationOf(scene: Scene): Promise<Population> {
  const { kernel, clock, live } = scene;
  const quarantined = await kernel.reader.countIndexed(QUARANTINE_INDEX);
  const kinds = kindsOf(scene).map((kind) => kindView(scene, kind));
  return { at: clock.now(), live, kinds, quarantined };
}

/** Every kind that is stored or defined, by name. */
export function kindsOf({ kernel, actors }: Scene): readonly string[] {
  const house = houseMachines.map(({ kind }) => kind);
  const stored = kernel.counts().map(({ kind }) => kind);
  return [...new Set([...house, ...actors.kinds(), ...stored])].toSorted();
}

function kindView({ kernel }: Scene, kind: string): KindView {
  const states = kernel.counts(kind).map(({ version, hash, state, count, finished }) => {
    return { version, hash, value: stateIn(JSON.parse(state) as Json), count, finished };
  });
  return {
    kind,
    house: isHouseKind(kind),
    defined: kernel.definitionOf(kind) !== undefined,
    count: states.reduce((sum, { count }) => sum + count, 0),
    states,
    dwell: kernel.dwell(kind).map(({ kind: _kind, ...dwell }): DwellView => dwell),
  };
}
