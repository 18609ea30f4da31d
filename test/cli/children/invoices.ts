/** A build of another application: machines in a list and in an object. Callers: test/cli/census.test.ts. */
import { setup } from 'xstate';

const config = { version: '1', initial: 'open', states: { open: {} } } as const;

export const listed = [{ kind: 'invoice', machine: setup({}).createMachine({ id: 'a', ...config }) }];
export const named = { reminder: setup({}).createMachine({ id: 'reminder', ...config }) };
export const nothing = 'to see here';
