/** Ways of looking at durable actors, here those of the order. */
import type { ActorKind, Runtime } from 'holdfast';
import type { orderMachine } from './order.js';

export async function look(runtime: Runtime, orders: ActorKind<typeof orderMachine>): Promise<string[]> {
  const lines: string[] = [];
  lines.push(`${orders.count()} orders, ${orders.count('shipping')} of them shipping`);

  let cursor: string | undefined;
  do {
    const page = await orders.list({ state: 'shipping', cursor });
    lines.push(...page.items.map(({ id, seq }) => `${id} is shipping, after ${seq} steps`));
    cursor = page.cursor;
  } while (cursor !== undefined);

  const children = await runtime.list('order.parcel', { status: 'active' });
  lines.push(...children.items.map(({ address }) => `${address} is under way`));

  for (const { seq, event, source } of await orders.get('77').journal()) {
    lines.push(`${seq} ${event.type} from ${source}`);
  }
  return lines;
}
