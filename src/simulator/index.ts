/**
 * The simulator's face: `holdfast/simulator`. Other rooms and users import from here alone.
 */
export { startSimulator } from './server.js';
export type { Simulator, SimulatorOptions } from './server.js';
export { parseScript, readScript } from './script.js';
export type { SimulatorScript } from './script.js';
export { readLedger } from './ledger.js';
export type { LedgerEntry } from './ledger.js';
export { renderArtifact } from './artifacts.js';
