/**
 * What the doors do with sessions, done on the façade of a runtime, or of a directory that nobody runs.
 *
 * Owns: nothing. Callers: session-routes.ts, the CLI. Invariant: what is wrong is said before anything is
 * written.
 */
import { HoldfastError } from '../errors.js';
import type { Sessions } from '../index.js';
import { refused } from './codec.js';
import type { ControlSessions, ShortWork } from './session-port.js';
import { POLICY_NAMES } from './session-wire.js';

/** The part of the façade that the doors need. */
export type SessionsFace = Pick<Sessions, 'get' | 'list'>;

export function sessionsAt(sessions: SessionsFace): ControlSessions {
  return {
    list: (options) => sessions.list(options),
    view: async (key) => sessions.get(key).view(),
    batches: async (key, { pending, ...page } = {}) => {
      const session = sessions.get(key);
      const found = pending === true ? await session.pending(page) : await session.list(page);
      // An empty queue may be that of a session that is not there.
      if (found.items.length === 0) await session.view();
      return found;
    },
    batch: async (key, batchId) => sessions.get(key).batch(batchId),
    enqueue: async (key, work) => {
      const session = sessions.get(key);
      if ('payloads' in work) return session.enqueueDraft(work);
      const { input, policies, inject } = parted(work);
      return inject ? session.inject(input) : session.enqueue(input, policies);
    },
    message: async (key, { channel, ...input }) =>
      sessions.get(key).message(input, channel === undefined ? {} : { channel }),
    cancel: async (key, batchId) => {
      const session = sessions.get(key);
      const cancelled = await session.cancel(batchId);
      if (cancelled !== undefined) return cancelled;
      const { state, claim } = await session.batch(batchId);
      const who =
        claim === undefined ? 'a claim held it' : `claim ${claim.claimId} of ${claim.ownerId} holds it`;
      throw new HoldfastError('BATCH_NOT_CANCELLABLE', `batch ${batchId} is not cancelled: ${who}`, {
        details: { batchId, state },
      });
    },
    retry: async (key, batchId) => {
      const session = sessions.get(key);
      // Looked at before: once it may be claimed, it may also be settled and gone.
      const { claim: _claim, ...batch } = await session.batch(batchId);
      await session.retry(batchId);
      return { ...batch, state: 'ready', attempts: 0 };
    },
    mode: async (key, channel) => {
      const { mode, channels } = await sessions.get(key).view();
      const own = channel !== undefined && Object.hasOwn(channels, channel) ? channels[channel] : undefined;
      return own ?? mode;
    },
    setMode: async (key, change) => {
      const { channel: _channel, ...settings } = change;
      if (Object.keys(settings).length > 0) return sessions.get(key).mode(change);
      throw refused('mode', 'nothing is to be set; give mode, cap, drop or debounce_ms');
    },
    resume: async (key) => {
      const session = sessions.get(key);
      await session.resume();
      return session.view();
    },
    history: async (key, options) => sessions.get(key).history(options),
  };
}

/** What is said, and how it is to be queued. Throws INVALID_INPUT when an injection brings policies. */
function parted({ inject = false, ...work }: ShortWork) {
  if (typeof inject !== 'boolean') throw refused('inject', 'is neither true nor false');
  const isPolicy = ([name]: readonly [string, unknown]): boolean => POLICY_NAMES.includes(name);
  const entries = Object.entries(work);
  const policies = Object.fromEntries(entries.filter(isPolicy));
  const [first] = Object.keys(policies);
  if (inject && first !== undefined) throw refused(first, 'an injection has policies of its own');
  return { inject, policies, input: Object.fromEntries(entries.filter((entry) => !isPolicy(entry))) };
}
