/** Stands for your payment service: it takes two seconds to answer, and its book is the file `bank.txt`. */
import { appendFile, readFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';

export type Receipt = { readonly key: string; readonly amount: number };

export async function charge(key: string, amount: number, signal: AbortSignal): Promise<Receipt> {
  signal.throwIfAborted();
  await appendFile('bank.txt', `${JSON.stringify({ key, amount })}\n`);
  process.stdout.write(`the bank took ${amount}\n`);
  await wait(2_000, undefined, { signal });
  return { key, amount };
}

/** What the bank knows of a charge. */
export async function findCharge(key: string): Promise<Receipt | undefined> {
  const book = await readFile('bank.txt', 'utf8').catch(() => '');
  const lines = book.split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line) as Receipt).find((receipt) => receipt.key === key);
}
