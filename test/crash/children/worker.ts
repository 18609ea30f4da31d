/**
 * A worker that writes down what it does before it says so, to be killed at any moment: each token it began
 * with, and each the runtime accepted. It says when it waits and when it has claimed; it ends when its
 * standard input does.
 *
 *   worker.js DIRECTORY LEDGER BATCH TTL_MS
 */
import { appendFileSync } from 'node:fs';
import { connectWork, isHoldfastError, type ClaimedWork } from 'holdfast/client';

const [directory = '', ledger = '', batch = '', ttlMs = ''] = process.argv.slice(2);
const client = connectWork({ directory });
const over = new AbortController();
process.stdin.once('end', () => over.abort());
process.stdin.resume();

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const note = (what: string, { id, token }: ClaimedWork): void =>
  appendFileSync(ledger, `${what} ${id} ${token}\n`);

async function work(item: ClaimedWork): Promise<void> {
  note('began', item);
  try {
    await client.done(item.token, { by: process.pid });
    note('accepted', item);
  } catch (error) {
    if (!isHoldfastError(error, 'STALE_CLAIM')) throw error;
    note('refused', item);
  }
}

while (!over.signal.aborted) {
  say('waiting');
  const ask = { waitMs: 30_000, ttlMs: Number(ttlMs), signal: over.signal };
  const items = await client.claim(Number(batch), ask).catch((error: unknown) => {
    if (over.signal.aborted) return [];
    throw error;
  });
  if (items.length > 0) say(`claimed ${items.length}`);
  await Promise.all(items.map(work));
}
await client.close();
