/** The program of the next version: it defines, and what is stored follows. */
import { openRuntime } from 'holdfast';
import { order } from './machines.js';

export async function rollOut(directory: string) {
  const runtime = await openRuntime({ directory });
  const { machine, ...options } = order;
  return { runtime, orders: runtime.define(machine, options) };
}
