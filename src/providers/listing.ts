/**
 * Reading a listing of tasks: whose one of them is, and in which order they come.
 *
 * Callers: the adapters that are reconciled by list. Invariants:
 *  L1  Of a callback URL only the last two parts of the path count (the provider, and the token `{job
 *      id}.{signature}`): the public URL may have changed between the submit and the look, and the secret
 *      that signs may have too.
 *  L2  A task without a date is newer than any other: an old one would end the look before the pages to come.
 */
import { parseHttpDate } from '../clock.js';
import type { ListedTask, SubmitContext } from './port.js';

/** True when `echoed` is the callback URL of this job's submit, whatever has changed since. */
export function isOurCallback(echoed: string, { key, callbackUrl }: SubmitContext): boolean {
  const [provider, token] = tagOf(echoed);
  if (provider === undefined || token === undefined) return false;
  const [ownProvider, ownToken] = callbackUrl === undefined ? [] : tagOf(callbackUrl);
  return (provider === ownProvider && token === ownToken) || token.startsWith(`${key}.`);
}

function tagOf(url: string): readonly (string | undefined)[] {
  if (!URL.canParse(url)) return [];
  return new URL(url).pathname.split('/').slice(1).slice(-2);
}

/** Epoch milliseconds of an ISO date, or of epoch seconds. */
export function listedAt(
  date: string | number | undefined,
): Pick<ListedTask, 'createdAt'> & { readonly dated: boolean } {
  const createdAt = typeof date === 'string' ? parseHttpDate(date) : date && date * 1_000;
  return { createdAt: createdAt ?? Number.MAX_SAFE_INTEGER, dated: createdAt !== undefined };
}

/** True when some task is newer than the one before it. */
export function isUnordered(tasks: readonly ListedTask[]): boolean {
  return tasks.some(({ createdAt }, index) => createdAt > (tasks[index - 1]?.createdAt ?? createdAt));
}
