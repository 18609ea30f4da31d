/** A worker in a process of its own: it may be killed at any moment, and nothing is lost. */
import { setTimeout } from 'node:timers/promises';
import { connectWork } from 'holdfast/client';
import { embed } from './embedding.js';

const { PIPELINE_DIRECTORY: directory = './.holdfast-embed' } = process.env;
const client = connectWork({ directory });

const handling = client.handle(
  'embed',
  async ({ payload }, { signal }) => {
    const { chunk, text } = payload as { readonly chunk: string; readonly text: string };
    process.stdout.write(`embeds ${chunk}\n`);
    // What a model takes. The signal fires when the item is another worker's by now.
    await setTimeout(50, undefined, { signal });
    return { chunk, vector: embed(text) };
  },
  { concurrency: 4, ttlMs: 1_000 },
);
process.stdout.write('ready\n');
// The pipeline closes its end when it has all it wants.
process.stdin.resume().once('end', () => void handling.close().then(() => client.close()));
