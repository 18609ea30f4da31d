/** A run of a schedule on a store that does not always answer, played by hand: it waits, or is refused. */
import { createActor, toPromise, type AnyActorLogic } from 'xstate';
import { expect, test } from 'vitest';
import { Schedules } from '../../src/actors/work/schedules.js';
import { HoldfastError, silentLogger, type ErrorCode } from '../../src/index.js';
import { createSimulatedClock } from '../../src/testing/simulated-clock.js';

interface Played {
  /** What enqueueing fails with. */
  readonly fault?: ErrorCode;
  /** An item of the schedule that has ended before its run was noted. */
  readonly early?: string;
}

const schedule = {
  name: 'tidy',
  kind: 'tidy',
  cadence: { everyMs: 60_000 },
  catchUp: 'skip',
  overlap: 'skip',
};

/** Enqueues the first run; what the effect says, and which items were asked for. */
async function runOnce({
  fault,
  early,
}: Played): Promise<{ readonly answer: unknown; readonly asked: string[] }> {
  const asked: string[] = [];
  const defined: { machine: { implementations: { actors: Record<string, AnyActorLogic> } } }[] = [];
  const context = { input: schedule, origin: 'o', early: early === undefined ? [] : [{ workId: early }] };
  const snapshot = { status: 'active', context };
  const record = { seq: 1 };
  const kernel = {
    define: (options: (typeof defined)[number]) => void defined.push(options),
    snapshot: () => Promise.resolve({ snapshot, record }),
    reader: { payload: () => Promise.resolve(null), record: () => Promise.resolve(record) },
  };
  const items = {
    payloadOf: () => Promise.resolve(null),
    enqueueAs: (id: string) => {
      asked.push(id);
      return fault === undefined
        ? Promise.resolve({ id, deduplicated: false })
        : Promise.reject(new HoldfastError(fault, 'played'));
    },
  };
  const parts = { kernel, items, clock: createSimulatedClock(), log: silentLogger, newId: () => 'o' };
  void new Schedules(parts as never);
  const logic = defined[0]?.machine.implementations.actors['enqueue'];
  if (logic === undefined) throw new Error('no effect enqueues');
  const actor = createActor(logic, { input: { schedule, origin: 'o', run: 1 } });
  const ended = toPromise(actor);
  actor.start();
  return { answer: await ended, asked };
}

test.each(['COMMITS_BEHIND', 'MAILBOX_FULL', 'RUNTIME_CLOSED', 'STORE_FAILED'] as const)(
  'is put off, and not given up, when it meets %s',
  async (fault) => {
    await expect(runOnce({ fault })).rejects.toMatchObject({ name: 'EffectDeferred' });
  },
);

test('is refused, and says why, when its item cannot be', async () => {
  const { answer } = await runOnce({ fault: 'INVALID_INPUT' });
  expect(answer).toMatchObject({ type: 'refused', error: { code: 'INVALID_INPUT' } });
});

test('whose item has ended before it was noted is not enqueued again', async () => {
  const first = await runOnce({});
  expect(first.answer).toEqual({ type: 'enqueued', workId: first.asked[0] });
  const [workId = ''] = first.asked;
  expect(await runOnce({ early: workId })).toEqual({ answer: { type: 'enqueued', workId }, asked: [] });
  expect((await runOnce({ early: 'work_other' })).asked).toEqual([workId]);
});
