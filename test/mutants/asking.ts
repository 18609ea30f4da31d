/** Mutants of what a sender asks of a step, and of the rows beside an actor (K1, K2, K8, K10, K14). */
import type { Mutant } from './mutant.js';

const asking = 'test/kernel/asking.test.ts';

export const askingMutants: readonly Mutant[] = [
  {
    name: 'refuses before what the check saw is on disk',
    breaks: ['K1', 'K2'],
    file: 'src/actors/kernel/stepper.ts',
    find: 'void this.#afterRecord(cell, delivery, () => delivery.reject(refusal.error));',
    replace: 'delivery.reject(refusal.error);',
    caughtBy: asking,
    by: 'K1: refuses after what it saw is on disk, and not at all where that fails',
  },
  {
    name: 'lets every event pass its check',
    breaks: ['K2'],
    file: 'src/actors/kernel/asking.ts',
    find: 'return { error };',
    replace: 'return error === null ? { error } : undefined;',
    caughtBy: asking,
    by: 'sees the steps before its own that are not on disk yet, and holds nobody up',
  },
  {
    name: 'keeps the payloads of an event that was given up',
    breaks: ['K14'],
    file: 'src/actors/kernel/turn-shapes.ts',
    find: "content.type === 'event' && special?.failure === undefined",
    replace: "content.type === 'event'",
    caughtBy: asking,
    by: 'wait at the head with an event that the machine threw on, and go where it is given up',
  },
  {
    name: 'journals no rows that a step was shown',
    breaks: ['K10'],
    file: 'src/actors/kernel/turn.ts',
    find: '      rows: envelope.rows,\n',
    replace: '',
    caughtBy: 'test/kernel/reads.test.ts',
    by: 'as they were before it, from every door, read …',
  },
  {
    name: 'removes a payload that was put again meanwhile',
    breaks: ['K8'],
    file: 'src/actors/kernel/sweeper.ts',
    find: 'const isSure = isFresh && this.#loop.peek(key) === null;',
    replace: 'const isSure = isFresh || this.#loop.peek(key) === null;',
    caughtBy: 'test/kernel/expiring.test.ts',
    by: 'stays when it is put again while it is looked at: …',
  },
];
