/**
 * Unique index keys: of two actors that want one, one gets it.
 *
 * Callers: the stepper. Invariants:
 *  U1  Between the first look at a key and the stage of its claimant nobody else claims.
 *  U2  Claims are taken one at a time, in the order they were made; a claim that fails holds up nobody.
 */
import type { CommitLoop } from './commit-loop.js';
import { missing, type Indexed } from './indexed.js';

export interface Claim {
  readonly address: string;
  readonly before: Indexed;
  readonly next: Indexed;
  /** Called in the same turn as the last look, when nobody else holds a key. */
  readonly stage: () => void;
}

export class Uniques {
  readonly #loop: CommitLoop;
  #last: Promise<unknown> = Promise.resolve();

  constructor(loop: CommitLoop) {
    this.#loop = loop;
  }

  /**
   * Stages at once, and returns undefined, when no new key is unique. Otherwise resolves with undefined once
   * it has staged, or with the address that holds one of the keys.
   */
  claim(claim: Claim): Promise<string | undefined> | undefined {
    const wanted = missing(claim.next.uniqueKeys, claim.before.keys);
    if (wanted.length === 0) {
      claim.stage();
      return undefined;
    }
    const turn = this.#last.then(() => this.#take(claim, wanted));
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  async #take(claim: Claim, wanted: readonly string[]): Promise<string | undefined> {
    for (const key of wanted) {
      const holder = await this.#loop.read(key);
      if (holder === undefined) continue;
      const address = String(JSON.parse(holder));
      if (address !== claim.address) return address;
    }
    claim.stage();
    return undefined;
  }
}
