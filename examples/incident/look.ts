/** The actor of a capsule in a directory of its own, to look at and to let go on. */
import { openRuntime } from 'holdfast';
import { readCapsule } from 'holdfast/testing';
import { orderMachine } from './mended.js';

export async function goOn(file: string, directory: string): Promise<string> {
  const runtime = await openRuntime({ directory, control: false });
  try {
    const orders = runtime.define(orderMachine);
    const address = await runtime.import(readCapsule(file));
    await runtime.quarantine.resume(address, { operator: 'ann' });
    const order = await orders.get(address.slice('order/'.length)).waitFor(() => true);
    return `${address} is ${order.value}, at ${order.context.cents} cents`;
  } finally {
    await runtime.close();
  }
}
