/**
 * ELK in a thread of its own: the same layouts, given up when they take too long, and no process kept
 * alive.
 */
import { setTimeout as tick } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { systemClock } from '../../src/clock.js';
import { chartModel, engineThread, layoutOf, svgOf } from '../../src/drawing/index.js';
import { houseCharts } from '../../src/actors/index.js';
import { createSimulatedClock } from '../../src/testing/simulated-clock.js';

const charts = houseCharts().filter(({ kind }) => ['work', 'delivery'].includes(kind));

describe('a thread for layouts', () => {
  test('draws as this thread does, several at once, while this one goes on', async () => {
    const engine = engineThread(systemClock, 60_000);
    try {
      let turns = 0;
      let isDone = false;
      const counting = (async () => {
        for (; !isDone; turns += 1) await tick(1);
      })();
      const drawn = await Promise.all(
        charts.map(async ({ config }) => svgOf(await layoutOf(chartModel(config), 'DOWN', engine))),
      );
      isDone = true;
      await counting;
      expect(turns).toBeGreaterThan(10);
      for (const [index, { config }] of charts.entries())
        expect(drawn[index]).toBe(svgOf(await layoutOf(chartModel(config))));
    } finally {
      engine.close();
    }
  });

  test('gives up what takes too long, says so, and draws the next', async () => {
    const clock = createSimulatedClock();
    const engine = engineThread(clock, 1_000);
    const [chart] = charts;
    const model = chartModel(chart?.config ?? {});
    try {
      const late = layoutOf(model, 'DOWN', engine).catch((error: unknown) => error);
      await clock.advance(2_000);
      expect(await late).toMatchObject({ code: 'INVALID_INPUT' });
      await expect(layoutOf(model, 'DOWN', engine)).resolves.toBeDefined();
    } finally {
      engine.close();
    }
  });

  test('refuses a graph that is none, and draws the next; closing twice is harmless', async () => {
    const engine = engineThread(systemClock, 60_000);
    const broken = {
      id: 'root',
      children: [{ id: 'a' }],
      edges: [{ id: 'e', sources: ['a'], targets: ['nobody'] }],
    };
    await expect(engine.layout(broken)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await expect(engine.layout({ id: 'root', children: [{ id: 'a' }] })).resolves.toMatchObject({
      id: 'root',
    });
    engine.close();
    engine.close();
  });
});
