/** What `holdfast/testing` gives: the store contract, doubles of ports, a clock, a whole runtime. */
export {
  openMemoryStore,
  createMemoryDisk,
  type MemoryDisk,
  type MemoryStoreOptions,
} from '../store/index.js';
export type {
  Commit,
  Entry,
  Expectation,
  Range,
  Row,
  ScanOptions,
  Store,
  StoreView,
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
export {
  createTestRuntime,
  type CrashOptions,
  type TestRuntime,
  type TestRuntimeOptions,
} from './test-runtime.js';
export type { CrashMoment } from './test-disk.js';
export type {
  Answer,
  AnswerCall,
  Answers,
  TestEffect,
  TestEffects,
  TestEffectStatus,
} from './test-effects.js';
export type { TestTimer } from './test-timers.js';
export { expectMended, expectReplay, replay, type MendedOptions } from './replay.js';
export { whatIf } from './what-if.js';
export { parseCapsule, readCapsule } from '../actors/index.js';
export type {
  Capsule,
  Divergence,
  MendedStep,
  MendReport,
  ReplayedStep,
  ReplayOptions,
  ReplayReport,
  WhatIfOptions,
  WhatIfStep,
} from '../actors/index.js';
