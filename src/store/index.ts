/**
 * What other rooms may use of the store: the port, the key table, and the two stores for those who open one.
 */
export { commitTimeOf } from './commit-time.js';
export { copyStore, type CopyReport } from './copy.js';
export { examineArtifacts } from './doctor/artifact-findings.js';
export { copyAside } from './doctor/copies.js';
export { examineDirectory, type Examination } from './doctor/examination.js';
export { holdDirectory, type Hold } from './doctor/hold.js';
export { repairDirectory } from './doctor/repair.js';
export { openLevelStore } from './level-store.js';
export {
  createMemoryDisk,
  openMemoryStore,
  type MemoryDisk,
  type MemoryStoreOptions,
} from './memory-store.js';
export { secretBelow } from './secret-file.js';
export { fileFault } from './store-fault.js';
export { STORE_FORMAT, type StorePurpose } from './row-store.js';
export type { Commit, Entry, Expectation, Range, Row, ScanOptions, Store, StoreView } from './store.js';
export { compareKeys, keys, ordOf, partsOf, rangeAfter, rangeOf, type RowLetter } from './keys.js';
