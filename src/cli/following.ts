/**
 * The steps of an actor as they are committed, for commands that go on until somebody has seen enough.
 *
 * Owns: the stream from the process that runs the directory, while it is listened to. Callers: log.ts,
 * watch-actor.ts. Invariants:
 *  1  No step is missed and none comes twice: what the stream tells is taken as a hint, and the steps are
 *     read from what is on disk, from the last one that was seen on.
 *  2  It ends with the actor, or as `signal` aborts; a process that ends meanwhile is CONTROL_FAILED.
 */
import { systemClock } from '../clock.js';
import { errorFromWire, forwardTo, type ControlInspection } from '../control/index.js';
import { HoldfastError, isHoldfastError } from '../errors.js';
import type { StepLine } from '../index.js';
import { EXIT_INTERRUPTED, onInterrupt } from './interrupt.js';

export interface Followed {
  readonly directory: string;
  readonly actors: ControlInspection;
  readonly address: string;
}

/** Steps of one read; more are read in several. */
const READ_MAX = 200;
const READS_MAX = 100;

/**
 * Hears of steps after `seen`, oldest first; with none where the actor may have changed without one. It ends
 * with the actor, and where who hears has had enough.
 */
export async function followed(
  place: Followed,
  seen: number,
  signal: AbortSignal,
  hear: (steps: readonly StepLine[]) => Promise<'enough' | undefined> | void,
): Promise<void> {
  let last = seen;
  let cause: unknown;
  try {
    for await (const _hint of hintsOf(place, signal)) {
      const steps = await stepsAfter(place, last);
      const newest = steps.at(-1);
      if ((await hear(steps)) === 'enough') return;
      if (newest === undefined) continue;
      last = newest.seq;
      if (newest.status !== 'active') return;
    }
  } catch (error) {
    if (!isHoldfastError(error, 'RUNTIME_CLOSED')) throw error;
    cause = error;
  }
  signal.throwIfAborted();
  throw new HoldfastError('CONTROL_FAILED', `the process that ran ${place.directory} has ended`, { cause });
}

/** Lets Ctrl-C end `work`, and nothing else. */
export async function untilInterrupted(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const stop = new AbortController();
  const forget = onInterrupt(() => stop.abort());
  try {
    await work(stop.signal);
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    process.exitCode = EXIT_INTERRUPTED;
  } finally {
    forget();
  }
}

export function nobodyRuns(directory: string): HoldfastError {
  const message = `no process runs ${directory}: nothing happens to its actors until one does`;
  return new HoldfastError('CONTROL_FAILED', message);
}

/** One at the beginning, when whatever happens is told, and one for each thing that is. */
async function* hintsOf({ directory, address }: Followed, signal: AbortSignal): AsyncGenerator<undefined> {
  const door = forwardTo(directory, systemClock);
  try {
    const url = `http://localhost/v1/live?address=${encodeURIComponent(address)}`;
    const answer = await door.fetch(new Request(url, { signal }));
    if (!answer.ok || answer.body === null) throw await refusalOf(answer);
    yield undefined;
    for await (const _bytes of answer.body) yield undefined;
  } finally {
    door.close();
  }
}

async function refusalOf(answer: Response): Promise<HoldfastError> {
  const body: unknown = await answer.json().catch(() => undefined);
  const status = `GET /v1/live was answered with status ${answer.status}`;
  return errorFromWire(body) ?? new HoldfastError('CONTROL_FAILED', status);
}

async function stepsAfter({ actors, address }: Followed, seen: number): Promise<readonly StepLine[]> {
  let found: readonly StepLine[] = [];
  let before: number | undefined;
  for (let read = 0; read < READS_MAX; read += 1) {
    const { items, cursor } = await actors.steps(address, { before, limit: READ_MAX });
    const fresh = items.filter(({ seq }) => seq > seen);
    found = [...fresh, ...found];
    if (cursor === undefined || fresh.length < items.length) break;
    before = Number(cursor);
  }
  return found;
}
