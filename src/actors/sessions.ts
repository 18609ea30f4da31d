/**
 * The sessions façade: conversations, their queues and their histories.
 *
 * Owns: actors of kind `session`. Callers: users through `runtime.sessions`, the doors. Invariants:
 *  1  What owners in earlier processes held is free before anybody claims in this one.
 *  2  A session that stood still goes on without claims that nobody has: of a process that died, of another
 *     store, or taken by a step whose caller was told that it failed.
 */
import { splitAddress } from '../ids.js';
import { HoldfastError } from '../errors.js';
import { limits } from '../limits.js';
import { sessionDefinition } from './house-machines.js';
import type { CommittedStep, Page, PageOptions } from './kernel/index.js';
import type { SessionContext } from '../machines/index.js';
import { SESSION_KIND, SessionDesk, type SessionsOptions } from './session/desk.js';
import { Session } from './session/session.js';
import { SessionServing } from './session/serve.js';
import type { ServeOptions, Serving, TurnHandler } from './session/serve.js';
import { sessionIndexes } from './session/session-index.js';
import type { SessionView } from './session/view.js';
import { unlessBad } from './one-of-many.js';
import { timeLeft } from './time-left.js';

export class Sessions {
  readonly #desk: SessionDesk;
  readonly #servings = new Set<SessionServing>();
  #isClosed = false;

  constructor(options: SessionsOptions) {
    this.#desk = new SessionDesk(options);
    options.kernel.define(sessionDefinition);
    options.kernel.onFailure(() => this.#stop());
    options.kernel.onStep((step) => this.#freeLost(step));
  }

  /** Frees what owners in earlier processes held. Call once the kernel has started. */
  recover(): Promise<void> {
    return this.#free('generation.began');
  }

  /** A session by its key, whether or not there is one yet: its first work makes it. Throws INVALID_INPUT. */
  get(key: string): Session {
    const { sessionKeyBytesMax: max } = limits;
    if (key === '' || key.includes('\0') || !key.isWellFormed() || Buffer.byteLength(key) > max) {
      const message = `a session key is a text of 1 to ${max} bytes without NUL`;
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

  /**
   * Where the file of an attachment lies; it stays while a batch in a queue or an entry of a history
   * names it. Throws INVALID_INPUT for what is no attachment's name.
   */
  attachmentPath(attachment: string): string {
    return this.#desk.options.attachments.pathOf(attachment);
  }

  /**
   * Calls `handler` for each session that has work for a turn: one turn at a time per session,
   * `concurrency` sessions at once. What it does not commit itself is committed with nothing; a throw
   * abandons the turn, and its session rests 1 s, doubled for each attempt, 5 min at most. Throws
   * INVALID_INPUT, RUNTIME_CLOSED.
   */
  serve(handler: TurnHandler, options: ServeOptions = {}): Serving {
    if (this.#isClosed) throw new HoldfastError('RUNTIME_CLOSED', 'the runtime is closed');
    const serving = new SessionServing(this.#desk, handler, options);
    this.#servings.add(serving);
    return {
      close: async () => {
        await serving.close();
        this.#servings.delete(serving);
      },
    };
  }

  /**
   * Begins no more turns. Resolves when the handlers that run have come to their end, or after `timeoutMs`,
   * with what is left of it; undefined when none runs.
   */
  stopServing(timeoutMs: number): Promise<number> | undefined {
    this.#isClosed = true;
    const busy = [...this.#servings].some(({ isBusy }) => isBusy);
    const ends = [...this.#servings].map((serving) => serving.close());
    if (!busy) return undefined;
    return timeLeft(this.#desk.options.clock, timeoutMs, Promise.all(ends));
  }

  /**
   * Serves and renews nothing more, fires the signals of turns, and gives back what they held: the process
   * goes in good order, so none of it counts as a failed attempt.
   */
  async close(): Promise<void> {
    this.#stop();
    await this.#free('generation.ended');
  }

  #stop(): void {
    this.#isClosed = true;
    for (const serving of this.#servings) void serving.close();
    this.#desk.close();
  }

  #freeLost({ kind, address, snapshot, resumed }: CommittedStep): void {
    if (!resumed || kind !== SESSION_KIND || snapshot.status !== 'active') return;
    const { claims } = snapshot.context as SessionContext;
    const lost = Object.values(claims).filter(
      ({ claimId, epoch }) => epoch !== undefined && !this.#desk.holds(claimId),
    );
    if (lost.length === 0) return;
    const { kernel, log } = this.#desk.options;
    const event = { type: 'claims.lost', claimIds: lost.map(({ claimId }) => claimId) };
    const sent = unlessBad(log, address, () => kernel.send(address, event, { source: 'runtime' }));
    sent.catch((error: unknown) => log.debug({ err: error, address }, 'claims.not_freed'));
  }

  async #free(type: 'generation.began' | 'generation.ended'): Promise<void> {
    const { kernel, log, generation } = this.#desk.options;
    let cursor: string | undefined;
    do {
      const page = await kernel.reader.byIndex(sessionIndexes.held, [], { cursor, limit: 1_000 });
      const event = { type, epoch: generation };
      const free = (address: string) =>
        unlessBad(log, address, () => kernel.send(address, event, { source: 'runtime' }));
      await Promise.all(page.items.map(free));
      cursor = page.cursor;
    } while (cursor !== undefined);
  }
}
