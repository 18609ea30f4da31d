/**
 * The sessions façade: conversations, their queues and their histories.
 *
 * Owns: actors of kind `session`. Callers: users through `runtime.sessions`, the doors. Invariant: what owners
 * in earlier processes held is free before anybody claims in this one.
 */
import { splitAddress } from '../ids.js';
import { HoldfastError } from '../errors.js';
import { limits } from '../limits.js';
import { sessionDefinition } from './house-machines.js';
import type { Page, PageOptions } from './kernel/index.js';
import { SESSION_KIND, SessionDesk, type SessionsOptions } from './session/desk.js';
import { Session } from './session/session.js';
import { sessionIndexes } from './session/session-index.js';
import type { SessionView } from './session/view.js';
import { unlessBad } from './one-of-many.js';

export class Sessions {
  readonly #desk: SessionDesk;

  constructor(options: SessionsOptions) {
    this.#desk = new SessionDesk(options);
    options.kernel.define(sessionDefinition);
  }

  /** Frees what owners in earlier processes held. Call once the kernel has started. */
  async recover(): Promise<void> {
    const { kernel, log, generation } = this.#desk.options;
    let cursor: string | undefined;
    do {
      const page = await kernel.reader.byIndex(sessionIndexes.held, [], { cursor, limit: 1_000 });
      const event = { type: 'generation.began', epoch: generation };
      const free = (address: string) =>
        unlessBad(log, address, () => kernel.send(address, event, { source: 'runtime' }));
      await Promise.all(page.items.map(free));
      cursor = page.cursor;
    } while (cursor !== undefined);
  }

  /** A session by its key, whether or not there is one yet: its first work makes it. Throws INVALID_INPUT. */
  get(key: string): Session {
    const { sessionKeyBytesMax: max } = limits;
    if (key === '' || key.includes('\0') || !key.isWellFormed() || Buffer.byteLength(key) > max) {
      const message = 'a session key is a text of 1 to 500 bytes without NUL';
      throw new HoldfastError('INVALID_INPUT', message, { details: { field: 'key' } });
    }
    return new Session(this.#desk, key);
  }

  /** One page of sessions, by key. A page looks at `limit` sessions (default 100, at most 1,000). */
  async list(options: PageOptions = {}): Promise<Page<SessionView>> {
    const { kernel, log } = this.#desk.options;
    const page = await kernel.reader.byKind(SESSION_KIND, options);
    const views = page.items.map((address) =>
      unlessBad(log, address, () => this.get(splitAddress(address).id).view()),
    );
    const items = (await Promise.all(views)).flatMap((view) => view ?? []);
    return { ...page, items };
  }

  /** Renews nothing more: the process goes. */
  close(): void {
    this.#desk.close();
  }
}
