/**
 * The timers that are armed in a runtime under test, for a test to look at.
 *
 * Callers: the test runtime. Invariant: what is on disk, and nothing of the runtime's own housekeeping.
 */
import type { Runtime } from '../runtime.js';

/** One armed timer: an `after`, a delayed event, or what was sent with `at`. */
export interface TestTimer {
  /** `<kind>/<id>`. */
  readonly actor: string;
  /** What it will deliver: the type of an event, or `xstate.after.<delay>.<state>`. */
  readonly name: string;
  /** Wall-clock time, epoch milliseconds. */
  readonly dueAt: number;
}

/** Those of users' machines that have not ended, soonest first. */
export async function armedTimers(runtime: Runtime): Promise<readonly TestTimer[]> {
  const kinds = new Set(runtime.counts().flatMap(({ kind, house }) => (house ? [] : [kind])));
  const timers: TestTimer[] = [];
  for (const kind of kinds) {
    for (let cursor: string | undefined; ;) {
      const page = await runtime.inspect.reader.records(kind, () => true, { cursor, limit: 1_000 });
      timers.push(...page.items.flatMap(timersOf));
      cursor = page.cursor;
      if (cursor === undefined) break;
    }
  }
  return timers.sort((a, b) => a.dueAt - b.dueAt);
}

type FoundRecord = Awaited<ReturnType<Runtime['inspect']['reader']['records']>>['items'][number];

function timersOf({ address: actor, record }: FoundRecord): readonly TestTimer[] {
  if (record?.status !== 'active') return [];
  return record.timers.map(({ sendId, dueAt, event }) => ({ actor, name: event?.type ?? sendId, dueAt }));
}
