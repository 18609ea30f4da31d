/** `holdfast`: the runtime and the words of its public face. */
export { openRuntime } from './runtime.js';
export type { Runtime, RuntimeEvents, RuntimeStatus } from './runtime.js';
export { openOffline, type OfflineRuntime } from './offline.js';
export type { RuntimeOptions } from './runtime-options.js';
export { restore, type BackupOptions, type RestoreReport } from './backup.js';
export type { CopyReport } from './store/index.js';
export type { AccountName, AccountView } from './actors/accounts.js';
export type {
  DurableRef,
  EmittedOf,
  EventOfType,
  SendEventOptions,
  WaitOptions,
} from './actors/actor-ref.js';
export type { SnapshotObserver } from './actors/actor-following.js';
export type { ActorView, ActorViewStatus, ListActors } from './actors/actor-view.js';
export type {
  ActorCreation,
  ActorKind,
  CreateActorOptions,
  CreatedRef,
  DefineOptions,
} from './actors/actors.js';
export type { ActorName, ExportOptions, ImportOptions } from './actors/capsule/capsules.js';
export type { Capsule } from './actors/capsule/capsule.js';
export type { Redact } from './actors/capsule/redaction.js';
export { censusFrom } from './actors/census.js';
export type {
  Census,
  CensusOptions,
  CensusRow,
  FailedTrial,
  StoredCount,
  Trial,
  Verdict,
} from './actors/census.js';
export type {
  ActorLine,
  ActorReport,
  ActRequest,
  ActView,
  ArtifactView,
  CapsuleReport,
  Change,
  ChartView,
  DwellView,
  EffectView,
  InspectionFace,
  KindView,
  LegalEvent,
  LinkView,
  ListInspected,
  ListSteps,
  LiveFrame,
  Population,
  StateCountView,
  StepLine,
  StepReport,
  Story,
  StoryStep,
  TimerView,
  WhatIfReport,
  WhatIfRequest,
  WhatIfStep,
  WhyReport,
} from './actors/inspection/face.js';
export type { DeliveryView } from './actors/deliveries.js';
export type { SubmitRequest, TrackRequest } from './actors/job-request.js';
export type { DeliveryStatusView, JobView } from './actors/job-view.js';
export type { JobHandle, JobOptions, ListJobs } from './actors/jobs.js';
export type { FallbackView } from './actors/job-view.js';
export type { CheckOptions, ProviderCheck, Providers, ProviderView } from './actors/providers.js';
export type { OperatorOptions } from './actors/operator.js';
export type { ListQuarantined, Quarantine, QuarantineView } from './actors/quarantine.js';
export type { SchemaIssue, SchemaResult, StandardSchema } from './actors/schema.js';
export type { AttachmentRef } from './actors/attachments.js';
export type { Batch, BatchState, BatchSummary } from './actors/session/batch.js';
export type { Claim } from './actors/session/claim.js';
export type { AbandonOptions, ClaimReceipt, CompleteOptions, SettledTurn } from './actors/session/settle.js';
export type { TurnDelivery } from './actors/session/completion.js';
export type { AskClaim, AskTurn, ModeChange } from './actors/session/asked.js';
export type { SessionDefaults } from './actors/session/desk.js';
export type {
  EnqueuePolicies,
  Payload,
  ProcessWakeDraft,
  SessionCommand,
  SessionInputDraft,
  WorkDraft,
} from './actors/session/drafts.js';
export type { AcceptedInput, MessagePart, TurnCause, TurnMessage } from './actors/session/materialise.js';
export type { Enqueued } from './actors/session/put.js';
export type { CommandReceipt, ListBatches, Said, Session } from './actors/session/session.js';
export type { Turn, TurnCommit, Work } from './actors/session/turn.js';
export type { DroppedMessages, Summarise } from './actors/session/turn-load.js';
export type { ServeOptions, Serving, TurnHandler } from './actors/session/serve.js';
export type { SessionView } from './actors/session/view.js';
export type { Sessions } from './actors/sessions.js';
export type {
  ListTasks,
  NewTask,
  RetryTask,
  TaskHandle,
  TasksFace,
  TasksOptions,
  TaskView,
  ToolDecision,
} from './actors/tasks/face.js';
export type {
  Runner,
  RunnerContext,
  RunnerFunction,
  RunnerInput,
  RunnerObject,
  RunnerResult,
  ToolContext,
  ToolOptions,
} from './actors/tasks/runner.js';
export type {
  ClockJumpMessage,
  DeliveryMessage,
  EffectMessage,
  QuarantineMessage,
} from './actors/telemetry/channels.js';
export type { StepFacts } from './actors/telemetry/facts.js';
export type { TelemetryOptions } from './actors/telemetry/telemetry.js';
export type {
  BulkResult,
  ClaimedWork,
  ClaimOptions,
  EnqueuedWork,
  EnqueueOptions,
  FailOptions,
  HandleOptions,
  ListWork,
  NewWork,
  ScheduleOptions,
  ScheduleView,
  WorkCounts,
  WorkFace,
  WorkHandler,
  WorkHandlerContext,
  WorkHandling,
  WorkItemView,
  WorkKind,
  WorkOptions,
  WorkSelection,
} from './actors/work/face.js';
export type {
  ChildOptions,
  CommittedBatch,
  CommittedStep,
  EffectPolicy,
  HistoryEntry,
  IndexedActor,
  IndexRow,
  JournalEntry,
  MemoryLimits,
  Migration,
  Migrations,
  MigrationState,
  Outcome,
  Page,
  PageOptions,
  ProbeContext,
  ProbeResult,
  Share,
  Supervision,
} from './actors/kernel/index.js';
export { systemClock, type Clock } from './clock.js';
export { examine, type DoctorReport, type Health, type HealthVerdict } from './doctor.js';
export type { DoctorMachine, DoctorOptions, Stage } from './doctor-options.js';
export { HoldfastError, isHoldfastError, type ErrorCode } from './errors.js';
export { findingKinds, type Finding, type FindingCode, type Severity } from './findings.js';
export type { Address } from './ids.js';
export type { Inspector, InspectorOptions } from './inspector/index.js';
export type { Json, JsonEvent, JsonObject } from './json.js';
export { createLogger, silentLogger, type Logger, type LoggerOptions } from './log.js';
export type {
  ActiveTurn,
  Boundary,
  ClaimRefusal,
  ModeSettings,
  QueueMode,
  RestartBudget,
  ScheduleRun,
  SessionCounts,
  TaskError,
  TaskStatus,
  TaskUsage,
  WorkError,
  WorkStatus,
} from './machines/index.js';
