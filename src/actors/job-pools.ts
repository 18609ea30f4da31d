/**
 * Where the effects of jobs wait, how many run at once, and what a crash makes of them.
 *
 * Callers: jobs.ts. Invariants:
 *  1  Every call of an account waits in a pool of that account, so that one account's closed gate holds up
 *     nobody else.
 *  2  Submits, downloads and polls wait in lanes by session: pools of one priority take turns, so a session
 *     with a long backlog does not hold up the others of its account. Effects that earlier versions asked for
 *     name no lane, and have a pool of their own.
 *  3  Looks of one account run one after the other (R1 of job-reconcile.ts): they have no lanes.
 */
import { sha256Hex } from '../ids.js';
import { limits } from '../limits.js';
import type { SubmitInput, RemoteTaskInput } from '../machines/index.js';
import type { AccountLimits } from '../providers/index.js';
import { callShares, gateOf, type AccountName } from './accounts.js';
import type { EffectPolicy, Share } from './kernel/index.js';

/** What an account of a provider may do; {} for what is registered nowhere. */
export type LimitsOf = (provider: string) => AccountLimits;

/** The lane of a session's jobs; a job of no session has the lane of its own id. */
export function laneOf(key: string): number {
  return Number.parseInt(sha256Hex(key).slice(0, 8), 16) % limits.lanesOfAccount;
}

/**
 * Submit before download before poll, as long as none of them waits too long (P4 of pool.ts); by default
 * eight calls an account, 64 in all. `concurrentMax` is the most that any account may have out at once.
 */
export function jobPolicies(
  limitsOf: LimitsOf = () => ({}),
  concurrentMax: number = limits.providerCallsPerAccount,
): Readonly<Record<string, EffectPolicy>> {
  const call = (name: string, priority: number, more: EffectPolicy = {}): EffectPolicy => ({
    pool: (input) => poolOf(name, input),
    limit: concurrentMax,
    priority,
    shares: (input) => sharesOf(input, limitsOf),
    ...more,
  });
  return {
    submit: call('submit', 0, {
      shares: (input) => submitSharesOf(input, limitsOf),
      recovery: 'manual',
      timeoutMs: limits.providerSubmitTimeoutMs * 2,
      drains: true,
    }),
    reconcile: call('reconcile', 1, { limit: 1 }),
    cancelRemote: call('cancel', 1),
    fetch: {
      pool: (input) => poolOf('fetch', input),
      limit: limits.downloadsMax,
      // Each download bounds itself by its size; this must not cut off the slowest that is allowed.
      timeoutMs: limits.fetchTimeoutMs,
      priority: 2,
      shares: (input) => [gateOf(accountOf(input)), { name: 'downloads', limit: limits.downloadsMax }],
    },
    poll: call('poll', 3),
  };
}

type Input = SubmitInput & Partial<RemoteTaskInput>;

function sharesOf(input: unknown, limitsOf: LimitsOf): readonly Share[] {
  const account = accountOf(input);
  return callShares(account, limitsOf(account.provider));
}

/** A submit with somewhere else to go does not wait for a paused account: it looks, and moves on. */
function submitSharesOf(input: unknown, limitsOf: LimitsOf): readonly Share[] {
  const account = accountOf(input);
  const shares = sharesOf(input, limitsOf);
  const gate = gateOf(account).name;
  if ((input as Input).chained === true) return shares.filter(({ name }) => name !== gate);
  return [gateOf(account, 'submits'), ...shares];
}

function poolOf(name: string, input: unknown): string {
  const { provider, credential } = accountOf(input);
  const { lane } = input as Input;
  return `${name}:${provider}:${credential}${lane === undefined ? '' : `:${lane}`}`;
}

/** The account an effect's input names, directly or by its task. */
function accountOf(input: unknown): AccountName {
  const { provider, credential, ref } = input as Input;
  return { provider, credential: ref?.credential ?? credential };
}
