/** Mutants of the commit: what comes before it, beside it and after it (K1 to K4, K11, K15, K16). */
import type { Mutant } from './mutant.js';

const loop = 'src/actors/kernel/commit-loop.ts';
const stepper = 'src/actors/kernel/stepper.ts';
const kernel = 'src/actors/kernel/kernel.ts';
const commits = 'test/kernel/commit-loop.test.ts';
const lifecycle = 'test/kernel/lifecycle.test.ts';
const showsNothing = 'K1: shows nothing before its commit: no answer, effect, action, event or snapshot';

export const commitMutants: readonly Mutant[] = [
  {
    name: 'answers before the commit',
    breaks: ['P4', 'K1'],
    file: stepper,
    find: 'cell.indexed = made.indexed;',
    replace: `cell.indexed = made.indexed;
    delivery.resolve({ seq: after.record.seq, accepted: true, deduplicated: false });`,
    caughtBy: commits,
    by: showsNothing,
  },
  {
    name: 'starts effects before the commit',
    breaks: ['K1'],
    file: stepper,
    find: 'cell.indexed = made.indexed;',
    replace: `cell.indexed = made.indexed;
    this.#options.onCommitted(cell, after, delivery);`,
    caughtBy: commits,
    by: showsNothing,
  },
  {
    name: 'runs custom actions before the commit',
    breaks: ['K1', 'K13'],
    file: stepper,
    find: 'cell.indexed = made.indexed;',
    replace: `cell.indexed = made.indexed;
    const self = { id: '', sessionId: cell.address, send: () => undefined };
    for (const action of after.custom) if (action.type === '@xstate.action') action.run?.(self);`,
    caughtBy: commits,
    by: showsNothing,
  },
  {
    name: 'shows a waiter what is not on disk',
    breaks: ['K1', 'K16'],
    file: kernel,
    find: 'const record = await this.reader.committed(this.#options.store, address);',
    replace: 'const record = await this.reader.record(address);',
    caughtBy: commits,
    by: showsNothing,
  },
  {
    name: 'takes an event while the actor is being read for another',
    breaks: ['K2'],
    file: 'src/actors/kernel/mailboxes.ts',
    find: '      if (cell.busy) return;\n',
    replace: '',
    caughtBy: 'test/kernel/order.test.ts',
    by: 'when an actor goes on that stood still',
  },
  {
    name: 'adds to the batch that is in flight',
    breaks: ['P4', 'K3'],
    file: loop,
    find: 'return last !== undefined && !inFlight && !isFull(last) ?',
    replace: 'return last !== undefined && (!inFlight || !isFull(last)) ?',
    caughtBy: commits,
    by: 'K3: has one batch in flight, and what is staged meanwhile forms the next, in order',
  },
  {
    name: 'does not see staged rows in a scan',
    breaks: ['K3'],
    file: loop,
    find: 'if (staged.size === 0) return this.#store.scan(options);',
    replace: 'if (staged.size >= 0) return this.#store.scan(options);',
    caughtBy: commits,
    by: 'K3: shows staged rows and hides staged deletes, both ways and page by page',
  },
  {
    name: 'lets the bytes of a batch grow without end',
    breaks: ['K3', 'K11'],
    file: 'src/actors/kernel/commit-group.ts',
    find: 'group.bytes >= commitBytesMax ||',
    replace: 'group.bytes >= Infinity * commitBytesMax ||',
    caughtBy: commits,
    by: 'K3: closes a group at 2,000 rows and at 4 MiB',
  },
  {
    name: 'goes on writing after a failed commit',
    breaks: ['K4'],
    file: loop,
    find: '      this.fail(failure);\n',
    replace: `      this.#groups.shift();
      for (const stage of group.stages) stage.failed(failure);
      if (this.#holdsWork()) this.#wake();
`,
    caughtBy: commits,
    by: 'K4: after a failed commit everybody is told once and nothing is written',
  },
  {
    name: 'closes without its last commit',
    breaks: ['P4', 'K4'],
    file: kernel,
    find: '    await this.#loop.flushed().catch(() => undefined);\n',
    replace: '',
    caughtBy: 'test/kernel/kernel.test.ts',
    by: 'K4: closes after the commit of what it had taken',
  },
  {
    name: 'answers a duplicate before the first is on disk',
    breaks: ['P4', 'K15'],
    file: stepper,
    find: '      await this.#loop.settled(key);\n',
    replace: '',
    caughtBy: commits,
    by: 'K15: a duplicate of an event that is not on disk waits for its commit, or fails with it',
  },
  {
    name: 'takes more than a mailbox holds',
    breaks: ['K11'],
    file: 'src/actors/kernel/mailboxes.ts',
    find: 'if (waiting >= limits.mailboxMax)',
    replace: 'if (waiting >= limits.mailboxMax * 2)',
    caughtBy: lifecycle,
    by: 'K11: refuses more than its mailbox holds, and takes more when that is done',
  },
  {
    name: 'misses the present snapshot when it waits',
    breaks: ['K16'],
    file: kernel,
    find: 'this.#waiters.notify(address, this.#stepper.restore(definition, record));',
    replace: 'this.#stepper.restore(definition, record);',
    caughtBy: lifecycle,
    by: 'K16: sees the present state first, then every commit, and can be given up',
  },
];
