/** What `holdfast/testing` gives: the store contract, doubles of ports, a clock moved by hand. */
export {
  openMemoryStore,
  createMemoryDisk,
  type MemoryDisk,
  type MemoryStoreOptions,
} from '../store/index.js';
export {
  faultyStore,
  type CommitHold,
  type CommitPhase,
  type FaultyStore,
  type FaultyStoreOptions,
} from './faulty-store.js';
export {
  storeContract,
  type ContractCase,
  type StoreContractOptions,
  type StorePlace,
} from './store-contract.js';
export { createSimulatedClock, type SimulatedClock } from './simulated-clock.js';
