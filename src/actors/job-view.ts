/**
 * A job as its user sees it: the chart's context and its deliveries in one flat record.
 *
 * Pure. Callers: jobs.ts, the CLI. Invariant: no key, no URL query is in it.
 */
import type { AnyMachineSnapshot } from 'xstate';
import { isLate, jobStatus } from '../machines/index.js';
import type {
  DeliveryTarget,
  JobArtifact,
  JobContext,
  JobError,
  JobRef,
  JobStatus,
  Refusal,
} from '../machines/index.js';
import type { ProviderRequest } from '../providers/index.js';
import type { DeliveryView } from './deliveries.js';
import type { ActorRecord } from './kernel/index.js';

export type DeliveryStatusView = 'none' | 'queued' | 'sending' | 'delivered' | 'exhausted';

/** Times are epoch milliseconds. */
export interface JobView {
  readonly id: string;
  readonly sessionKey?: string;
  readonly delivery?: DeliveryTarget;
  readonly origin: 'agent' | 'cron' | 'userDirect';
  /** The present one, where several may be tried. */
  readonly provider: string;
  /** All that may be tried, in their order; absent where there is one. */
  readonly fallback?: readonly FallbackView[];
  readonly kind: 'video' | 'image';
  /** The provider-neutral request; absent when only its payload row is asked for. */
  readonly request?: ProviderRequest;
  /** What is needed to ask the provider again; absent until it accepted. */
  readonly ref?: JobRef;
  readonly status: JobStatus;
  readonly deliveryStatus: DeliveryStatusView;
  readonly submittedAt: number;
  readonly nextPollAt?: number;
  readonly pollCount: number;
  readonly timeoutAt?: number;
  readonly settledAt?: number;
  readonly deliveredAt?: number;
  readonly deliveryAttempts: number;
  /** 0 to 1. */
  readonly progress?: number;
  readonly error?: JobError;
  readonly artifacts: readonly JobArtifact[];
  readonly late: boolean;
  /** Settled, to be delivered, and not delivered or exhausted yet. */
  readonly needsDelivery: boolean;
  /** Why the actor stands still, when it does (see ACTOR_QUARANTINED). */
  readonly quarantine?: { readonly code: string; readonly message: string };
}

/** One provider that a job may be asked of. */
export interface FallbackView {
  readonly provider: string;
  readonly credential: string;
  /** True for the one that is asked now, or has taken it. */
  readonly present: boolean;
  /** Why it did not take the job, and when it is asked again. */
  readonly refusal?: Omit<Refusal, 'step'>;
}

export interface JobViewParts {
  readonly record: ActorRecord;
  readonly snapshot: AnyMachineSnapshot;
  readonly request: ProviderRequest | undefined;
  /** The delivery of the newest outcome, when there is one. */
  readonly delivery: DeliveryView | undefined;
  /** Where an artifact lies now (see ArtifactFiles). */
  readonly pathOf: (path: string) => string;
}

export function jobView({ record, snapshot, request, delivery, pathOf }: JobViewParts): JobView {
  const context = snapshot.context as JobContext;
  const { input, ref, outcome, pollCount, artifacts, submittedAt } = context;
  const deliveryStatus = deliveryStatusOf(context, delivery);
  // What the job was told of its last message outlives the delivery itself.
  const told = context.deliveries.at(-1);
  const status = jobStatus(snapshot);
  // Fetched again, late or by hand, it has an earlier outcome and is not settled.
  const settledAt = status === outcome?.status ? outcome.at : undefined;
  const { quarantine } = record;
  return {
    id: input.jobId,
    origin: input.origin,
    provider: input.provider,
    kind: input.kind,
    status,
    deliveryStatus,
    submittedAt,
    pollCount,
    deliveryAttempts: delivery?.attempts ?? told?.attempts ?? 0,
    artifacts: artifacts.map((artifact) => ({ ...artifact, path: pathOf(artifact.path) })),
    late: isLate(context),
    needsDelivery: deliveryStatus === 'queued' || deliveryStatus === 'sending',
    ...given('fallback', fallbackOf(context)),
    ...given('sessionKey', input.sessionKey),
    ...given('delivery', input.delivery),
    ...given('request', request),
    ...given('ref', ref),
    ...given('nextPollAt', context.nextPollAt),
    ...given('timeoutAt', context.timeoutAt),
    ...given('settledAt', settledAt),
    ...given('deliveredAt', deliveryStatus === 'delivered' ? (delivery?.endedAt ?? told?.at) : undefined),
    ...given('progress', context.progress),
    ...given('error', context.error),
    ...given('quarantine', quarantine && { code: quarantine.code, message: quarantine.message }),
  };
}

function fallbackOf({ input, step: present = 0, refusals = [] }: JobContext): JobView['fallback'] {
  return input.chain?.map(({ provider, credential }, at) => {
    const { step: _step, ...refusal } = refusals.find(({ step }) => step === at) ?? { step: -1 };
    const isRefused = 'until' in refusal;
    return { provider, credential, present: at === present, ...(isRefused ? { refusal } : {}) };
  });
}

function deliveryStatusOf(context: JobContext, delivery: DeliveryView | undefined): DeliveryStatusView {
  const last = context.deliveries.at(-1);
  if (last === undefined) return 'none';
  switch (delivery?.status ?? last.status) {
    case 'sending':
    case 'reconciling':
    case 'waiting':
      return 'sending';
    case 'delivered':
      return 'delivered';
    case 'exhausted':
    case 'dismissed':
      return 'exhausted';
    default:
      return 'queued';
  }
}

function given<K extends string, V>(key: K, value: V | undefined): { readonly [Key in K]?: V } {
  const one: { [Key in K]?: V } = {};
  if (value !== undefined) one[key] = value;
  return one;
}
