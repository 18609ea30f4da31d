/**
 * What is deployed: the machines, and how stored actors become theirs. The program and the census share
 * it.
 */
import type { DefineOptions, MigrationState } from 'holdfast';
import { orderMachine } from './version-2.js';

function fromFirst({ value, context }: MigrationState): MigrationState {
  return {
    value: value === 'open' ? 'awaitingPayment' : value,
    context: { ...context, currency: 'EUR' },
  };
}

export const order = {
  machine: orderMachine,
  migrate: { from: { '1': fromFirst } },
  effects: { charge: { recovery: 'idempotent' } },
} satisfies DefineOptions<typeof orderMachine> & { machine: typeof orderMachine };
