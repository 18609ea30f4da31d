/**
 * The sessions façade, as far as it goes today: a session's history. Its queue is step 4 of 7.
 *
 * Callers: users through `runtime.sessions`.
 */
import { HoldfastError } from '../errors.js';
import type { HistoryEntry, Kernel, Page, PageOptions } from './kernel/index.js';

export interface Session {
  readonly key: string;
  /** What was written into the conversation, oldest first unless `newestFirst`. */
  history(options?: PageOptions): Promise<Page<HistoryEntry>>;
}

export class Sessions {
  readonly #kernel: Kernel;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  get(key: string): Session {
    if (key === '' || key.includes('\0')) {
      throw new HoldfastError('INVALID_INPUT', 'a session key is a text without NUL');
    }
    return { key, history: (options) => this.#kernel.reader.history(key, options) };
  }
}
