/** Keeps a capsule of every actor that comes to stand still. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Runtime } from 'holdfast';

/** `kept` gets the file of each, or why there is none. Returns a function that ends it. */
export function keepIncidents(
  runtime: Runtime,
  folder: string,
  kept: (file: Promise<string>) => void,
): () => void {
  return runtime.on('quarantined', ({ address }) => kept(keep(runtime, folder, address)));
}

async function keep(runtime: Runtime, folder: string, address: string): Promise<string> {
  const capsule = await runtime.export(address);
  const file = join(folder, `${address.replaceAll(/[^\w.-]/g, '-')}.capsule.json`);
  await writeFile(file, JSON.stringify(capsule, undefined, 2));
  return file;
}
