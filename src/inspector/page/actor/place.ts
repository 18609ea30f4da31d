/**
 * Where one stands in an actor's steps, beside what the address says: each follows the other, and nobody is
 * moved by their own echo.
 *
 * Pure. Callers: steps-model.ts keeps it with the steps, stage.tsx moves it. Invariants:
 *  1  Until the steps reach back to what the address says one stands nowhere: nothing is asked for, and
 *     nothing is written into the address.
 *  2  What was written into the address comes back as a change of it, and moves nobody: by then they may
 *     stand elsewhere. Any other change of it does.
 */

/** Of a step; undefined: the newest, whatever comes. */
type Seq = number | undefined;

export type Place =
  | { readonly phase: 'unplaced' }
  /** `address`: what it said when it was last heard. */
  | { readonly phase: 'placed'; readonly address: Seq }
  /** The address was told `to`, and still says `from`. */
  | { readonly phase: 'writing'; readonly from: Seq; readonly to: Seq };

export const nowhere: Place = { phase: 'unplaced' };

/** After the address said `seq`; `isMoved`: one is to go there. */
export function heard(place: Place, seq: Seq): { readonly place: Place; readonly isMoved: boolean } {
  const next: Place = { phase: 'placed', address: seq };
  if (place.phase === 'unplaced') return { place: next, isMoved: true };
  if (place.phase === 'placed') return { place: next, isMoved: seq !== place.address };
  return seq === place.from ? { place, isMoved: false } : { place: next, isMoved: seq !== place.to };
}

/** After `seq` was written into the address. */
export function written(place: Place, seq: Seq): Place {
  if (place.phase === 'unplaced') return place;
  const from = place.phase === 'placed' ? place.address : place.to;
  return from === seq ? place : { phase: 'writing', from, to: seq };
}

/** Whether the address is to be told that one stands at `seq`. */
export function isUntold(place: Place, seq: Seq): boolean {
  return place.phase === 'placed' && place.address !== seq;
}
