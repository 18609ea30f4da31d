/**
 * The ledger: the provider's own account of what it was asked, what it billed and what it sent.
 *
 * One JSON object a line, written by the simulator's process with a synchronous write before it goes on;
 * nobody else writes the file. Owns: the file. Callers: pipeline.ts, server.ts; `readLedger` is for anyone.
 * Invariants:
 *  L1  An entry is in the file before the fact it tells of can be seen outside (a bill before its answer). A
 *      webhook's entry comes when its answer is known.
 *  L2  Only credentials' header names are written, never their values.
 *  L3  Lines are only added; a line torn by the death of its writer is cut off at the next open and never
 *      read.
 */
import { closeSync, fstatSync, ftruncateSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import { HoldfastError } from '../errors.js';
import { bounds } from './bounds.js';
import { PROVIDERS } from './script-words.js';
import { STAGES } from './webhook-script.js';

const entry = z
  .object({
    /** Epoch milliseconds. */
    at: z.number(),
    event: z.enum([
      /** The whole request is in. */
      'submit.received',
      /** The task exists and costs money. */
      'submit.billed',
      /** The answer left for a client that was still there. */
      'submit.answered',
      /** The connection ended before the answer had left. */
      'submit.dropped',
      'poll',
      'lookup',
      'list',
      'cancel',
      'download.started',
      'download.finished',
      /** The connection ended in the middle of the body. */
      'download.aborted',
      /** Answered with something other than the artifact. */
      'download.refused',
      /** One attempt to send news of a task was answered, or had no answer (no status). */
      'webhook.sent',
      /** A receiver was asked to repeat a challenge. */
      'webhook.challenged',
      /** News that the script kept back, or that nobody took. */
      'webhook.dropped',
    ]),
    provider: z.enum(PROVIDERS),
    /**
     * The number of the HTTP exchange within its simulator process: ties the entries of one request together.
     * 0 for webhooks.
     */
    exchange: z.int(),
    taskId: z.string().optional(),
    /** The key the client gave (`external_task_id`). */
    key: z.string().optional(),
    kind: z.enum(['video', 'image']).optional(),
    promptSha256: z.string().optional(),
    /** Of the artifact at `started`, sent so far at `finished` and `aborted`. */
    bytes: z.number().optional(),
    /** The HTTP status of the answer. */
    status: z.int().optional(),
    /** The fault the script chose. */
    fault: z.string().optional(),
    /** Who ended the connection. */
    by: z.enum(['client', 'fault', 'shutdown']).optional(),
    /** Host and port that the request, or the webhook, was sent to. */
    host: z.string().optional(),
    /** The stage a webhook tells of. */
    stage: z.enum(STAGES).optional(),
    /** Of a webhook, from 1; duplicates count on. */
    attempt: z.int().optional(),
    /** True when a good key, or a good signature, came with the request, or goes with the webhook. */
    authorized: z.boolean(),
    /** Names of the headers that carried credentials; `?key` for one in the query. */
    credentialHeaders: z.array(z.string()).readonly(),
  })
  .readonly();

export type LedgerEntry = z.output<typeof entry>;

/**
 * All whole lines of a ledger file; a torn last line is left out. Throws `INVALID_INPUT` for any other bad
 * line.
 */
export function readLedger(file: string): readonly LedgerEntry[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new HoldfastError('INVALID_INPUT', `the ledger ${file} cannot be read`, { cause });
  }
  const lines = text.split('\n');
  // What follows the last line feed is empty, or torn.
  lines.pop();
  return lines.map((line, index) => parseLine(file, line, index + 1));
}

function parseLine(file: string, line: string, number: number): LedgerEntry {
  try {
    return entry.parse(JSON.parse(line));
  } catch (cause) {
    throw new HoldfastError('INVALID_INPUT', `line ${number} of ${file} is not a ledger entry`, {
      cause,
      details: { line: number },
    });
  }
}

interface Watcher {
  readonly matches: (entry: LedgerEntry) => boolean;
  readonly resolve: (entry: LedgerEntry) => void;
}

export class Ledger {
  readonly #entries: LedgerEntry[] = [];
  readonly #watchers = new Set<Watcher>();
  readonly #descriptor: number | undefined;
  #state: 'open' | 'closed' = 'open';

  /**
   * Opens or creates `file`, with the directories above it. Without a file, entries are kept in memory alone.
   */
  constructor(file?: string) {
    if (file === undefined) return;
    try {
      mkdirSync(dirname(file), { recursive: true });
      this.#descriptor = openSync(file, 'a+');
      const bytes = readFileSync(file);
      const wholeBytes = bytes.lastIndexOf(0x0a) + 1;
      if (wholeBytes < fstatSync(this.#descriptor).size) ftruncateSync(this.#descriptor, wholeBytes);
    } catch (cause) {
      throw new HoldfastError('INVALID_OPTIONS', `ledgerFile ${file} cannot be written`, {
        cause,
        details: { option: 'ledgerFile' },
      });
    }
    this.#entries.push(...readLedger(file));
  }

  get isFull(): boolean {
    return this.#entries.length >= bounds.ledgerEntriesMax;
  }

  get size(): number {
    return this.#entries.length;
  }

  entries(): readonly LedgerEntry[] {
    return [...this.#entries];
  }

  append(added: LedgerEntry): void {
    if (this.#state === 'closed') throw new TypeError('a closed ledger takes no entries');
    if (this.#descriptor !== undefined) writeSync(this.#descriptor, `${JSON.stringify(added)}\n`);
    this.#entries.push(added);
    for (const watcher of this.#watchers) {
      if (watcher.matches(added)) watcher.resolve(added);
    }
  }

  /** The first entry that matches, past or to come. Rejects with the signal's reason. */
  waitFor(matches: (entry: LedgerEntry) => boolean, signal?: AbortSignal): Promise<LedgerEntry> {
    const past = this.#entries.find(matches);
    if (past !== undefined) return Promise.resolve(past);
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        this.#watchers.delete(watcher);
        reject(signal?.reason);
      };
      const watcher: Watcher = {
        matches,
        resolve: (found) => {
          this.#watchers.delete(watcher);
          signal?.removeEventListener('abort', stop);
          resolve(found);
        },
      };
      this.#watchers.add(watcher);
      if (signal?.aborted === true) stop();
      else signal?.addEventListener('abort', stop, { once: true });
    });
  }

  close(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
  }
}
