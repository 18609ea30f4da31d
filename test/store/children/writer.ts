/**
 * The other process of the store tests: opens the store in a directory and does one thing with it.
 *
 *   writer.ts <directory> try | hold | write | fill
 *
 * Owns: nothing. Callers: child.ts. Every line it prints is a fact that has happened: `open <generation>`,
 * `commit <number>`, `refused <code>`.
 */
import { writeSync } from 'node:fs';
import { HoldfastError } from '../../../src/errors.js';
import { keys, openLevelStore, type Store } from '../../../src/store/index.js';

const COMMITS_MAX = 200_000;
const ACTORS = 5;

const [directory = '', mode = ''] = process.argv.slice(2);

function say(fact: string): void {
  writeSync(1, `${fact}\n`);
}

/** Each commit is one step of one actor: its journal entry and its record. */
async function write(store: Store, textLength: number): Promise<void> {
  for (let count = 0; count < COMMITS_MAX; count += 1) {
    const number = store.lastCommit + 1;
    const address = `job/${number % ACTORS}`;
    const record = await store.get(keys.record(address));
    const expectedSeq = Number(/"seq":(\d+)/.exec(record ?? '')?.[1] ?? 0);
    const text = 'x'.repeat(textLength);
    const value = JSON.stringify({ seq: expectedSeq + 1, epoch: store.generation, text });
    await store.commit({
      number,
      rows: [
        { key: keys.journal(address, expectedSeq + 1), value },
        { key: keys.record(address), value },
      ],
      expect: [{ address, expectedSeq, epoch: store.generation }],
    });
    say(`commit ${number}`);
  }
}

async function run(): Promise<void> {
  const store = await openLevelStore({ directory });
  say(`open ${store.generation}`);
  if (mode === 'write') await write(store, 200);
  if (mode === 'fill') await write(store, 100_000);
  // `hold` ends when its parent closes this end, or dies.
  if (mode === 'hold') for await (const _ of process.stdin) continue;
  await store.close();
}

// A file that outgrows the limit of its process then gives an error to the writer instead of ending it.
process.on('SIGXFSZ', () => undefined);
const uid = Number(process.env['HOLDFAST_UID'] ?? 0);
if (uid > 0) {
  process.setgid?.(uid);
  process.setuid?.(uid);
}

try {
  await run();
} catch (error) {
  if (!(error instanceof HoldfastError)) throw error;
  say(`refused ${error.code}`);
}
