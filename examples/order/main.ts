/** The order, durable. Kill it wherever you like and start it again: it goes on where it was. */
import { openRuntime } from 'holdfast';
import { findCharge } from './bank.js';
import { orderMachine } from './order.js';

const runtime = await openRuntime({ directory: './.holdfast' });
const orders = runtime.define(orderMachine, {
  effects: {
    charge: {
      recovery: 'probe',
      probe: async ({ effectId }) => {
        const receipt = await findCharge(effectId);
        return receipt === undefined ? { type: 'notStarted' } : { type: 'done', output: receipt };
      },
    },
  },
});

const order = orders.get('77');
order.on('paid', ({ receipt }) => process.stdout.write(`paid ${receipt.amount}\n`));
const { created } = await orders.create({ id: '77', input: { amount: 42, to: 'Ada' } });
process.stdout.write(created ? 'a new order\n' : 'the order goes on\n');
await order.send({ type: 'pay' }, { id: 'click-1' });

const last = await order.waitFor((snapshot) => snapshot.status === 'done');
process.stdout.write(`${last.value}\n`);
await runtime.close();
