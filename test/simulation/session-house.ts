/**
 * Sessions in a simulated process: the façade that users have, with ids that a seed decides.
 *
 * Callers: kinds.ts. Invariants: nothing here waits for the machine's own disk, so that a seed is a run; an
 * attachment is a name.
 */
import { Sessions } from '../../src/actors/sessions.js';
import type { AttachmentLease } from '../../src/actors/attachments.js';
import type { SessionsOptions } from '../../src/actors/session/desk.js';
import type { Process } from './process.js';

/** Sessions that clients and jobs share. */
export const sessionKeys = ['a', 'b'] as const;

/** Shorter than a run, so that claims are renewed, and lapse. */
export const CLAIM_TTL_MS = 30_000;

/** Defines sessions in a process. Nobody may use them before `recover` is done. */
export function openSessions(process: Process): Sessions {
  let ids = 0;
  const { kernel, clock, generation } = process;
  return new Sessions({
    ...{ kernel, clock, generation },
    log: process.logger(),
    attachments: namesAlone,
    newId: (prefix) => {
      ids += 1;
      return `${prefix}_${process.number}x${ids}`;
    },
    defaults: { attemptsMax: 3, claimTtlMs: CLAIM_TTL_MS },
  });
}

/** Attachments without files: any name is one's. What holds them is on the simulated disk. */
const lease: AttachmentLease = {
  put: () => Promise.reject(new Error('no file is brought here')),
  has: () => true,
};
const namesAlone: SessionsOptions['attachments'] = {
  during: (work) => work(lease),
  pathOf: (name) => name,
};
