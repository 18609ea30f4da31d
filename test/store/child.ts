/**
 * Starts the writer child and hears its facts. Callers: the store tests. Every wait ends when the child does.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { bundled } from '../bundled.js';

const WRITER = bundled('test/store/children/writer.ts');

export interface Child {
  /**
   * Settles when a line starting with `fact` has been heard, with that line; undefined when the child ended
   * without.
   */
  readonly heard: (fact: string) => Promise<string | undefined>;
  readonly lines: readonly string[];
  readonly kill: () => void;
  /** Closes the child's standard input. */
  readonly letGo: () => void;
  readonly ended: Promise<void>;
}

export interface ChildOptions {
  /** Who it becomes once its code is loaded: the user may not be able to read the checkout. */
  readonly uid?: number;
  /** Largest file it may write, in KiB. */
  readonly fileKibMax?: number;
}

export function startChild(directory: string, mode: string, options: ChildOptions = {}): Child {
  const node = [process.execPath, WRITER, directory, mode];
  const limited = `ulimit -f ${options.fileKibMax ?? 'unlimited'}; exec "$@"`;
  const child = spawn('bash', ['-c', limited, 'bash', ...node], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, ...(options.uid === undefined ? {} : { HOLDFAST_UID: String(options.uid) }) },
  });
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  const reader = createInterface({ input: child.stdout });
  reader.on('line', (line) => {
    lines.push(line);
    for (const look of waiting) look();
  });
  const ended = Promise.all([once(child, 'close'), once(reader, 'close')]).then(() => {
    for (const look of waiting) look();
  });
  let over = false;
  void ended.then(() => {
    over = true;
    for (const look of waiting) look();
  });
  const heard = (fact: string): Promise<string | undefined> =>
    new Promise((resolve) => {
      const look = (): void => {
        const line = lines.find((each) => each.startsWith(fact));
        if (line === undefined && !over) return;
        waiting.delete(look);
        resolve(line);
      };
      waiting.add(look);
      look();
    });
  return { heard, lines, ended, kill: () => child.kill('SIGKILL'), letGo: () => child.stdin.end() };
}
