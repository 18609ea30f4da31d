/**
 * The contract of the store port, as plain cases for any test runner: each is a name and a function that
 * throws.
 *
 *   for (const { name, run } of storeContract({ name: 'MyStore', place })) test(name, run);
 *
 * Owns: what S1 to S8 of store.ts mean in practice. Callers: every implementation's tests, ours and users'.
 * Invariants: a case has a place of its own and disposes of it; no case needs the others or waits for time.
 */
import { strict as assert } from 'node:assert';
import type { Store } from '../store/index.js';
import {
  assertRejects,
  nextCommit,
  put,
  step,
  type PlacedCase,
  type StorePlace,
} from './store-contract-case.js';
import { commitCases } from './store-contract-commit.js';
import { readCases } from './store-contract-read.js';
import { viewCases } from './store-contract-view.js';

export type { StorePlace } from './store-contract-case.js';

export interface StoreContractOptions {
  /** Stands in front of each case's name. */
  readonly name: string;
  readonly place: () => Promise<StorePlace>;
}

export interface ContractCase {
  readonly name: string;
  readonly run: () => Promise<void>;
}

/** Every case of the contract for one implementation. */
export function storeContract(options: StoreContractOptions): readonly ContractCase[] {
  const cases = [...commitCases, ...readCases, ...viewCases, ...lifeCases];
  return cases.map(({ name, run }) => ({
    name: `${options.name}: ${name}`,
    run: async () => {
      const place = await options.place();
      const opened: Store[] = [];
      const open: StorePlace['open'] = async (purpose) => {
        const store = await place.open(purpose);
        opened.push(store);
        return store;
      };
      try {
        await run(open, place);
      } finally {
        for (const store of opened) await store.close();
        await place.dispose();
      }
    },
  }));
}

const lifeCases: readonly PlacedCase[] = [
  {
    name: 'after a failed commit every further one fails until the store is opened again (S3)',
    run: async (open, place) => {
      if (place.failNextWrite === undefined) return;
      const first = await open();
      const last = first.lastCommit;
      place.failNextWrite();
      await assertRejects('STORE_FAILED', () => first.commit(nextCommit(first, [put('q\0a', '1')])));
      await assertRejects('STORE_FAILED', () => first.commit(nextCommit(first, [put('q\0a', '1')])));
      assert.equal(first.lastCommit, last);
      await first.close();
      const second = await open();
      assert.equal(await second.get('q\0a'), undefined);
      await second.commit(nextCommit(second, [put('q\0a', '1')]));
    },
  },
  {
    name: 'everything committed is there after reopening, and the generation has risen by one',
    run: async (open) => {
      const first = await open();
      await first.commit(nextCommit(first, [put('q\0a', '1')]));
      await first.close();
      const second = await open();
      assert.equal(second.generation, first.generation + 1);
      assert.ok(second.lastCommit > first.lastCommit, 'raising the generation is a commit');
      assert.equal(await second.get('q\0a'), '1');
      await second.close();
      const third = await open();
      assert.equal(third.generation, first.generation + 2);
    },
  },
  {
    name: 'a second open is refused while the first lasts, and harms it not (S6)',
    run: async (open) => {
      const first = await open();
      await assertRejects('STORE_LOCKED', () => open());
      await assertRejects('STORE_LOCKED', () => open('look'));
      await first.commit(nextCommit(first, [put('q\0a', '1')]));
      await first.close();
      const second = await open();
      assert.equal(await second.get('q\0a'), '1');
    },
  },
  {
    name: 'opening to look raises no generation, writes nothing, and may commit with epoch 0',
    run: async (open) => {
      const first = await open();
      await first.commit(step(first, 0, 1));
      await first.close();
      const look = await open('look');
      assert.equal(look.generation, 0);
      assert.equal(look.lastCommit, first.lastCommit);
      await assertRejects('COMMIT_REFUSED', () =>
        look.commit({ ...step(look, 1, 2), expect: [{ address: 'job/a', expectedSeq: 1, epoch: 1 }] }),
      );
      await look.commit(step(look, 1, 2));
      await look.close();
      const second = await open();
      assert.equal(second.generation, first.generation + 1);
    },
  },
];
