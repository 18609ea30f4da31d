import { describe, expect, it } from 'vitest';
import { CommitLoop } from '../../src/actors/kernel/commit-loop.js';
import { Counts } from '../../src/actors/kernel/counts.js';
import { Timers } from '../../src/actors/kernel/timers.js';
import { limits } from '../../src/limits.js';
import { silentLogger } from '../../src/log.js';
import { openMemoryStore } from '../../src/store/index.js';
import { keys } from '../../src/store/keys.js';
import { createSimulatedClock, faultyStore } from '../../src/testing/index.js';

const TIMERS = limits.timerStepsPendingMax * 3;

describe('a storm of timers', () => {
  it('waits while too many steps are not on disk, and then goes on to its end', async () => {
    const clock = createSimulatedClock();
    const store = faultyStore(await openMemoryStore());
    const loop = new CommitLoop(store, clock, await Counts.load(store), () => undefined);
    const armed = loop.begin();
    for (let seq = 0; seq < TIMERS; seq += 1) {
      armed.put(keys.timer('flow', clock.now(), 'flow/a', seq, 0), { sendId: 'x' });
    }
    loop.add(armed);
    await loop.flushed();

    let fired = 0;
    const allFired = new Promise<void>((resolve) => {
      const timers = new Timers({
        loop,
        clock,
        log: silentLogger,
        kinds: () => ['flow'],
        fire: async ({ key }) => {
          const stage = loop.begin();
          stage.delete(key);
          loop.add(stage);
          fired += 1;
          if (fired === TIMERS) resolve();
        },
        onClockJump: () => undefined,
      });
      timers.start();
    });
    const hold = store.hold();
    await hold.reached;
    // As many turns as all of them would need by far: what keeps them is the bound alone.
    for (let turn = 0; turn < TIMERS; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(fired).toBeGreaterThan(limits.timerStepsPendingMax);
    expect(fired).toBeLessThan(limits.timerStepsPendingMax + 100);
    hold.release();
    await allFired;
    await loop.flushed();
  });
});
