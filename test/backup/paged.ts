/**
 * A store that tells how far a copy of it has come.
 *
 * Callers: the tests of this folder and of test/crash, and their children. Invariant: it does everything as
 * the store it wraps.
 */
import type { Store } from '../../src/store/index.js';

/** Calls `onPage` before each page of stored rows that is read of a view, with its number, from 1. */
export function pagedBy(
  onPage: (page: number, store: Store) => void | Promise<void>,
): (store: Store) => Store {
  return (store) => ({
    generation: store.generation,
    get lastCommit() {
      return store.lastCommit;
    },
    get: (key) => store.get(key),
    getMany: (wanted) => store.getMany(wanted),
    scan: (options) => store.scan(options),
    commit: (commit) => store.commit(commit),
    view: async () => {
      const view = await store.view();
      let page = 0;
      return {
        lastCommit: view.lastCommit,
        scan: (options) => view.scan(options),
        scanStored: async (options) => {
          page += 1;
          await onPage(page, store);
          return await view.scanStored(options);
        },
        close: () => view.close(),
      };
    },
    close: () => store.close(),
  });
}
