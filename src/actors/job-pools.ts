/**
 * Where the effects of jobs wait, how many run at once, and what a crash makes of them.
 *
 * Callers: jobs.ts. Invariant: every call of an account waits in a pool of that account, so that one
 * account's closed gate holds up nobody else.
 */
import { limits } from '../limits.js';
import type { SubmitInput, TaskInput } from '../machines/index.js';
import { callShares, gateOf, type AccountName } from './accounts.js';
import type { EffectPolicy } from './kernel/index.js';

/** Submit before download before poll; eight calls an account, 64 in all. */
export const jobPolicies: Readonly<Record<string, EffectPolicy>> = {
  submit: callPolicy('submit', 0, {
    recovery: 'manual',
    timeoutMs: limits.providerSubmitTimeoutMs * 2,
    drains: true,
  }),
  reconcile: callPolicy('reconcile', 1, { limit: 1 }),
  cancelRemote: callPolicy('cancel', 1, {}),
  fetch: {
    pool: (input) => `fetch:${accountOf(input).provider}:${accountOf(input).credential}`,
    limit: limits.downloadsMax,
    // Each download bounds itself by its size; this must not cut off the slowest that is allowed.
    timeoutMs: limits.fetchTimeoutMs,
    priority: 2,
    shares: (input) => [gateOf(accountOf(input)), { name: 'downloads', limit: limits.downloadsMax }],
  },
  poll: callPolicy('poll', 3, {}),
};

function callPolicy(name: string, priority: number, more: EffectPolicy): EffectPolicy {
  return {
    pool: (input) => `${name}:${accountOf(input).provider}:${accountOf(input).credential}`,
    limit: limits.providerCallsPerAccount,
    priority,
    shares: (input) => callShares(accountOf(input)),
    ...more,
  };
}

/** The account an effect's input names, directly or by its task. */
function accountOf(input: unknown): AccountName {
  const { provider, credential, ref } = input as SubmitInput & Partial<TaskInput>;
  return { provider, credential: ref?.credential ?? credential };
}
