/**
 * A store that shows every commit to somebody before it is made, and every read.
 *
 * Callers: the benchmarks that take their rows from what the kernel writes, or count them. Invariant: it
 * changes nothing.
 */
import type { Commit, Store } from '../src/store/store.js';

/** `onRead` is told the keys that are read one by one, and where each scan begins. */
export function recording(
  store: Store,
  onCommit: (commit: Commit) => void,
  onRead: (keys: readonly string[]) => void = () => undefined,
): Store {
  return {
    get generation() {
      return store.generation;
    },
    get lastCommit() {
      return store.lastCommit;
    },
    get: (key) => {
      onRead([key]);
      return store.get(key);
    },
    getMany: (wanted) => {
      onRead(wanted);
      return store.getMany(wanted);
    },
    scan: (options) => {
      onRead([options.gte]);
      return store.scan(options);
    },
    commit: (commit) => {
      onCommit(commit);
      return store.commit(commit);
    },
    view: () => store.view(),
    close: () => store.close(),
  };
}
