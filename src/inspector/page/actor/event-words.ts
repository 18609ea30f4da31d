/**
 * Names of events as people read them; XState's own say what they mean.
 *
 * Pure. Callers: the panels. Invariant: a name that is not XState's is shown as it is.
 */

/** `xstate.done.actor.submit` → `submit is done`. */
export function eventWords(type: string): string {
  const [, done] = /^xstate\.done\.actor\.(.+)$/.exec(type) ?? [];
  if (done !== undefined) return `${childWords(done)} is done`;
  const [, failed] = /^xstate\.error\.actor\.(.+)$/.exec(type) ?? [];
  if (failed !== undefined) return `${childWords(failed)} failed`;
  const [, delay] = /^xstate\.after\.([^.]+)\./.exec(type) ?? [];
  if (delay !== undefined) return /^\d+$/.test(delay) ? `after ${delay} ms` : `after ${delay}`;
  const [, state] = /^xstate\.done\.state\.(.+)$/.exec(type) ?? [];
  if (state !== undefined) return `${state} is done`;
  return type === 'xstate.init' ? 'created' : type;
}

/** XState names what its machine does not: of `0.order.open.charging` the state says more. */
function childWords(child: string): string {
  return /^\d+\.[^.]+\.(.+)$/.exec(child)?.[1] ?? child;
}
