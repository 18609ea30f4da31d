/**
 * Every bound of the runtime in one place, with its unit in its name (design rule K11).
 * A value here is a default; those that options may change say so.
 */
const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const KIB = 1_024;
const MIB = 1_024 * KIB;

export const limits = {
  idBytesMax: 512,

  /** Group commit: a group is closed when it reaches either bound. */
  commitRowsMax: 2_000,
  commitBytesMax: 4 * MIB,
  /** Steps staged and not committed yet, over all actors; beyond it callers get `COMMITS_BEHIND`. */
  pendingStepsMax: 50_000,
  /** Events waiting for one actor; beyond it `MAILBOX_FULL`. */
  mailboxMax: 1_000,
  /** Actors kept in memory with nothing to do (least recently used go first). */
  activeActorsMax: 10_000,
  /** Of their records, as JSON text. */
  activeBytesMax: 64 * MIB,
  /** Rows of the commit chain kept and checked at open. */
  chainRowsKept: 20_000,
  scanPageRows: 1_000,
  /** Views of a store open at once, backups among them; one more is `STORE_BUSY`. */
  storeViewsMax: 8,
  /** Damaged rows and missing files that a copy names; it counts them all. */
  copyNamesMax: 100,

  /** A capsule as text; beyond it nothing is read. */
  capsuleBytesMax: 64 * MIB,
  /** Payloads in a capsule, as text, and rows that wait for its actor; what is left out is named in it. */
  capsulePayloadBytesMax: 16 * MIB,
  capsuleInboxMax: 1_000,

  /** Findings of an examination that are kept; more are counted. */
  findingsKept: 1_000,
  /** Rows that mend what an examination found, written after it; what is left comes in the next round. */
  mendRowsMax: 100_000,
  mendRoundsMax: 1_000,

  journalEntriesMax: 1_024,
  journalBytesMax: MIB,
  checkpointEverySteps: 256,
  checkpointBytes: 256 * KIB,
  /** Journal bytes that an amortized snapshot stands for at least. */
  amortizedBytesMin: 64 * KIB,
  /** Journal bytes between checkpoints of a paged context, for each byte that the last one wrote. */
  pagedCheckpointFactor: 4,
  /** Transitions of one step that no event asked for (`always`, `raise`): more are a loop. */
  microstepsMax: 10_000,
  /** How deep JSON from outside may be nested. */
  jsonDepthMax: 500,
  payloadBytesMax: 256 * KIB,
  eventBytesMax: 1 * MIB,

  timerSleepMaxMs: 60 * SECOND_MS,
  timerBudgetMs: 5,
  /** Timers fire while no more steps than this wait for the disk. */
  timerStepsPendingMax: 200,
  clockJumpMs: 5 * SECOND_MS,

  dedupeTtlMs: DAY_MS,
  idempotencyTtlMs: 7 * DAY_MS,
  retentionMs: DAY_MS,
  /** Events that nobody could take. */
  deadLetterMs: 30 * DAY_MS,
  /** Deliveries of the runtime's own that wait for one actor while it stands still; more are dead letters. */
  standingStillMax: 10_000,
  /** How often a step looks again whether a system id is free whose holder is about to be stopped. */
  systemIdMomentsMax: 1_000,
  sweepEveryMs: 10 * MINUTE_MS,

  sessionKeyBytesMax: 500,
  /** How long a claim on a session's batches holds without being renewed. */
  claimTtlMs: 15 * MINUTE_MS,
  /** What a turn leaves in one commit: the inputs it has taken, 64 batches of 256 KiB, and as much again. */
  completionBytesMax: 32 * MIB,
  /** Its history entries: 64 batches of 64 inputs, and what checkpoints and the reply add. */
  completionEntriesMax: 20_000,
  /** How long a summary of dropped messages may take. */
  summaryTimeoutMs: 30 * SECOND_MS,
  /** Sessions known to have a turn ready that wait for a handler; more are found by their index. */
  servedHintsMax: 10_000,
  /** When serving looks again at what failed outside of a handler. */
  serveAgainMs: 10 * SECOND_MS,

  /** Items that one call enqueues, in one commit, and their payloads together. */
  workManyMax: 10_000,
  workManyBytesMax: 16 * MIB,
  /** Ready items of one kind that are kept at hand, and read in one look; the rest wait on disk. */
  workShelfMax: 1_000,
  workShelfPage: 256,
  /** Kinds whose ready items are kept at hand. */
  workShelvesMax: 1_000,
  workClaimsMax: 1_000,
  /** How long a claim from elsewhere may wait for an item. */
  workWaitMaxMs: MINUTE_MS,
  workBulkMax: 10_000,
  workTtlMinMs: SECOND_MS,
  workTtlMaxMs: DAY_MS,
  workRetryInMaxMs: 30 * DAY_MS,
  /** A worker in this process that could not claim tries again after this. */
  workAgainMs: SECOND_MS,
  schedulesAtOnce: 8,
  scheduleEveryMinMs: SECOND_MS,
  scheduleEveryMaxMs: 366 * DAY_MS,

  tasksMax: 8,
  taskStaggerMs: 250,
  taskDepthMax: 8,
  taskIterationsMax: 10_000,
  /** Of a checkpoint's state as JSON; it is kept in parts of what a payload may hold. */
  taskCheckpointBytesMax: 4 * MIB,
  /** Of a result, kept whole; and of what histories, wakes and messages have of it. */
  taskOutputBytesMax: 200 * KIB,
  taskTextBytesMax: 16 * KIB,
  taskLabelGraphemes: 80,
  taskCallsOpenMax: 100,
  taskChildrenMax: 1_000,
  taskTimeoutMaxMs: 366 * DAY_MS,

  /** The longest stays that are kept of each state, and the states whose stays are. */
  dwellSlowestMax: 3,
  dwellStatesMax: 10_000,
  /** States of a chart that is drawn: how long that takes grows faster than they do. */
  chartStatesMax: 500,

  /** Spans of causes that are remembered; combinations of labels that a metric has. */
  tracedCausesMax: 10_000,
  metricSeriesMax: 1_000,
  /** Actors that stand still, as far as a metric counts them. */
  metricStandingMax: 10_000,
  /** The inspector: what is told at once of what happens, how often, and to how many at a time. */
  inspectorFrameGapMs: 250,
  inspectorFrameStepsMax: 50,
  inspectorStreamsMax: 32,
  /** Of frames that one stream has not taken yet. */
  inspectorStreamBytesMax: MIB,
  /** A stream that has nothing to tell says so: who is in between must not take it for dead. */
  inspectorHeartbeatMs: 15 * SECOND_MS,
  /** A receiver that is told of the end has so long to say that it heard. */
  inspectorGoodbyeMs: SECOND_MS,
  /** How long a browser may come back without the token. */
  inspectorCookieAgeMs: DAY_MS,
  /** A capsule that is shown, as text. */
  inspectorCapsuleBytesMax: 16 * MIB,
  inspectorChartsMax: 100,
  /** One drawing, in a thread of its own; and how long that thread waits for the next. */
  inspectorDrawingTimeoutMs: 20 * SECOND_MS,
  inspectorDrawerIdleMs: 30 * SECOND_MS,
  /** Actors whose frames one receiver of Stately's gets. */
  inspectorReceiverActorsMax: 100,
  /** Kept steps that one of them is told of before what happens, of all its actors together. */
  inspectorReceiverStepsMax: 256,
  inspectedTitleChars: 200,
  inspectedHistoryMax: 50,
  inspectedLinksMax: 100,
  inspectedErrorsMax: 3,
  storyStepsMax: 500,
  storyActorsMax: 50,
  whatIfEventsMax: 100,

  effectTimeoutMs: HOUR_MS,
  /** A pool loads at most this many times its limit from the outbox. */
  poolWindowFactor: 2,
  /** A pool that has waited so long for one to start has its turn whatever its priority is. */
  poolPatienceMs: MINUTE_MS,
  /** Effects of one pool that wait out a back-off, in memory; while there are more, the pool starts none. */
  restingEffectsMax: 1_000,
  /** What an effect waits that was put off although its gate is open. */
  deferredPauseMs: 100,
  /** Events of one callback or observable that are not on disk yet; beyond it fails with `EFFECT_BACKLOG`. */
  streamBacklogMax: 1_000,
  /** Events for one callback that has not started yet; more are dropped. */
  tellBacklogMax: 100,
  providerCallsPerAccount: 8,
  providerCallsMax: 64,
  /** What an option may say of one account. */
  providerCallsPerMinuteMax: 1_000_000,
  /** Pages of index rows that a count of jobs reads. */
  countedPagesMax: 10,
  /** A deadline of a job, or a wait between its polls; and how many of these are its first. */
  jobTimeMaxMs: 366 * DAY_MS,
  fastPollsMax: 10_000,
  /** Further providers that one request may name. */
  fallbacksMax: 8,
  /** Lanes of sessions in each account's submits, downloads and polls. */
  lanesOfAccount: 32,
  downloadsMax: 4,
  /** Jobs whose artifact URLs are kept in memory between the poll and the fetch, and bytes of one's. */
  rememberedSourcesMax: 1_000,
  rememberedSourceBytesMax: 16 * KIB,
  /** Pages of one listing read in one look for a lost task. */
  listingPagesMax: 100,
  deliveriesMax: 8,
  deliveryTimeoutMs: 5 * MINUTE_MS,
  closeTimeoutMs: 10 * SECOND_MS,

  /** The control door: one long poll, one call, one connect, and what a close waits for calls under way. */
  controlBodyBytesMax: 1 * MIB,
  controlWaitMs: 30 * SECOND_MS,
  controlWaitMaxMs: 5 * MINUTE_MS,
  controlCallTimeoutMs: 30 * SECOND_MS,
  /** What the client waits for a backup: it takes as long as the disk needs. */
  controlBackupTimeoutMs: DAY_MS,
  controlConnectTimeoutMs: 5 * SECOND_MS,
  controlCloseTimeoutMs: 1 * SECOND_MS,

  webhookTimeoutMs: 30 * SECOND_MS,
  webhookBodyBytesMax: 1 * MIB,
  /** What a provider posts to a hook: its body, how long that may take, and a challenge in it. */
  hookBodyBytesMax: 1 * MIB,
  hookBodyTimeoutMs: 10 * SECOND_MS,
  hookChallengeBytesMax: KIB,
  /** How far the time of a signature may be from ours. */
  hookWindowMs: 5 * MINUTE_MS,
  /** Keys of signatures: how long they are good, how often they are asked for, how many are kept. */
  hookKeysMaxAgeMs: DAY_MS,
  hookKeysGapMs: 10 * SECOND_MS,
  hookKeysTimeoutMs: 5 * SECOND_MS,
  hookKeysMax: 100,
  /** Unsigned hints for one job come this far apart at least; the moments of so many jobs are remembered. */
  hookHintGapMs: 1 * SECOND_MS,
  hookHintsRemembered: 10_000,
  /** What who is told to come again is told to wait. */
  hookRetryAfterMs: 30 * SECOND_MS,
  /** Events that wait for their job at once; one more is told to come again. */
  parkedEventsMax: 1_000,

  /** What a channel resolved with, kept with the delivery; larger receipts are dropped. */
  receiptBytesMax: 8 * KIB,
  deliveryFaultCharsMax: 500,

  /**
   * One call to a provider: its parts, then the whole. A submit waits longer, since its answer cannot be
   * asked twice.
   */
  providerConnectTimeoutMs: 10 * SECOND_MS,
  providerHeadersTimeoutMs: 30 * SECOND_MS,
  providerCallTimeoutMs: MINUTE_MS,
  providerSubmitTimeoutMs: 2 * MINUTE_MS,
  providerBodyBytesMax: 1 * MIB,
  providerMessageCharsMax: 500,
  /** A provider's own error code or status word. */
  providerWordCharsMax: 100,
  retryAfterMinMs: 1 * SECOND_MS,
  retryAfterMaxMs: 15 * MINUTE_MS,

  videoBytesMax: 512 * MIB,
  imageBytesMax: 64 * MIB,
  /** A reply that has images in it as base64: 24 MiB of them, an uncompressed 4K picture. */
  inlineReplyBytesMax: 32 * MIB,
  redirectsMax: 5,
  /**
   * What undici may hold of a reply before it pauses its parser: never. A connection that ends while the
   * parser is
   * paused ends our process (nodejs/undici#5360, mended in 8 for Node 22). Readers bound what they take
   * instead.
   */
  replyPauseBytes: Number.MAX_SAFE_INTEGER,
  /** A download that has so much in memory writes it synchronously: the network waits, not the memory. */
  downloadBacklogBytes: 8 * MIB,
  /** A download syncs what it has, and notes it to go on from there, each time it has so much more. */
  downloadNoteBytes: 4 * MIB,
  /** Requests of one attempt at a download: a body that is cut off is gone on with at once. */
  downloadRequestsMax: 5,
  downloadIdleMs: 30 * SECOND_MS,
  /** A download may take the grace and as long as its size needs at this rate. */
  downloadGraceMs: MINUTE_MS,
  downloadBytesPerSecondMin: 64 * KIB,
  /** All artifacts of one job: the largest video at the lowest rate takes 2.3 h. */
  fetchTimeoutMs: 12 * HOUR_MS,
  sniffBytes: 4_100,
} as const;
