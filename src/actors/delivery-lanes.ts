/**
 * Delivery lanes: strict order per target, one message in flight in each.
 *
 * Owns: who is granted the head of a lane. The lane itself is an index; this file only looks and tells.
 * Callers: deliveries.ts. Invariants:
 *  L1  A lane is looked at by one look at a time, and a grant is on disk before the next look.
 *  L2  A quarantined delivery holds up nobody.
 *  L3  A delivery that holds its lane (sending, waiting, reconciling) sorts before all that wait.
 */
import { isHoldfastError } from '../errors.js';
import type { Logger } from '../log.js';
import { HOLDS, LANE_INDEX } from './delivery-index.js';
import type { Kernel } from './kernel/index.js';

/** Most lanes are decided by their first row. */
const LOOK_AHEAD = 4;

export class DeliveryLanes {
  readonly #kernel: Kernel;
  readonly #log: Logger;
  /** Lanes being looked at; true when something changed meanwhile. */
  readonly #looking = new Map<string, boolean>();

  constructor(kernel: Kernel, log: Logger) {
    this.#kernel = kernel;
    this.#log = log;
  }

  /** Looks at every lane that has somebody in it: after a restart. */
  async recover(): Promise<void> {
    const lanes = new Set<string>();
    let cursor: string | undefined;
    do {
      const page = await this.#kernel.reader.indexParts(LANE_INDEX, [], { cursor, limit: 1_000 });
      for (const [lane] of page.items) if (lane !== undefined) lanes.add(lane);
      cursor = page.cursor;
    } while (cursor !== undefined);
    for (const lane of lanes) this.look(lane);
  }

  /** Grants the lane to its first waiting delivery, unless somebody holds it. */
  look(lane: string): void {
    if (this.#looking.has(lane)) {
      this.#looking.set(lane, true);
      return;
    }
    this.#looking.set(lane, false);
    this.#grant(lane)
      .catch((error: unknown) => {
        // The next open looks at every lane again.
        if (!isHoldfastError(error, 'RUNTIME_CLOSED'))
          this.#log.warn({ err: error, lane }, 'lane.look.failed');
      })
      .finally(() => {
        const again = this.#looking.get(lane) === true;
        this.#looking.delete(lane);
        if (again) this.look(lane);
      });
  }

  async #grant(lane: string): Promise<void> {
    let cursor: string | undefined;
    do {
      const page = await this.#kernel.reader.indexParts(LANE_INDEX, [lane], { cursor, limit: LOOK_AHEAD });
      for (const parts of page.items) {
        const address = parts.at(-1) ?? '';
        if (await this.#standsStill(address)) continue;
        if (parts[1] !== HOLDS) await this.#kernel.send(address, { type: 'lane.turn' }, { source: 'lane' });
        return;
      }
      cursor = page.cursor;
    } while (cursor !== undefined);
  }

  /** A quarantined delivery gives up its place until an operator mends it: it must not stop the others. */
  async #standsStill(address: string): Promise<boolean> {
    return (await this.#kernel.reader.record(address))?.quarantine !== undefined;
  }
}
