/**
 * Where the parts of the work façade ask an item: one event, looked at in its own step.
 *
 * Owns: nothing but what it is given. Callers: the parts of the façade. Invariants:
 *  D1  What is refused is refused in the step's own turn: between the look and the step comes nothing.
 *  D2  A token leads to its item, and proves nothing until its item has been looked at.
 */
import type { AnyMachineSnapshot } from 'xstate';
import type { Clock } from '../../clock.js';
import { HoldfastError } from '../../errors.js';
import { addressOf } from '../../ids.js';
import type { Json, JsonEvent } from '../../json.js';
import type { Logger } from '../../log.js';
import { claimRefusal, workStatus } from '../../machines/index.js';
import type { ClaimEnding, WorkItemContext, WorkItemEvent, WorkStatus } from '../../machines/index.js';
import type { Kernel, StepFence } from '../kernel/index.js';
import type { OperatorSource } from '../operator.js';
import type { WorkOptions } from './face.js';
import { WORK_KIND } from './work-index.js';

export interface WorkDeskOptions {
  readonly kernel: Kernel;
  readonly clock: Clock;
  readonly log: Logger;
  readonly newId: (prefix: string) => string;
  /** The store's generation: what claims of this process are told from those of earlier ones by. */
  readonly generation: number;
  readonly options: WorkOptions;
}

/** An item as of one moment. */
export interface SeenItem {
  readonly status: WorkStatus;
  readonly context: WorkItemContext;
}

/** Lets an event pass, or throws to refuse it. */
export type ItemLook = (seen: SeenItem) => void;

interface AskOptions {
  readonly look?: ItemLook;
  readonly payloads?: Readonly<Record<string, Json>>;
  /** `runtime`: it is not turned away, however much waits. Default: as a user's. */
  readonly source?: 'runtime' | OperatorSource;
  /** Of the event: taken once. */
  readonly id?: string;
  readonly fence?: StepFence;
}

/** Thrown in the step's own turn where the same was done before. */
const DONE_BEFORE = new Error('done before');

export class WorkDesk {
  readonly options: WorkDeskOptions;

  constructor(options: WorkDeskOptions) {
    this.options = options;
  }

  /**
   * Sends an event to an item; the item right after its step, once that is on disk. Throws what `look`
   * throws, ACTOR_NOT_FOUND, ACTOR_QUARANTINED.
   */
  async ask(
    address: string,
    event: WorkItemEvent,
    { look, payloads, ...sent }: AskOptions = {},
  ): Promise<SeenItem> {
    const check = look && ((snapshot: AnyMachineSnapshot): void => look(seenIn(snapshot)));
    const { kernel } = this.options;
    // Its words are plain JSON; interfaces have no index signature.
    const own = { ...event } as JsonEvent;
    const outcome = await kernel.send(address, own, { check, payloads, ...sent });
    if (outcome.accepted && outcome.snapshot !== undefined) return seenIn(outcome.snapshot);
    throw new HoldfastError('ACTOR_NOT_FOUND', `${address} has been kept as long as it was to be`);
  }

  /**
   * The same for who has its claim; undefined where the same was done before, which changes nothing. Throws
   * STALE_CLAIM, ACTOR_NOT_FOUND.
   */
  async askWith(
    token: string,
    event: WorkItemEvent,
    { as, payloads }: { readonly as?: ClaimEnding; readonly payloads?: AskOptions['payloads'] } = {},
  ): Promise<SeenItem | undefined> {
    const address = addressIn(token);
    const look: ItemLook = ({ context }) => {
      const refusal = claimRefusal(context, token, as);
      if (refusal === undefined) return;
      throw refusal.type === 'repeated' ? DONE_BEFORE : stale(address, refusal.type);
    };
    try {
      return await this.ask(address, event, payloads === undefined ? { look } : { look, payloads });
    } catch (error) {
      if (error === DONE_BEFORE) return undefined;
      throw error;
    }
  }

  /** A new token for an item. */
  newToken(id: string): string {
    return `${id}.${this.options.newId('claim')}`;
  }
}

function seenIn(snapshot: AnyMachineSnapshot): SeenItem {
  return { status: workStatus(snapshot), context: snapshot.context as WorkItemContext };
}

/** The item that a token is of. Throws STALE_CLAIM for what is no token. */
function addressIn(token: unknown): string {
  const text = typeof token === 'string' ? token : '';
  const dot = text.lastIndexOf('.');
  try {
    if (dot > 0) return addressOf(WORK_KIND, text.slice(0, dot));
  } catch {
    // No id that an item could have.
  }
  throw new HoldfastError('STALE_CLAIM', 'the text is no token of a claim', { details: { reason: 'wrong' } });
}

function stale(address: string, reason: 'reclaimed' | 'wrong'): HoldfastError {
  const why =
    reason === 'reclaimed'
      ? 'was taken away: it had expired, its item was cancelled or its process was gone'
      : 'is not the present one, and was not taken away: it is another’s, or it was ended otherwise';
  return new HoldfastError('STALE_CLAIM', `the claim on ${address} ${why}`, { details: { address, reason } });
}
