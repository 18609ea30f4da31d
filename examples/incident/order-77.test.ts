/** What happened to order/77, exported 2026-11-20T09:30:13.000Z. */
import { expectMended, readCapsule } from 'holdfast/testing';
import { test } from 'vitest';
import { orderMachine } from './order.js';

const file = new URL('./order-77.capsule.json', import.meta.url);

test("order/77, step 3 (discount): TypeError: Cannot read properties of undefined (reading 'percent…", () => {
  expectMended(orderMachine, readCapsule(file));
});
