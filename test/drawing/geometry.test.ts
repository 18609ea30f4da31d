import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chartConfigOf } from '../../src/actors/kernel/chart-config.js';
import { chartModel, layoutOf, svgOf } from '../../src/drawing/index.js';
import { walks } from '../kernel/charts.js';
import { drawnChart } from './drawn-charts.js';
import { faultsOf } from './geometry.js';

const machines = (await walks()).map(({ name, machine }) => ({ name, machine }));

describe('the charts of the repository', () => {
  it.each(machines)('$name is drawn so that all of it can be read', async ({ machine }) => {
    const model = chartModel(chartConfigOf(machine));
    const layout = await layoutOf(model);
    expect(faultsOf(layout)).toEqual([]);
  });
});

it('any chart is drawn so that all of it can be read, and every time the same', async () => {
  await fc.assert(
    fc.asyncProperty(drawnChart, async (config) => {
      const model = chartModel(config);
      const layout = await layoutOf(model);
      expect(faultsOf(layout)).toEqual([]);
      expect(svgOf(await layoutOf(chartModel(config)))).toBe(svgOf(layout));
    }),
    { numRuns: 25 },
  );
});

it('a state may have a dot in its key, and many edges lead to it', async () => {
  const on = { go: '#popular' };
  const leaves = Object.fromEntries(['v1.0', 'v1.1', 'v2', 'v3', 'v4'].map((key) => [key, { on }]));
  const states = { near: { initial: 'v2', states: leaves }, 'far.off': { id: 'popular' } };
  const layout = await layoutOf(chartModel({ id: 'm', initial: 'near', states }));
  expect(faultsOf(layout)).toEqual([]);
  expect(layout.edges.filter(({ signpost }) => signpost)).toHaveLength(5);
});
