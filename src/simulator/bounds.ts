/**
 * The simulator's own bounds, with their units in their names. Each has a defined behaviour when it is
 * reached.
 *
 * Callers: this room.
 */
const KIB = 1_024;
const MIB = 1_024 * KIB;

export const bounds = {
  /** A larger request body is answered with 413. */
  requestBytesMax: 64 * MIB,
  /** Beyond either, every request is answered with 503: a bill with holes would be worse than none. */
  tasksMax: 100_000,
  ledgerEntriesMax: 1_000_000,
  artifactBytesMax: 256 * MIB,
  /** Ids in one batch query. */
  batchIdsMax: 100,
  rulesMax: 1_000,
  /** To one origin of webhooks; more wait for one of them. */
  webhookConnectionsMax: 64,
  /** Of an answer to a webhook; the rest is not read. */
  answerBytesMax: 4 * KIB,
  /** How long a receiver has to repeat a challenge. */
  challengeMs: 3_000,
  waitMsMax: 2_147_483_647,
} as const;
