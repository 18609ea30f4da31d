/**
 * A wake: work for a session's next turn, because something became of a process it has an interest in.
 *
 * Pure. Callers: the settlements of jobs and tasks. Invariant: a process uses a number once, so no two wakes
 * of it have one name.
 */
import type { ActorCreate, ActorSend } from './reserved.js';
import type { SessionEvent, SessionInput } from './session-words.js';

export interface Wake {
  /** Of the process: its id. */
  readonly processId: string;
  /** 1, 2, ...: the how-manieth thing that became of it. */
  readonly sequence: number;
  readonly session: string;
  /** What a session that this wake makes has for `attemptsMax`; absent: the chart's own. */
  readonly sessionAttemptsMax?: number | undefined;
  readonly eventType: string;
  readonly input: object;
  /** What made the process; its address, for one. */
  readonly causedBy: string;
  /** Two wakes of one number are the same when this is. */
  readonly digest: string;
}

export type WakeAsk =
  | { readonly type: 'actor.create'; readonly params: ActorCreate }
  | { readonly type: 'actor.send'; readonly params: ActorSend };

/** The session is made by its first work, as by a caller's. */
export function wakeAsks(wake: Wake): readonly WakeAsk[] {
  const { processId, sequence, session: key, sessionAttemptsMax, eventType, input, causedBy, digest } = wake;
  const sourceKey = `process:${processId}:event:${sequence}:wake`;
  const payload = {
    ...{ type: 'processWake', processId, sequence, targetSessionId: key },
    ...{ eventType, input, causedBy },
  };
  const event: SessionEvent = {
    type: 'session.enqueue',
    draft: {
      // A process's own id, and a number that it uses once: no other batch has this name.
      nonce: `wake-${processId}-${sequence}`,
      ...{ deliver: 'E', slot: 'X', merge: 'N', kind: 'wake', items: 1, availableAt: 0 },
      ...{ key: sourceKey, digest, wakes: [{ process: processId, sequence }] },
    },
    row: { payloads: [payload], sourceKey },
  };
  const made: SessionInput = {
    key,
    ...(sessionAttemptsMax === undefined ? {} : { attemptsMax: sessionAttemptsMax }),
  };
  return [
    { type: 'actor.create', params: { kind: 'session', id: key, input: made } },
    { type: 'actor.send', params: { to: `session/${key}`, event } },
  ];
}
