/** Claims by hand: a turn that another process works on. */
import type { ClaimReceipt, Runtime } from 'holdfast';

export interface Errand {
  readonly texts: readonly string[];
  /** Settles the claim, wherever it is: kept as a secret is. */
  readonly receipt: ClaimReceipt;
}

/** Hands out what is at the head, for at most five minutes; undefined, and why, when there is nothing. */
export async function handOut(runtime: Runtime, key: string): Promise<Errand | string | undefined> {
  const claim = await runtime.sessions.get(key).claim({ hold: 'lease', ttlMs: 300_000, ownerId: 'worker-3' });
  if (claim.isEmpty) return claim.refusal;
  const batches = await claim.load();
  const texts = batches.flatMap(({ items }) => items.map(({ payload }) => JSON.stringify(payload)));
  return { texts, receipt: claim.completion() };
}

/** What the worker brings back: written once, however often it is brought. */
export async function takeBack(runtime: Runtime, { receipt }: Errand, reply: string): Promise<boolean> {
  const { repeated } = await runtime.sessions.get(receipt.sessionId).settle([receipt], {
    turnId: receipt.claimId,
    commitHash: reply,
    history: [{ role: 'assistant', content: reply }],
  });
  return !repeated;
}
