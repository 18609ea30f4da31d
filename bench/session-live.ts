/**
 * What people write by hand for conversations: a live XState actor each, its whole snapshot put into `level`
 * after every step, synced and in order.
 *
 * It has no journal, no deduplication and no claims that outlive it; message and answer are in rows of their
 * own, put one after the other. Callers: session-talk.ts.
 */
import type { Level } from 'level';
import { createActor, type Actor } from 'xstate';
import { sessionMachine } from '../src/machines/index.js';
import type { SessionEvent } from '../src/machines/index.js';
import { MESSAGE, REPLY } from './session-host.js';

type Live = Actor<typeof sessionMachine>;

export class LiveSessions {
  readonly #level: Level<string, string>;
  readonly #actors = new Map<string, Live>();
  #ids = 0;

  constructor(level: Level<string, string>) {
    this.#level = level;
  }

  async converse(key: string): Promise<void> {
    const actor = this.#actor(key);
    const { nextSeq } = actor.getSnapshot().context;
    this.#ids += 1;
    const nonce = `message-${this.#ids}`;
    const head = {
      nonce,
      deliver: 'A',
      slot: 'X',
      merge: 'N',
      availableAt: 0,
      kind: 'input',
      items: 1,
    } as const;
    await this.#put(`message/${key}/${nonce}`, MESSAGE);
    await this.#send(key, actor, { type: 'session.enqueue', draft: { ...head, digest: '' } });
    const held = { claimId: `claim-${nonce}`, leaseToken: `lease-${nonce}` };
    const asked = {
      ownerId: 'me',
      boundary: 'idle',
      max: 64,
      wanted: 'turn',
      ttlMs: 900_000,
      epoch: 1,
    } as const;
    await this.#send(key, actor, { type: 'claim.take', claim: { ...held, ...asked } });
    const claims = [{ ...held, batchIds: [`bat_${nextSeq}_${nonce}`] }];
    await this.#put(`answer/${key}/${nonce}`, REPLY);
    await this.#send(key, actor, { type: 'claims.complete', claims });
    if (actor.getSnapshot().context.counts.completed !== nextSeq)
      throw new Error('a message was not answered');
  }

  stop(): void {
    for (const actor of this.#actors.values()) actor.stop();
  }

  #actor(key: string): Live {
    const known = this.#actors.get(key);
    if (known !== undefined) return known;
    const actor = createActor(sessionMachine, { id: key, input: { key } });
    actor.start();
    this.#actors.set(key, actor);
    return actor;
  }

  #send(key: string, actor: Live, event: SessionEvent): Promise<void> {
    actor.send(event);
    return this.#put(`session/${key}`, JSON.stringify(actor.getPersistedSnapshot()));
  }

  #put(key: string, text: string): Promise<void> {
    return this.#level.put(key, text, { sync: true } as object);
  }
}
