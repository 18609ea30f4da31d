/**
 * A store that shows every commit to somebody before it is made.
 *
 * Callers: the benchmarks that take their rows from what the kernel writes. Invariant: it changes nothing.
 */
import type { Commit, Store } from '../src/store/store.js';

export function recording(store: Store, onCommit: (commit: Commit) => void): Store {
  return {
    get generation() {
      return store.generation;
    },
    get lastCommit() {
      return store.lastCommit;
    },
    get: (key) => store.get(key),
    getMany: (wanted) => store.getMany(wanted),
    scan: (options) => store.scan(options),
    commit: (commit) => {
      onCommit(commit);
      return store.commit(commit);
    },
    view: () => store.view(),
    close: () => store.close(),
  };
}
