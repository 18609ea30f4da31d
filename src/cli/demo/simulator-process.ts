/**
 * The provider: the simulator in a process of its own, with a ledger file that nobody else writes.
 *
 * Callers: command.ts, as the hidden command `demo-provider`.
 */
import { z } from 'zod';
import { startSimulator } from '../../simulator/index.js';
import { childSettings, serveDriver } from './child-door.js';
import { scriptOf } from './plan.js';

export const simulatorSettings = z.object({ ledgerFile: z.string(), seed: z.int() });
export type SimulatorSettings = z.output<typeof simulatorSettings>;

export async function runSimulator(text: string): Promise<void> {
  const { ledgerFile, seed } = childSettings(simulatorSettings, text);
  const simulator = await startSimulator({ ledgerFile, seed, script: scriptOf() });
  await serveDriver({ type: 'ready', url: simulator.url }, () => simulator.close());
}
