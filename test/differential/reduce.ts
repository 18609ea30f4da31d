/**
 * Makes a failing case small: takes out of its JSON whatever is not needed for the same disagreement.
 *
 * Callers: differential.test.ts, once a run has failed. Invariant: the result still disagrees, about the same
 * parts of the view; a case that got worse (an invalid chart) is never kept.
 */
import { runCase } from './compare.js';
import type { Case } from './spec.js';

type Path = readonly (string | number)[];

const TRIES_MAX = 1_500;

/** What a case cannot do without: to take one of these out says nothing. */
const needed = new Set<string | number>([
  'chart',
  'steps',
  'id',
  'type',
  'initial',
  'src',
  'do',
  'event',
  'v',
  'ms',
  'asleep',
  'nth',
  'how',
  'params',
  'at',
  'is',
  'limit',
]);

/** The parts of the view two sides disagree on, as compare.ts prints them; undefined when they agree. */
async function partsOf(one: Case): Promise<string | undefined> {
  try {
    const { disagreement } = await runCase(one);
    return disagreement && [...disagreement.matchAll(/^ {2}(\w+): live /gm)].map(([, part]) => part).join();
  } catch (error) {
    return String(error);
  }
}

/** The smallest case found that disagrees like `one`. */
export async function reduced(one: Case): Promise<Case> {
  const parts = await partsOf(one);
  if (parts === undefined) return one;
  let smallest = one;
  let tries = 0;
  for (let shrank = true; shrank;) {
    shrank = false;
    for (let index = 0; tries < TRIES_MAX; tries += 1) {
      const path = pathsIn(smallest)[index];
      if (path === undefined) break;
      const candidate = without(smallest, path);
      if ((await partsOf(candidate)) === parts) {
        smallest = candidate;
        shrank = true;
      } else index += 1;
    }
  }
  return smallest;
}

/** Every part that may go, the large ones before what is in them. */
function pathsIn(value: unknown, at: Path = []): readonly Path[] {
  if (typeof value !== 'object' || value === null) return [];
  const entries = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
  return entries.flatMap(([key, part]) => {
    const path = [...at, key];
    return needed.has(key) ? pathsIn(part, path) : [path, ...pathsIn(part, path)];
  });
}

function without(one: Case, path: Path): Case {
  const copy = structuredClone(one);
  let holder: object = copy;
  for (const key of path.slice(0, -1)) holder = Reflect.get(holder, key) as object;
  const last = path.at(-1) ?? '';
  if (Array.isArray(holder)) holder.splice(Number(last), 1);
  else Reflect.deleteProperty(holder, last);
  return copy;
}
