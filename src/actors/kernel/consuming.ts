/**
 * What a delivery consumes of its actor, and what the actor's machine sees of it.
 *
 * Pure. Callers: the stepper, failures.ts. Invariant: a delivery whose own row is gone consumes nothing and
 * is refused: it is fenced (K5, K6, K8).
 */
import type { AnyEventObject } from 'xstate';
import { keys } from '../../store/keys.js';
import type { Content, Delivery, Parcel } from './cell.js';
import { kernelEvents } from './kernel-events.js';
import type { ActorRecord, EventEnvelope, InboxRow } from './record.js';
import type { StepAction } from './step-scope.js';
import type { Consumed } from './turn-shapes.js';

/** What a delivery consumes, or undefined when its own row is not there any more: it is fenced. */
export function consumes(address: string, record: ActorRecord, delivery: Delivery): Consumed | undefined {
  const { content, inboxKey } = delivery;
  const inbox = inboxKey === undefined ? {} : { inboxKey };
  switch (content.type) {
    case 'timer': {
      const timer = record.timers.find(({ id }) => id === content.timer.ref.id);
      return timer && { timer };
    }
    case 'result': {
      const effect = record.effects.find(({ id }) => id === content.effectId);
      return effect && { effect, ...inbox };
    }
    case 'stream':
      return record.effects.some(({ id }) => id === content.effectId) ? {} : undefined;
    case 'event': {
      if (content.from !== undefined) return fromChild(record, content.from, content.event.type, inbox);
      if (inboxKey !== undefined) return inbox;
      if (!delivery.dedupe || delivery.eventId === undefined) return {};
      const dedupeKey = keys.dedupe(address, delivery.eventId);
      return delivery.idKeptMs === undefined ? { dedupeKey } : { dedupeKey, idKeptMs: delivery.idKeptMs };
    }
    default:
      return inbox;
  }
}

function fromChild(record: ActorRecord, from: string, type: string, inbox: Consumed): Consumed | undefined {
  const child = record.children?.find(({ id }) => id === from);
  if (child === undefined) return undefined;
  return type.startsWith('xstate.snapshot.') ? inbox : { ...inbox, child };
}

/** What a machine sees as the event of a delivery, without its envelope. */
export function eventOf(content: Content, { timer }: Consumed): AnyEventObject {
  switch (content.type) {
    case 'event':
    case 'result':
    case 'stream':
      return content.event;
    case 'timer':
      return timer?.event ?? { type: content.timer.ref.sendId };
    default:
      return { type: 'xstate.stop' };
  }
}

/** Deliveries that the machine does not see: an event for later, and a delayed send that is due. */
export function kernelStepOf(
  content: Content,
  { timer }: Consumed,
  { at, seq }: EventEnvelope,
): { readonly event: AnyEventObject; readonly actions: readonly StepAction[] } | undefined {
  if (content.type === 'event' && content.at !== undefined && content.at > at) {
    const { event } = content;
    // A name of its own: no `cancel` of the machine's means it, and a restart can tell it from the rest.
    const sendId = `${kernelEvents.scheduled}/${seq}`;
    const raise: StepAction = { type: '@xstate.raise', sendId, delayMs: content.at - at, event };
    return { event: { type: kernelEvents.scheduled, event, dueAt: content.at }, actions: [raise] };
  }
  if (timer?.to === undefined) return undefined;
  const event = timer.event ?? { type: timer.sendId };
  const to = { type: 'actor', ...timer.to } as const;
  const send: StepAction = { type: '@xstate.sendTo', to, event, sendId: undefined, delayMs: undefined };
  return { event: { type: kernelEvents.send, event, to: timer.to.address }, actions: [send] };
}

/** What an inbox row is as a delivery. */
export function inboxDelivery(key: string, row: InboxRow | undefined): Parcel {
  if (row === undefined)
    return { content: { type: 'damaged' }, source: 'kernel', dedupe: false, inboxKey: key };
  const { source, id: eventId, traceparent } = row;
  return { content: contentOf(row), source, traceparent, eventId, dedupe: false, inboxKey: key };
}

function contentOf(row: InboxRow): Content {
  switch (row.type) {
    case 'create':
      return { type: 'create', input: row.input, ...(row.parent && { parent: row.parent }) };
    case 'event':
      return { type: 'event', event: row.event, ...(row.from !== undefined && { from: row.from }) };
    case 'result':
      return { type: 'result', effectId: row.effectId, event: row.event };
    case 'stop':
      return { type: 'stop' };
  }
}
