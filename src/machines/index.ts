/**
 * What other rooms may use of the machines room: the charts, their words, and the pure rules they are made
 * of.
 *
 * Callers: actors, runtime, the inspector, users (`holdfast/machines`).
 */
export { envelopeOf } from './envelope.js';
export type { Envelope } from './envelope.js';
export { backoffMs, clampRetryAfterMs, jitteredBackoffMs, jitteredMs } from './backoff.js';
export type { BackoffPolicy } from './backoff.js';
export { pollDelayMs } from './poll-cadence.js';
export type { PollCadence, PollMoment } from './poll-cadence.js';
export { budgetExceeded, withFailure } from './restart-intensity.js';
export type { RestartBudget } from './restart-intensity.js';
export { providedByRuntime, reservedActions } from './reserved.js';
export type {
  ActorCreate,
  ActorSend,
  EffectError,
  HistoryAppend,
  PayloadDelete,
  PayloadPut,
} from './reserved.js';
export { jobMachine } from './job.js';
export { isLate, isUnwanted, jobDefaults, jobStatus } from './job-rules.js';
export { ACCOUNT_PAUSED } from './job-chain.js';
export type * from './job-words.js';
export { deliveryDefaults, deliveryLane, deliveryMachine, holdsLane } from './delivery.js';
export type {
  DeliveryContext,
  DeliveryEvent,
  DeliveryFile,
  DeliveryInput,
  DeliveryNotice,
  DeliveryReconcileAnswer,
  DeliveryReconcileInput,
  DeliveryStatus,
  SendAnswer,
  SendFault,
  SendInput,
} from './delivery.js';
export { accountHolds, providerAccountMachine } from './provider-account.js';
export type {
  AccountHold,
  AccountNotice,
  AccountTrouble,
  ProviderAccountContext,
  ProviderAccountEvent,
  ProviderAccountInput,
} from './provider-account.js';
export { workItemMachine, workRows } from './work-item.js';
export { claimRefusal, isLiveWork, workDefaults, workStatus, type ClaimRefused } from './work-rules.js';
export { scheduleMachine, scheduleRows } from './schedule.js';
export { scheduleRules } from './schedule-rules.js';
export type * from './work-words.js';
export { taskMachine } from './task.js';
export {
  CANCELLED_WITH_PARENT,
  isPresentRun,
  isSettledTask,
  taskDefaults,
  taskRows,
  taskStatus,
} from './task-rules.js';
export type { TaskMoment } from './task-rules.js';
export type * from './task-words.js';
export { newsFor, parkedEventMachine } from './parked-event.js';
export type { JobFound, ParkedEventContext, ParkedEventInput } from './parked-event.js';
export { supervisorDefaults, supervisorMachine } from './supervisor.js';
export type { SupervisorContext, SupervisorEvent, SupervisorInput } from './supervisor.js';
export { sessionMachine } from './session-queue.js';
export { askedBy, modeDefaults } from './session-setup.js';
export * from './select-batches.js';
export {
  batchIdOf,
  headOf,
  isLive,
  stateOf,
  supersededBy,
  takingOf,
  type ClaimRefusal,
  type Superseded,
} from './session-claims.js';
export {
  cancellable,
  enqueueRefusal,
  payloadRow,
  rowsReadBy,
  settingsOf,
  turnRow,
  type EnqueueRefusal,
} from './session-intake.js';
export { found, headsAfter } from './session-pages.js';
export { completeRefusal, firstSuperseded, receiptOf, type CompleteRefusal } from './session-settling.js';
export { dropPolicies, queueModes } from './session-words.js';
export type * from './session-words.js';
