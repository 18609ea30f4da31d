/**
 * What a stranger writes first: a machine of his own, durable. Compiled and run in an empty project into
 * which the packed tarball was installed.
 */
import { openRuntime } from 'holdfast';
import { setup } from 'xstate';

const order = setup({ types: { events: {} as { readonly type: 'pay' } } }).createMachine({
  id: 'order',
  version: '1',
  initial: 'open',
  states: { open: { on: { pay: 'paid' } }, paid: { type: 'final' } },
});
const runtime = await openRuntime({ directory: './.holdfast' });
const ref = await runtime.define(order).create({ id: '77' });
await ref.send({ type: 'pay' });
process.stdout.write(`order ${(await ref.snapshot())?.value}\n`);
await runtime.close();
