/**
 * The deliveries façade: messages on their way to chats, and the dead letters among them.
 *
 * Owns: actors of kind `delivery`, their effects and their lanes. Callers: the assembly, the jobs façade
 * (views).
 */
import { fromPromise } from 'xstate';
import type { AnyMachineSnapshot } from 'xstate';
import { channelOf, faultOf, receiptOf } from '../channels/index.js';
import type { Channel, ChannelObject, Message, RetryPolicy } from '../channels/index.js';
import { HoldfastError } from '../errors.js';
import type { JsonObject } from '../json.js';
import { limits } from '../limits.js';
import type { Logger } from '../log.js';
import { deliveryLane, deliveryMachine } from '../machines/index.js';
import type {
  DeliveryContext,
  DeliveryInput,
  DeliveryReconcileAnswer,
  DeliveryReconcileInput,
} from '../machines/index.js';
import type { DeliveryStatus, SendAnswer, SendFault, SendInput } from '../machines/index.js';
import { redactText, shortWord } from '../providers/index.js';
import { STATUS_INDEX } from './delivery-index.js';
import { DeliveryLanes } from './delivery-lanes.js';
import { deliveryDefinition } from './house-machines.js';
import type { CommittedStep, Kernel, Page, PageOptions, StepCheck } from './kernel/index.js';
import { unlessBad } from './one-of-many.js';
import { sourceOf, type OperatorOptions } from './operator.js';

const KIND = 'delivery';

export interface DeliveryView {
  readonly id: string;
  readonly status: DeliveryStatus;
  readonly channel: string;
  readonly target: string;
  readonly text: string;
  readonly jobId?: string;
  readonly queuedAt: number;
  readonly attempts: number;
  readonly retryAt?: number;
  readonly endedAt?: number;
  readonly error?: { readonly code: string; readonly message: string };
}

export interface DeliveriesOptions {
  readonly channels: Readonly<Record<string, Channel>>;
  /** How long a delivery stays after it has ended; default 24 h. */
  readonly retentionMs?: number | undefined;
  /** Where an artifact lies now (see ArtifactFiles); default: where it was fetched to. */
  readonly pathOf?: (path: string) => string;
}

export class Deliveries {
  readonly #kernel: Kernel;
  readonly #channels: ReadonlyMap<string, ChannelObject>;
  readonly #lanes: DeliveryLanes;
  readonly #pathOf: (path: string) => string;
  readonly #log: Logger;

  constructor(kernel: Kernel, options: DeliveriesOptions, log: Logger) {
    const { channels, pathOf = (path) => path } = options;
    this.#kernel = kernel;
    this.#pathOf = pathOf;
    this.#log = log;
    this.#channels = new Map(
      Object.entries(channels).map(([name, channel]) => [name, channelOf(name, channel)]),
    );
    this.#lanes = new DeliveryLanes(kernel, log);
    this.#define(options.retentionMs);
    kernel.onStep((step) => this.#onStep(step));
  }

  /** Call once the kernel has started. */
  async recover(): Promise<void> {
    await this.#lanes.recover();
  }

  /** The retry policy of a channel, when it has one of its own. */
  policyOf(channel: string): RetryPolicy | undefined {
    return this.#channels.get(channel)?.policy;
  }

  async get(id: string): Promise<DeliveryView | undefined> {
    const actor = await this.#kernel.snapshot(`${KIND}/${id}`);
    return actor && viewOf(actor.snapshot);
  }

  /** Deliveries in one state, oldest first; `exhausted` are the dead letters. */
  async list(options: PageOptions & { readonly status: DeliveryStatus }): Promise<Page<DeliveryView>> {
    const page = await this.#kernel.reader.byIndex(STATUS_INDEX, [options.status], options);
    const found = await Promise.all(
      page.items.map((address) => unlessBad(this.#log, address, () => this.#kernel.snapshot(address))),
    );
    return {
      ...page,
      items: found.flatMap((actor) => (actor === undefined ? [] : [viewOf(actor.snapshot)])),
    };
  }

  /** Sends a dead letter again, under the same id. Throws DELIVERY_NOT_RETRYABLE when it is none. */
  async retry(id: string, by?: OperatorOptions): Promise<void> {
    await this.#operate(id, 'delivery.retry', by, (status) => {
      if (status === 'exhausted') return;
      throw new HoldfastError('DELIVERY_NOT_RETRYABLE', `delivery ${id} is ${String(status)}`);
    });
  }

  /**
   * Gives a message up that is not delivered yet; one that is being sent may arrive all the same. Throws
   * DELIVERY_NOT_DISMISSABLE once it has an end.
   */
  async dismiss(id: string, by?: OperatorOptions): Promise<void> {
    await this.#operate(id, 'delivery.dismiss', by, (status) => {
      if (status !== 'delivered' && status !== 'dismissed') return;
      throw new HoldfastError('DELIVERY_NOT_DISMISSABLE', `delivery ${id} is ${status}`);
    });
  }

  /** `check` throws for a status that does not allow it: now, and in the step itself. */
  async #operate(
    id: string,
    type: 'delivery.retry' | 'delivery.dismiss',
    by: OperatorOptions | undefined,
    check: (status: unknown) => void,
  ): Promise<void> {
    const view = await this.get(id);
    if (view === undefined) throw new HoldfastError('ACTOR_NOT_FOUND', `there is no delivery ${id}`);
    // One that has ended takes no event any more.
    check(view.status);
    const inStep: StepCheck = ({ value }) => check(value);
    await this.#kernel.send(`${KIND}/${id}`, { type }, { ...sourceOf(by), check: inStep });
  }

  #define(retentionMs: number | undefined): void {
    const send = fromPromise<SendAnswer, SendInput>(({ input, signal }) => this.#send(input, signal));
    const reconcile = fromPromise<DeliveryReconcileAnswer, DeliveryReconcileInput>(({ input, signal }) =>
      this.#reconcile(input, signal),
    );
    this.#kernel.define({
      ...deliveryDefinition,
      machine: deliveryMachine.provide({ actors: { send, reconcile } }),
      effects: {
        send: {
          recovery: 'manual',
          pool: () => 'send',
          limit: limits.deliveriesMax,
          timeoutMs: limits.deliveryTimeoutMs,
          drains: true,
        },
        reconcile: {
          pool: () => 'reconcile',
          limit: limits.deliveriesMax,
          timeoutMs: limits.deliveryTimeoutMs,
        },
      },
      ...(retentionMs === undefined ? {} : { retentionMs }),
    });
  }

  async #send({ message, attempt }: SendInput, signal: AbortSignal): Promise<SendAnswer> {
    const channel = this.#channels.get(message.channel);
    if (channel === undefined) {
      const text = `no channel is registered as "${message.channel}"`;
      return { type: 'failed', error: { code: 'channel-missing', message: text, permanent: false } };
    }
    try {
      const context = { deliveryId: message.deliveryId, attempt, signal };
      const receipt = receiptOf(await channel.send(messageOf(message, this.#pathOf), context));
      return receipt === undefined ? { type: 'sent' } : { type: 'sent', receipt };
    } catch (error) {
      return { type: 'failed', error: shown(faultOf(error)) };
    }
  }

  async #reconcile(input: DeliveryReconcileInput, signal: AbortSignal): Promise<DeliveryReconcileAnswer> {
    const channel = this.#channels.get(input.channel);
    if (channel?.reconcile === undefined) return { type: 'unsupported' };
    try {
      return { type: await channel.reconcile(input.deliveryId, { signal }) };
    } catch (error) {
      // Not knowing is an answer; what was thrown stays out of the journal.
      const { code, message } = shown(faultOf(error));
      this.#log.warn({ deliveryId: input.deliveryId, code, message }, 'delivery.reconcile.failed');
      return { type: 'unknown' };
    }
  }

  #onStep({ kind, snapshot, entry }: CommittedStep): void {
    if (kind !== KIND) return;
    const { input } = snapshot.context as DeliveryContext;
    this.#lanes.look(deliveryLane(input));
    for (const { type, ...facts } of entry.emitted ?? []) this.#log.error(facts, type);
  }
}

/** Channels are users' own: an error of theirs may quote a signed URL, and it is kept, listed and logged. */
function shown(fault: SendFault): SendFault {
  return { ...fault, code: shortWord(fault.code), message: redactText(fault.message) };
}

function messageOf(input: DeliveryInput, pathOf: (path: string) => string): Message {
  const { channel, target, text, files, account, replyTo, jobId, meta } = input;
  return {
    channel,
    target,
    text,
    files: files.map((file) => ({ ...file, path: pathOf(file.path) })),
    isGroup: input.isGroup ?? false,
    images: input.images ?? [],
    ...(account === undefined ? {} : { account }),
    ...(replyTo === undefined ? {} : { replyTo }),
    ...(jobId === undefined ? {} : { jobId }),
    // Checked to be JSON when the job was submitted.
    ...(meta === undefined ? {} : { meta: meta as JsonObject }),
  };
}

function viewOf(snapshot: AnyMachineSnapshot): DeliveryView {
  const context = snapshot.context as DeliveryContext;
  const { input, queuedAt, attempts, retryAt, endedAt, error } = context;
  return {
    id: input.deliveryId,
    status: snapshot.value as DeliveryStatus,
    channel: input.channel,
    target: input.target,
    text: input.text,
    queuedAt,
    attempts,
    ...(input.jobId === undefined ? {} : { jobId: input.jobId }),
    ...(retryAt === undefined ? {} : { retryAt }),
    ...(endedAt === undefined ? {} : { endedAt }),
    ...(error === undefined ? {} : { error }),
  };
}
