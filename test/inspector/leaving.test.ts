/** What an inspector and its readers leave behind: no timer, no inspector, no pile of addresses. */
import { expect, test } from 'vitest';
import { systemClock, type Clock } from '../../src/clock.js';
import { statelyFrames } from '../../src/control/stately-frames.js';
import { HoldfastError } from '../../src/errors.js';
import { silentLogger, type InspectionFace } from '../../src/index.js';
import { checkInspector, createInspector } from '../../src/inspector/index.js';
import { limits } from '../../src/limits.js';
import { ORIGIN, TOKEN } from './place.js';

/** The machine's clock, and how many of its timers are set. */
function countedClock(): Clock & { readonly set: () => number } {
  const open = new Set<() => void>();
  const schedule: Clock['schedule'] = (delayMs, run) => {
    const cancel = systemClock.schedule(delayMs, () => {
      open.delete(cancel);
      run();
    });
    open.add(cancel);
    return () => {
      open.delete(cancel);
      cancel();
    };
  };
  return { ...systemClock, schedule, set: () => open.size };
}

test('closed while a chart is being drawn, it leaves no timer that would keep its process', async () => {
  const clock = countedClock();
  let closed = 0;
  let begun: () => void = () => undefined;
  const asked = new Promise<void>((resolve) => (begun = resolve));
  const inspector = createInspector({
    ...checkInspector({ token: TOKEN, port: 4_000 }),
    api: async () => {
      begun();
      return Response.json({ kind: 'order', version: '1', hash: 'h', config: { id: 'order' } });
    },
    ...{ clock, log: silentLogger, live: true, name: 'here', closed: () => (closed += 1) },
  });
  const headers = { authorization: `Bearer ${TOKEN}` };
  const drawn = inspector.fetch(new Request(`${ORIGIN}/chart.svg?kind=order`, { headers }));
  await asked;
  inspector.close();
  await drawn;
  expect(clock.set()).toBe(0);
  expect(closed, 'its runtime forgets it').toBe(1);
});

test('strangers that come while a receiver takes nothing are kept as far as it has room', async () => {
  const gone = async (): Promise<never> => {
    throw new HoldfastError('ACTOR_NOT_FOUND', 'it has ended, and is removed');
  };
  let tell: Parameters<InspectionFace['watch']>[0] = () => undefined;
  const asked: string[] = [];
  const inspection = {
    list: async () => ({ items: [] }),
    actor: (address: string) => {
      asked.push(address);
      return gone();
    },
    watch: (listener: typeof tell) => {
      tell = listener;
      return () => undefined;
    },
  } satisfies Partial<InspectionFace> as Partial<InspectionFace> as InspectionFace;
  const over = new AbortController();
  const frames = statelyFrames(inspection, {}, { clock: systemClock, signal: over.signal });
  await frames.next();
  const many = limits.inspectorReceiverActorsMax * 3;
  const steps = Array.from({ length: many }, (_none, at) => ({ address: `order/${at}` }));
  tell({ steps, more: 0, counts: [] } as unknown as Parameters<typeof tell>[0]);
  const next = frames.next();
  over.abort();
  await next;
  expect(asked).toHaveLength(limits.inspectorReceiverActorsMax);
});
