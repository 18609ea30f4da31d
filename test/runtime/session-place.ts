/**
 * Sessions over a store in memory and a clock that is moved by hand, in the parts a runtime is made of.
 *
 * Callers: the tests of sessions. Invariant: what is open when a test ends is closed.
 */
import { expect, onTestFinished } from 'vitest';
import { ProviderBook } from '../../src/actors/provider-book.js';
import type { Sessions } from '../../src/actors/sessions.js';
import { assemble, type Assembly } from '../../src/assembly.js';
import { isHoldfastError, type ErrorCode } from '../../src/errors.js';
import { silentLogger, type RuntimeOptions, type Session } from '../../src/index.js';
import { createMemoryDisk, openMemoryStore, type MemoryDisk } from '../../src/store/index.js';
import type { Entry } from '../../src/store/store.js';
import { createSimulatedClock, type SimulatedClock } from '../../src/testing/simulated-clock.js';
import { newDirectory } from '../store/place.js';

export interface SessionPlace {
  /** For attachments; the rows are in memory. */
  readonly directory: string;
  readonly disk: MemoryDisk;
  readonly clock: SimulatedClock;
  readonly parts: Assembly;
  readonly sessions: Sessions;
  /** Every row there is. */
  readonly rows: () => Promise<readonly Entry[]>;
  /** Ends everything without a word, as a crash does, and opens the same disk again, in a next generation. */
  readonly crash: () => Promise<SessionPlace>;
}

type Settings = Pick<RuntimeOptions, 'sessions' | 'channels'>;

export function openSessions(settings: Settings = {}, disk = createMemoryDisk()): Promise<SessionPlace> {
  return open(settings, createSimulatedClock(), disk);
}

async function open(
  settings: Settings,
  clock: SimulatedClock,
  disk: MemoryDisk,
  directory?: string,
): Promise<SessionPlace> {
  const path = directory ?? (await newDirectory());
  const store = await openMemoryStore({ disk });
  const options = { ...settings, directory: path, clock, log: silentLogger };
  const parts = await assemble(options, store, new ProviderBook([]));
  await parts.attachments.recover();
  await parts.kernel.start();
  await parts.sessions.recover();
  onTestFinished(async () => {
    await Promise.allSettled([parts.sessions.close()]);
    await parts.kernel.close(0);
    await store.close();
  });
  return {
    ...{ directory: path, disk, clock, parts, sessions: parts.sessions },
    rows: () => store.scan({ gte: 'a', lt: '{', limit: 100_000 }),
    crash: async () => {
      await store.close();
      return open(settings, clock, disk, path);
    },
  };
}

/** Holds what `act` does against what is on disk before and after. */
export async function writingNothing<T>(place: SessionPlace, act: () => Promise<T>): Promise<T> {
  const before = await place.rows();
  const result = await act();
  expect(await place.rows()).toEqual(before);
  return result;
}

/** The error with that code that `act` is refused with, having written nothing. */
export async function refusal(
  place: SessionPlace,
  code: ErrorCode,
  act: () => Promise<unknown>,
): Promise<{ readonly message: string; readonly details: Readonly<Record<string, unknown>> }> {
  const error = await writingNothing(place, () => act().catch((thrown: unknown) => thrown));
  if (!isHoldfastError(error)) throw new Error(`no refusal, but ${JSON.stringify(error)}`);
  expect(error.code).toBe(code);
  return error;
}

/** A place, and a session that is not there yet. */
export async function openOne(): Promise<{ readonly place: SessionPlace; readonly session: Session }> {
  const place = await openSessions();
  return { place, session: place.sessions.get('chat:1') };
}
