/**
 * What a turn has claimed, read from disk and made into messages.
 *
 * Callers: turn.ts. Invariants:
 *  1  What comes out is all of the claim: payloads that are gone or cannot be read are an error.
 *  2  A summariser that fails, or takes too long, costs its text and nothing else.
 */
import { HoldfastError } from '../../errors.js';
import { limits } from '../../limits.js';
import type { Batch } from './batch.js';
import type { Claim } from './claim.js';
import type { SessionDesk } from './desk.js';
import type { SessionCommand } from './drafts.js';
import { exclusiveCommandOf, materialise, type Materialised } from './materialise.js';

/** The messages that a queue's cap dropped: a line of each, and how many are left without one. */
export interface DroppedMessages {
  readonly sessionId: string;
  readonly lines: readonly string[];
  readonly more: number;
}

/** Makes the text that stands for dropped messages. Given up after 30 s; the lines stand then. */
export type Summarise = (dropped: DroppedMessages, signal: AbortSignal) => string | Promise<string>;

export interface Loaded extends Materialised {
  readonly command: SessionCommand | undefined;
}

export const NOTHING_LOADED: Loaded = {
  ...{ messages: [], turnCauses: [], acceptedInputs: [] },
  ...{ turnOptions: undefined, traceTurnId: undefined, command: undefined },
};

/** Reads a claim. Throws STORE_CORRUPTED where a batch has no payloads any more, and what reading throws. */
export async function loadClaim(
  desk: SessionDesk,
  claim: Claim,
  boundary: 'idle' | 'activeTurnCheckpoint',
  summarise: Summarise | undefined,
): Promise<Loaded> {
  const batches = await claim.load();
  const bare = batches.find(({ items }) => items.length === 0);
  if (bare !== undefined)
    throw new HoldfastError('STORE_CORRUPTED', `batch ${bare.batchId} has no payloads any more`);
  const summaries = await summariesOf(desk, claim.sessionId, batches, summarise);
  return { ...materialise(batches, { boundary, summaries }), command: exclusiveCommandOf(batches) };
}

async function summariesOf(
  desk: SessionDesk,
  sessionId: string,
  batches: readonly Batch[],
  summarise: Summarise | undefined,
): Promise<ReadonlyMap<string, string>> {
  const summaries = new Map<string, string>();
  if (summarise === undefined) return summaries;
  for (const { itemId, payload } of batches.flatMap(({ items }) => items)) {
    if (payload.type !== 'droppedMessages') continue;
    const { lines, more } = payload;
    const text = await summaryOf(desk, { sessionId, lines, more }, summarise);
    if (text !== undefined) summaries.set(itemId, text);
  }
  return summaries;
}

/** Its text; undefined when it gives none. */
async function summaryOf(
  { options: { clock, log } }: SessionDesk,
  dropped: DroppedMessages,
  summarise: Summarise,
): Promise<string | undefined> {
  const controller = new AbortController();
  let cancel = (): void => undefined;
  const late = new Promise<never>((_, reject) => {
    cancel = clock.schedule(limits.summaryTimeoutMs, () => {
      const error = new DOMException('the summary took too long', 'TimeoutError');
      controller.abort(error);
      reject(error);
    });
  });
  try {
    const text: unknown = await Promise.race([summarise(dropped, controller.signal), late]);
    if (typeof text === 'string' && text !== '') return text;
    log.warn({ session: dropped.sessionId }, 'summary.empty');
  } catch (error) {
    log.warn({ err: error, session: dropped.sessionId }, 'summary.failed');
  } finally {
    cancel();
  }
  return undefined;
}
