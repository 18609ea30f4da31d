/**
 * The callback URL as a tag: what a listing echoes of it says whose task it is.
 *
 * Callers: the adapters whose listings echo it. Invariant: only the last two parts of the path count (the
 * provider, and the token `{job id}.{signature}`), since the public URL may have changed between the submit
 * and the look, and the secret that signs may have too.
 */
import type { SubmitContext } from './port.js';

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
