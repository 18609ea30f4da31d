/** The kernel's face for the façades, the assembly, the tests and the benchmarks. */
export { Kernel } from './kernel.js';
export type { Share } from './bounds.js';
export type { SendOptions, StepCheck, StepFence } from './asking.js';
export type { CommittedStep } from './after-commit.js';
export type { MemoryLimits, Outcome } from './cell.js';
export { chartConfigOf } from './chart-config.js';
export type { StateCount } from './counts.js';
export { leavesOf } from './leaves.js';
export type { Created } from './create-many.js';
export { defineMachine, structureHash } from './definition.js';
export type {
  ChildOptions,
  Definition,
  DefinitionOptions,
  EffectPolicy,
  IndexedActor,
  IndexRow,
  ProbeContext,
  ProbeResult,
  Supervision,
} from './definition.js';
export type { PerformedEffect, EffectHook } from './effect-hook.js';
export { EffectDeferred, type RunOutcome } from './effect-run.js';
export { interruptEffects } from './interrupt.js';
export type { Migration, Migrations, MigrationState } from './migration.js';
export { QUARANTINE_INDEX } from './quarantine.js';
export type { FoundRecord, Page, PageOptions } from './reader.js';
export type { ActorRows, Gap, Waiting } from './exporting.js';
export type {
  ActorRecord,
  ActorStatus,
  EffectRow,
  HistoryEntry,
  JournalEntry,
  Quarantine,
} from './record.js';
export { checkReplay } from './replay.js';
export type { CommittedBatch, EffectAttempt, KernelWatch, StepTrace, WatchedAttempt } from './watching.js';
