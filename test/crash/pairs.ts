/**
 * Pairs of actors that prove a moment: what a giver has given, its taker has taken or finds in its inbox.
 *
 * Callers: backup.test.ts and its child. Invariant: giving and the taker's inbox row are one commit, so a
 * state between two commits never shows one without the other.
 */
import { strict as assert } from 'node:assert';
import { assign, setup } from 'xstate';
import type { ActorRecord } from '../../src/actors/kernel/index.js';
import { keys, rangeOf, type Store } from '../../src/store/index.js';

interface Counted {
  readonly n: number;
}

export const taker = setup({
  types: { context: {} as Counted, events: {} as { type: 'take' } },
  actions: { count: assign(({ context }) => ({ n: context.n + 1 })) },
}).createMachine({ id: 'taker', version: '1', context: { n: 0 }, on: { take: { actions: 'count' } } });

export const giver = setup({
  types: {
    context: {} as Counted & { readonly to: string },
    input: {} as { to: string },
    events: {} as { type: 'give' },
  },
  actions: {
    count: assign(({ context }) => ({ n: context.n + 1 })),
    'actor.send': (_unused, _params: { to: string; event: { type: 'take' } }) => undefined,
  },
}).createMachine({
  id: 'giver',
  version: '1',
  context: ({ input }) => ({ n: 0, to: input.to }),
  on: {
    give: {
      actions: [
        'count',
        { type: 'actor.send', params: ({ context }) => ({ to: context.to, event: { type: 'take' } }) },
      ],
    },
  },
});

/** Checks every pair of a store nobody runs; gives what was given in all, and what is still under way. */
export async function auditPairs(store: Store, pairs: number) {
  let given = 0;
  let underWay = 0;
  for (let pair = 0; pair < pairs; pair += 1) {
    const gave = await stepsOf(store, `giver/${pair}`);
    const took = await stepsOf(store, `taker/${pair}`);
    const inbox = await store.scan({ ...rangeOf('i', `taker/${pair}`), limit: 1_000 });
    assert.equal(took + inbox.length, gave, `pair ${pair}`);
    given += gave;
    underWay += inbox.length;
  }
  return { given, underWay };
}

/** How often it counted, which its gapless journal says too. */
async function stepsOf(store: Store, address: string): Promise<number> {
  const record = JSON.parse((await store.get(keys.record(address))) ?? '{}') as ActorRecord;
  const { n } = (record.snapshot as unknown as { readonly context: Counted }).context;
  assert.equal(record.seq, n + 1, `${address} is created, then counts at each step`);
  const journal = await store.scan({ ...rangeOf('j', address), limit: 2_000 });
  const seqs = journal.map(([key]) => Number.parseInt(key.slice(-12), 16));
  const first = seqs[0] ?? 0;
  assert.equal(seqs.at(-1), record.seq, `${address}: the journal ends at the record`);
  assert.deepEqual(
    seqs,
    seqs.map((_seq, index) => first + index),
    `${address}: its journal has gaps`,
  );
  return n;
}
