/**
 * How deliveries are found: by status, and in the order of their lane.
 *
 * Pure. Callers: deliveries.ts, delivery-lanes.ts, house-machines.ts.
 */
import type { AnyMachineSnapshot } from 'xstate';
import { deliveryLane, holdsLane, type DeliveryContext } from '../machines/index.js';
import type { IndexedActor, IndexRow } from './kernel/index.js';

export const STATUS_INDEX = 'delivery.status';
/** Lane, whether it holds the lane or waits, order. */
export const LANE_INDEX = 'delivery.lane';
export const HOLDS = '0';
const WAITS = '1';

export function deliveryIndexRows(snapshot: AnyMachineSnapshot, { ord }: IndexedActor): IndexRow[] {
  const { input } = snapshot.context as DeliveryContext;
  const status: IndexRow = { index: STATUS_INDEX, parts: [String(snapshot.value), ord] };
  if (!holdsLane(snapshot)) return [status];
  const place = snapshot.value === 'queued' ? WAITS : HOLDS;
  return [status, { index: LANE_INDEX, parts: [deliveryLane(input), place, ord] }];
}
