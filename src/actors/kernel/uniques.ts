/**
 * Unique index keys: of two actors that want one, one gets it.
 *
 * Callers: the stepper. Invariants:
 *  U1  Between the first look at a key and the stage of its claimant nobody else claims.
 *  U2  Claims are taken one at a time, in the order they were made; a claim that fails holds up nobody.
 */
import { keys } from '../../store/keys.js';
import type { CommitLoop } from './commit-loop.js';
import { isThere } from './damage.js';
import { missing, type Indexed } from './indexed.js';

export interface Claim {
  readonly address: string;
  readonly before: Indexed;
  readonly next: Indexed;
  /**
   * Called in the same turn as the last look, when nobody else holds a key. A promise is what the claimant
   * still has to wait for; it may make claims of its own.
   */
  readonly stage: () => Promise<void> | undefined;
}

interface Turn {
  readonly holder?: string;
  readonly staged?: Promise<void> | undefined;
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
      return claim.stage()?.then(() => undefined);
    }
    const turn = this.#last.then(() => this.#take(claim, wanted));
    this.#last = turn.catch(() => undefined);
    return turn.then(({ holder, staged }) => staged?.then(() => undefined) ?? holder);
  }

  /** Whatever follows the stage is handed on, not waited for: it may claim in its turn (U2). */
  async #take(claim: Claim, wanted: readonly string[]): Promise<Turn> {
    for (const key of wanted) {
      const holder = await this.#loop.read(key);
      if (holder === undefined) continue;
      const address = String(JSON.parse(holder));
      if (address !== claim.address && (await this.#isThere(address))) return { holder: address };
    }
    return { staged: claim.stage() };
  }

  /** One that was dismissed and that no machine could read has left its keys behind. */
  #isThere(address: string): Promise<boolean> {
    return isThere(this.#loop, keys.record(address));
  }
}
