/** The program of the next version: it defines, and what is stored follows. */
import { openRuntime, type Runtime } from 'holdfast';
import { order } from './machines.js';

export async function rollOut(directory: string): Promise<Runtime> {
  const runtime = await openRuntime({ directory });
  const { machine, ...options } = order;
  runtime.define(machine, options);
  return runtime;
}
