/**
 * The messages that an actor has asked for, and what has become of them.
 *
 * Pure. Callers: the rules of jobs and tasks.
 */
import type { DeliverySettled, JobDelivery } from './job-words.js';

export function deliveriesAfter(
  deliveries: readonly JobDelivery[],
  { deliveryId, status, at, attempts }: DeliverySettled,
): readonly JobDelivery[] {
  const told = { deliveryId, status, at, attempts };
  return deliveries.map((known) => (known.deliveryId === deliveryId ? told : known));
}

/** A dead letter is not over: somebody may send it again. */
export function deliveriesOver(deliveries: readonly JobDelivery[]): boolean {
  return deliveries.every(({ status }) => status === 'delivered' || status === 'dismissed');
}
