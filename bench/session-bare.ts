/**
 * The ceiling of sessions: what a program could at best do that kept the same conversations by hand.
 *
 * The same chart, stepped by the same pure step, and one grouped, chained, synced LevelDB batch for all that
 * step meanwhile. A step is one journal entry (event, time, state), and what it asks for besides: the payload
 * row and the source key of a message, their removal, the history entry of its answer. The state itself is
 * in the journal alone: nothing here could be opened again without replaying all of it. It makes no record,
 * no index, no count, no chain, no checksum, no checkpoint; it checks no input, makes no random ids, reads
 * nothing, and has no façade. Callers: sessions.ts.
 */
import type { Level } from 'level';
import type { AnyMachineSnapshot } from 'xstate';
import { sessionDefinition } from '../src/actors/house-machines.js';
import { defineMachine } from '../src/actors/kernel/definition.js';
import { initialStep, nextStep } from '../src/actors/kernel/step.js';
import { batchIdOf } from '../src/machines/index.js';
import type { SessionContext, SessionEvent } from '../src/machines/index.js';
import { keys } from '../src/store/keys.js';
import type { Row } from '../src/store/store.js';
import { MESSAGE, REPLY } from './session-host.js';

interface Bare {
  readonly address: string;
  snapshot: AnyMachineSnapshot;
  seq: number;
}

interface Group {
  readonly rows: Row[];
  readonly settle: (() => void)[];
}

const PAYLOAD = { payloads: [{ type: 'turnInput', items: [{ text: MESSAGE }] }] };

export class BareSessions {
  readonly #level: Level<string, string>;
  readonly #machine = defineMachine(sessionDefinition).steppable;
  readonly #sessions = new Map<string, Bare>();
  #group: Group = { rows: [], settle: [] };
  #writing = false;
  #ids = 0;

  constructor(level: Level<string, string>) {
    this.#level = level;
  }

  /** A message from its arrival to its answer: three steps, each on disk before the next. */
  async converse(key: string): Promise<void> {
    const session = this.#session(key);
    const nonce = this.#id();
    const sourceKey = `host:input_${this.#id()}`;
    const digest = '0123456789abcdef';
    const head = {
      nonce,
      deliver: 'A',
      slot: 'X',
      merge: 'N',
      availableAt: 0,
      kind: 'input',
      items: 1,
    } as const;
    const draft = { ...head, digest, key: sourceKey };
    const { nextSeq } = contextOf(session);
    const batchId = batchIdOf({ seq: nextSeq, nonce });
    const payload = keys.payload(session.address, `b/${nonce}`);
    const known = keys.payload(session.address, `k/${sourceKey}`);
    await this.#step(session, { type: 'session.enqueue', draft, onConflict: 'report' }, [
      { key: payload, value: JSON.stringify({ ...PAYLOAD, sourceKey }) },
      { key: known, value: JSON.stringify({ batchId, digest }) },
    ]);
    const held = { claimId: `claim_${this.#id()}`, leaseToken: `lease_${this.#id()}` };
    const asked = { ownerId: 'process:1', boundary: 'idle', max: 64, wanted: 'turn' } as const;
    const claim = { ...held, ...asked, ttlMs: 900_000, epoch: 1 };
    await this.#step(session, { type: 'claim.take', claim }, []);
    const claims = [{ ...held, batchIds: [batchId] }];
    const entry = { role: 'assistant', content: REPLY };
    await this.#step(session, { type: 'claims.complete', claims, history: [entry] }, [
      { key: payload, value: undefined },
      { key: known, value: undefined },
      {
        key: keys.history(key, String(session.seq).padStart(16, '0')),
        value: JSON.stringify({ at: Date.now(), entry }),
      },
    ]);
    const { counts } = contextOf(session);
    if (counts.batches !== 0 || counts.completed !== nextSeq) throw new Error('a message was not answered');
  }

  #session(key: string): Bare {
    const known = this.#sessions.get(key);
    if (known !== undefined) return known;
    const { snapshot } = initialStep(this.#machine, { key });
    const session = { address: `session/${key}`, snapshot, seq: 1 };
    this.#sessions.set(key, session);
    return session;
  }

  #step(session: Bare, event: SessionEvent, rows: readonly Row[]): Promise<void> {
    const at = Date.now();
    session.seq += 1;
    const { seq, address } = session;
    const envelope = { at, id: `${address}/${seq}`, seq, random: 0.5 };
    session.snapshot = nextStep(this.#machine, session.snapshot, { ...event, $: envelope }).snapshot;
    const entry = { seq, at, event, value: session.snapshot.value as unknown };
    const group = this.#group;
    group.rows.push({ key: keys.journal(address, seq), value: JSON.stringify(entry) }, ...rows);
    return new Promise((resolve) => {
      group.settle.push(resolve);
      if (group.settle.length === 1 && !this.#writing) setImmediate(() => void this.#flush());
    });
  }

  async #flush(): Promise<void> {
    const group = this.#group;
    if (this.#writing || group.settle.length === 0) return;
    this.#group = { rows: [], settle: [] };
    this.#writing = true;
    const batch = this.#level.batch();
    for (const { key, value } of group.rows) {
      if (value === undefined) batch.del(key);
      else batch.put(key, value);
    }
    await batch.write({ sync: true });
    this.#writing = false;
    for (const settle of group.settle) settle();
    if (this.#group.settle.length > 0) setImmediate(() => void this.#flush());
  }

  /** As wide as a random id. */
  #id(): string {
    this.#ids += 1;
    return String(this.#ids).padStart(21, 'x');
  }
}

function contextOf({ snapshot }: Bare): SessionContext {
  return snapshot.context as SessionContext;
}
