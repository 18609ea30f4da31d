/** Keeps a capsule of every actor that comes to stand still. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Runtime } from 'holdfast';

export function keepIncidents(runtime: Runtime, folder: string, kept: (file: string) => void): () => void {
  return runtime.on('quarantined', async ({ address }) => {
    const capsule = await runtime.export(address);
    const file = join(folder, `${address.replaceAll(/[^\w.-]/g, '-')}.capsule.json`);
    await writeFile(file, JSON.stringify(capsule, undefined, 2));
    kept(file);
  });
}
