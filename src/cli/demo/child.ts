/**
 * A child process of the demo, seen from the driver.
 *
 * Owns: one process, from its start to its exit. Callers: driver.ts, agent-keeper.ts. Invariants:
 *  1  It is started on the same entry, with the same node and the same flags, as the driver itself.
 *  2  It is ended by its own handle, never by name; `exited` resolves once the system says that it is gone.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { childReport, type ChildReport } from './child-door.js';
import { within } from './halt.js';

export interface Exit {
  readonly code: number | null;
  readonly signal: string | null;
}

const CLOSE_TIMEOUT_MS = 15_000;
const START_TIMEOUT_MS = 30_000;

export class Child {
  readonly pid: number;
  readonly exited: Promise<Exit>;
  readonly #process: ChildProcess;
  readonly #command: string;
  #exit: Exit | undefined;

  /** Starts `<entry> <command> <settings>`. */
  constructor(command: string, settings: object) {
    const entry = process.argv[1] ?? '';
    this.#command = command;
    this.#process = fork(entry, [command, JSON.stringify(settings)], {
      execArgv: process.execArgv,
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.pid = this.#process.pid ?? 0;
    this.exited = new Promise((resolve) => {
      const ended = (code: number | null, signal: string | null): void => {
        this.#exit ??= { code, signal };
        resolve(this.#exit);
      };
      this.#process.once('exit', ended);
      this.#process.once('error', () => ended(null, null));
    });
  }

  get hasExited(): boolean {
    return this.#exit !== undefined;
  }

  /** What it says when it is ready. Throws when it ends, or says nothing for 30 s, instead. */
  async report(): Promise<ChildReport> {
    const said = new Promise<unknown>((resolve) => this.#process.once('message', resolve));
    const gone = this.exited.then(() => undefined);
    const parsed = childReport.safeParse(await within(Promise.race([said, gone]), START_TIMEOUT_MS));
    if (parsed.success) return parsed.data;
    const how = this.#exit === undefined ? 'said nothing' : `ended (${exitText(this.#exit)})`;
    throw new Error(`the process ${this.#command} ${how} instead of starting`, { cause: parsed.error });
  }

  /** SIGKILL, now. */
  kill(): void {
    if (this.#exit === undefined) this.#process.kill('SIGKILL');
  }

  /** Asks it to end in its own way; SIGKILL after 15 s. */
  async close(): Promise<Exit> {
    if (this.#exit === undefined && this.#process.connected) this.#process.send('close', () => undefined);
    const exit = await within(this.exited, CLOSE_TIMEOUT_MS);
    if (exit !== undefined) return exit;
    this.kill();
    return this.exited;
  }
}

export function exitText({ code, signal }: Exit): string {
  return signal ?? `exit code ${code ?? 'unknown'}`;
}
