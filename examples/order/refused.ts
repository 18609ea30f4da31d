/** What cannot be made durable, each with a machine that would want it. */
import { assign, createMachine, fromPromise, setup } from 'xstate';

const work = fromPromise(async () => 'done');

export const noVersion = createMachine({ id: 'noVersion' });

export const inlineSource = createMachine({
  id: 'inlineSource',
  version: '1',
  initial: 'busy',
  states: { busy: { invoke: { src: work } } },
});

export const unknownSource = createMachine({
  id: 'unknownSource',
  version: '1',
  initial: 'busy',
  states: { busy: { invoke: { src: 'work' } } },
});

export const notJson = createMachine({
  id: 'notJson',
  version: '1',
  context: { since: new Date(0) },
});

export const inlineSpawn = setup({ actors: { work } }).createMachine({
  id: 'inlineSpawn',
  version: '1',
  context: {},
  on: { go: { actions: assign(({ spawn }) => ({ child: spawn(work) })) } },
});
