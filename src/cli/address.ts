/**
 * The actor that a command line means: by its address, its id, or the beginning of one.
 *
 * Callers: the commands about one actor. Invariants:
 *  1  A whole address, and a whole id, mean themselves: what merely begins like them is not looked for.
 *  2  What is not unique, or not there, is an error that names what there is.
 *  3  The search is bounded: ids that it did not come to are not found by their beginnings.
 */
import type { ControlInspection } from '../control/index.js';
import { HoldfastError, isHoldfastError } from '../errors.js';
import { splitAddress } from '../ids.js';
import { limits } from '../limits.js';
import { wrong } from './given.js';
import { atActors } from './in-directory.js';
import { didYouMean, nearNames } from './suggest.js';

/** The beginning of an id has so many characters at least. */
const BEGINNING_MIN = 4;
const SHOWN_MAX = 5;
const PAGES_MAX = 200;

/**
 * Does `work` to the actor that `given` names. Throws INVALID_INPUT where several begin like it,
 * ACTOR_NOT_FOUND with near names where none does.
 */
export async function onActor<T>(
  actors: ControlInspection,
  given: string,
  work: (address: string) => Promise<T>,
): Promise<T> {
  if (!given.includes('/')) return work(await addressOf(actors, given));
  try {
    return await work(given);
  } catch (error) {
    if (!isHoldfastError(error, 'ACTOR_NOT_FOUND')) throw error;
    const address = await addressOf(actors, given);
    // It is there: something else is not, and `work` knows what.
    if (address === given) throw error;
    return await work(address);
  }
}

/** The same in a directory, whoever holds it. */
export async function atActor<T>(
  directory: string,
  given: string,
  work: (actors: ControlInspection, address: string) => Promise<T>,
): Promise<T> {
  return atActors(directory, (actors) => onActor(actors, given, (address) => work(actors, address)));
}

async function addressOf(actors: ControlInspection, given: string): Promise<string> {
  const whole = await wholeOnes(actors, given);
  const found = whole.length > 0 ? whole : await beginningLike(actors, given);
  const [first, ...others] = found;
  if (first === undefined) throw await notFound(actors, given);
  if (others.length === 0) return first;
  const shown = found.slice(0, SHOWN_MAX).join(', ');
  const more = found.length > SHOWN_MAX ? ` and ${found.length - SHOWN_MAX} more` : '';
  throw wrong('address', `${JSON.stringify(given)} may be ${shown}${more}`);
}

/** The addresses with exactly this id; of an address, itself. */
async function wholeOnes(actors: ControlInspection, given: string): Promise<readonly string[]> {
  const { kinds } = await actors.population();
  const asked = kinds.filter(({ count }) => count > 0).map(({ kind }) => `${kind}/${given}`);
  const addresses = given.includes('/') ? [given, ...asked] : asked;
  const found = await Promise.all(addresses.map((address) => isThere(actors, address)));
  return addresses.filter((_address, at) => found[at] === true);
}

async function isThere(actors: ControlInspection, address: string): Promise<boolean> {
  try {
    await actors.actor(address);
    return true;
  } catch (error) {
    // An actor whose row is damaged is there, too.
    if (isHoldfastError(error, 'STORE_CORRUPTED')) return true;
    if (isHoldfastError(error, 'ACTOR_NOT_FOUND') || isHoldfastError(error, 'INVALID_ID')) return false;
    throw error;
  }
}

async function beginningLike(actors: ControlInspection, given: string): Promise<readonly string[]> {
  const { kind, id } = partsOf(given);
  if (id.length < BEGINNING_MIN) return [];
  const found: string[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const { items, ...next } = await actors.list({
      ...{ kind, text: id.slice(0, limits.inspectedTitleChars), cursor, limit: limits.scanPageRows },
    });
    for (const line of items) if (line.id.startsWith(id)) found.push(line.address);
    cursor = next.cursor;
    if (cursor === undefined) break;
  }
  return found;
}

/** A text with a slash is an address, if it begins as one: ids may have slashes, too. */
function partsOf(given: string): { readonly kind: string | undefined; readonly id: string } {
  return /^[A-Za-z][\w.-]*\//.test(given) ? splitAddress(given) : { kind: undefined, id: given };
}

async function notFound(actors: ControlInspection, given: string): Promise<HoldfastError> {
  const { kind } = partsOf(given);
  const ofKind = kind === undefined ? [] : (await actors.list({ kind, limit: limits.scanPageRows })).items;
  const lines = ofKind.length > 0 ? ofKind : (await actors.list({ limit: limits.scanPageRows })).items;
  const names = new Map(lines.map(({ address, id }) => [kind === undefined ? id : address, address]));
  const near = nearNames(given, names.keys()).map((name) => names.get(name) ?? name);
  const message = `there is no actor ${JSON.stringify(given)}${didYouMean(near)}`;
  return new HoldfastError('ACTOR_NOT_FOUND', message, { details: { id: given } });
}
