/** Placeholder of the control door's shape while it is being built beside this file. */
import type { Logger } from '../log.js';

export interface ControlServer {
  readonly address: string;
  close(): Promise<void>;
}

export async function startControlServer(_runtime: object, directory: string, _log: Logger): Promise<ControlServer> {
  await Promise.resolve();
  return { address: directory, close: () => Promise.resolve() };
}
