/**
 * The control port: what the control server needs of a runtime, and what its client offers other processes.
 *
 * Types, and the words of the wire. Callers: server.ts, routes.ts, client.ts, runtime.ts (which satisfies
 * the first), the CLI.
 */
import type {
  AccountName,
  AccountView,
  Capsule,
  BackupOptions,
  CheckOptions,
  CopyReport,
  DeliveryView,
  InspectionFace,
  JobHandle,
  JobView,
  ListJobs,
  ListQuarantined,
  OperatorOptions,
  Page,
  PageOptions,
  ProviderCheck,
  ProviderView,
  QuarantineView,
  RuntimeStatus,
  StoredCount,
  SubmitRequest,
  TrackRequest,
  WorkFace,
} from '../index.js';
import type { ControlInspection } from './inspection-client.js';
import type { SessionsFace } from './session-acts.js';
import type { ControlSessions } from './session-port.js';
import type { ControlledTasks, ControlTasks } from './task-port.js';
import type { ControlWork } from './work-port.js';

/** What an operator may do with an actor that stands still. */
export const OPERATIONS = ['resume', 'skip', 'dismiss'] as const;
export type Operation = (typeof OPERATIONS)[number];

/** The part of a runtime that other processes may reach. */
export interface ControlledRuntime {
  readonly status: RuntimeStatus;
  readonly directory: string;
  readonly jobs: {
    submit(request: SubmitRequest): Promise<JobHandle>;
    track(request: TrackRequest): Promise<JobHandle>;
    get(id: string): JobHandle;
    view(id: string): Promise<JobView>;
    list(options?: ListJobs): Promise<Page<JobView>>;
  };
  readonly deliveries: {
    get(id: string): Promise<DeliveryView | undefined>;
    list(options: PageOptions & { readonly status: DeliveryView['status'] }): Promise<Page<DeliveryView>>;
    retry(id: string): Promise<void>;
  };
  readonly accounts: {
    list(): Promise<AccountView[]>;
    resume(account: AccountName, operator?: string): Promise<void>;
  };
  readonly providers: {
    readonly ids: readonly string[];
    list(): Promise<ProviderView[]>;
    check(name: string, options?: CheckOptions): Promise<ProviderCheck>;
  };
  readonly sessions: SessionsFace;
  readonly tasks: ControlledTasks;
  readonly work: WorkFace;
  readonly quarantine: {
    list(options?: ListQuarantined): Promise<Page<QuarantineView>>;
    get(address: string): Promise<QuarantineView>;
    resume(address: string, options?: OperatorOptions): Promise<void>;
    skip(address: string, options?: OperatorOptions): Promise<void>;
    dismiss(address: string, options?: OperatorOptions): Promise<void>;
  };
  readonly inspection: InspectionFace;
  counts(): readonly StoredCount[];
  metrics(): Promise<string>;
  export(address: string, options: CapsuleWish): Promise<Capsule>;
  backup(target: string, options?: BackupOptions): Promise<CopyReport>;
}

/** `redact: false`: with its secrets. */
export interface CapsuleWish {
  readonly redact?: false;
}

export interface RuntimeView {
  readonly status: RuntimeStatus;
  readonly directory: string;
}

export interface SubmittedJob {
  readonly job: JobView;
  /** True when the job was found under its idempotency key. */
  readonly deduplicated: boolean;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
}

/**
 * A running runtime, seen from another process. Every method throws the `HoldfastError` the runtime threw,
 * and `CONTROL_FAILED` when no answer came: whether the call was applied is then unknown.
 */
export interface ControlClient {
  /** The socket or URL it talks to. */
  readonly address: string;
  readonly sessions: ControlSessions;
  readonly tasks: ControlTasks;
  readonly work: ControlWork;
  readonly inspection: ControlInspection;
  runtime(options?: CallOptions): Promise<RuntimeView>;
  submitJob(request: SubmitRequest, options?: CallOptions): Promise<SubmittedJob>;
  trackJob(request: TrackRequest, options?: CallOptions): Promise<SubmittedJob>;
  listJobs(filter?: ListJobs, options?: CallOptions): Promise<Page<JobView>>;
  getJob(id: string, options?: CallOptions): Promise<JobView>;
  /** The job after the cancel. */
  cancelJob(id: string, reason?: string, options?: CallOptions): Promise<JobView>;
  retryJob(id: string, options?: CallOptions): Promise<JobView>;
  /** Resolves with the settled job, however long that takes; rejects when `signal` aborts. */
  waitJob(id: string, options?: CallOptions): Promise<JobView>;
  listProviders(options?: CallOptions): Promise<readonly ProviderView[]>;
  checkProvider(name: string, credential?: string, options?: CallOptions): Promise<ProviderCheck>;
  /** The account as it is then; its jobs go on. */
  resumeAccount(account: AccountName, options?: CallOptions): Promise<AccountView>;
  /** How many actors of every kind are in each state. */
  counts(options?: CallOptions): Promise<readonly StoredCount[]>;
  /** One actor as a capsule. */
  export(address: string, wish?: CapsuleWish, options?: CallOptions): Promise<Capsule>;
  listQuarantined(filter?: ListQuarantined, options?: CallOptions): Promise<Page<QuarantineView>>;
  getQuarantined(address: string, options?: CallOptions): Promise<QuarantineView>;
  operate(what: Operation, address: string, operator?: string, options?: CallOptions): Promise<void>;
  /** Copies this moment of the directory into `target`, an absolute path on the runtime's machine. */
  backup(target: string, options?: CallOptions): Promise<CopyReport>;
  /** Drops the connections; harmless when repeated. */
  close(): Promise<void>;
}
