/**
 * Names of events as people read them; XState's own say what they mean.
 *
 * Pure. Callers: named-events.ts, paint.ts, the activity, the story. Invariant: a name that is not
 * XState's is shown as it is.
 */

/** Of a child's id that XState made up, `0.order.open.charging`, the effect's source: paint.ts. */
export type EffectNames = ReadonlyMap<string, string>;

/** `xstate.done.actor.submit` → `submit answers`. */
export function eventWords(type: string, names?: EffectNames): string {
  const [, done] = /^xstate\.done\.actor\.(.+)$/.exec(type) ?? [];
  if (done !== undefined) return `${childWords(done, names)} answers`;
  const [, failed] = /^xstate\.error\.actor\.(.+)$/.exec(type) ?? [];
  if (failed !== undefined) return `${childWords(failed, names)} fails`;
  const [, delay] = /^xstate\.after\.([^.]+)\./.exec(type) ?? [];
  if (delay !== undefined) return /^\d+$/.test(delay) ? `after ${delay} ms` : `after ${delay}`;
  const [, state] = /^xstate\.done\.state\.(.+)$/.exec(type) ?? [];
  if (state !== undefined) return `${state} is done`;
  return type === 'xstate.init' ? 'created' : type;
}

/** XState names what its machine does not: without its source the state says most. */
function childWords(child: string, names: EffectNames | undefined): string {
  return names?.get(child) ?? /^\d+\.[^.]+\.(.+)$/.exec(child)?.[1] ?? child;
}
