/** The same question from a program of your own, such as one that runs before it opens for traffic. */
import { openOffline } from 'holdfast';
import { order } from './machines.js';

export async function mayDeploy(directory: string): Promise<boolean> {
  const { machine, ...options } = order;
  const offline = await openOffline({ directory });
  try {
    const { blocked, trial } = await offline.census(machine, { ...options, deep: true });
    return blocked === 0 && trial?.failed === 0;
  } finally {
    await offline.close();
  }
}
