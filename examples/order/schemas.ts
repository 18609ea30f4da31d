/** The order behind schemas: what comes from outside is checked before it is anything's event or input. */
import type { ActorKind, Runtime } from 'holdfast';
import { z } from 'zod';
import { orderMachine } from './order.js';

export function defineChecked(runtime: Runtime): ActorKind<typeof orderMachine> {
  return runtime.define(orderMachine, {
    kind: 'checkedOrder',
    schemas: {
      input: z.object({ amount: z.number().int().positive(), to: z.string().trim().min(1) }),
      events: { pay: z.strictObject({ type: z.literal('pay') }) },
    },
  });
}
