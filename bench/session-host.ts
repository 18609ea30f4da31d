/**
 * The sessions façade under measurement: opened over a kernel of its own, used as users do.
 *
 * Callers: the session benchmarks. Invariant: nothing is bypassed but the doors of the runtime around it.
 */
import { join } from 'node:path';
import { Attachments } from '../src/actors/attachments.js';
import { Kernel, type MemoryLimits } from '../src/actors/kernel/index.js';
import type { Session } from '../src/actors/session/session.js';
import { Sessions } from '../src/actors/sessions.js';
import { systemClock } from '../src/clock.js';
import { newId } from '../src/ids.js';
import { silentLogger } from '../src/log.js';
import { fileFault, openLevelStore } from '../src/store/index.js';
import type { Store } from '../src/store/store.js';
import type { Durability } from './kernel.js';

export interface HostOptions {
  readonly directory: string;
  readonly durability: Durability;
  readonly memory?: MemoryLimits;
  /** What the kernel is given in place of the store. */
  readonly wrap?: (store: Store) => Store;
}

export interface Host {
  readonly sessions: Sessions;
  readonly kernel: Kernel;
  readonly store: Store;
}

/** Opens the sessions of `directory`, lets `work` use them, closes them. */
export async function withSessions<T>(
  { directory, durability, memory, wrap = (store) => store }: HostOptions,
  work: (host: Host) => Promise<T>,
): Promise<T> {
  const opened = await openLevelStore({ directory, durability });
  const store = wrap(opened);
  try {
    const kernel = await Kernel.open({ store, clock: systemClock, log: silentLogger, memory });
    const given = { kernel, store, log: silentLogger };
    const attachments = new Attachments({
      ...given,
      directory: join(directory, 'attachments'),
      faultOf: fileFault,
    });
    const sessions = new Sessions({
      ...{ ...given, attachments, clock: systemClock, newId, defaults: {} },
      generation: store.generation,
    });
    await kernel.start();
    await sessions.recover();
    const result = await work({ sessions, kernel, store });
    await sessions.close();
    await kernel.close();
    return result;
  } finally {
    await opened.close();
  }
}

/** What a message is in every part: as long as people's are. */
export const MESSAGE = 'make it snow instead, and let the cat look into the camera for a moment';
export const REPLY = 'The cat looks into the camera now, and it snows. Shall I render it again?';

/** A message from its arrival to its answer: three steps, each on disk before the next is asked for. */
export async function converse(session: Session): Promise<void> {
  await session.enqueue(MESSAGE);
  await answer(session);
}

/** Claims what is at the head and completes it, with the answer in the session's history. */
export async function answer(session: Session): Promise<void> {
  const claim = await session.claim();
  if (claim.isEmpty) throw new Error(`nothing to claim: ${String(claim.refusal)}`);
  await claim.complete({ history: [{ role: 'assistant', content: REPLY }] });
}
