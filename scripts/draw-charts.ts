/**
 * Draws every chart of the machines room: `npx tsx scripts/draw-charts.ts` writes docs/charts/<name>.md and
 * its picture, docs/charts/<name>.svg.
 *
 * Owns: the files in docs/charts. Callers: a person after changing a chart; test/machines/charts.test.ts.
 * Invariant: a page depends on the chart alone, so that an unchanged chart gives an unchanged file.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AnyStateMachine } from 'xstate';
import { chartConfigOf } from '../src/actors/kernel/chart-config.js';
import { chartModel, layoutOf, pageOf, svgOf } from '../src/drawing/index.js';
import {
  deliveryMachine,
  jobMachine,
  parkedEventMachine,
  providerAccountMachine,
  scheduleMachine,
  sessionMachine,
  supervisorMachine,
  taskMachine,
  workItemMachine,
} from '../src/machines/index.js';

/** By the names of their pages. */
const charts: Readonly<Record<string, AnyStateMachine>> = {
  job: jobMachine,
  delivery: deliveryMachine,
  'provider-account': providerAccountMachine,
  'parked-event': parkedEventMachine,
  supervisor: supervisorMachine,
  session: sessionMachine,
  task: taskMachine,
  schedule: scheduleMachine,
  'work-item': workItemMachine,
};

/** Charts whose file has another name. */
const files: Readonly<Record<string, string>> = { session: 'session-queue' };

/** File name → text, of one chart's page and picture. */
export async function chartFiles(name: string): Promise<ReadonlyMap<string, string>> {
  const machine = charts[name];
  if (machine === undefined) throw new Error(`there is no chart "${name}"`);
  const model = chartModel(chartConfigOf(machine));
  const source = `src/machines/${files[name] ?? name}.ts`;
  const page = pageOf(model, {
    title: `The ${name} chart`,
    origin: `Drawn from \`${source}\` by \`npx tsx scripts/draw-charts.ts\`; do not edit.`,
    picture: `${name}.svg`,
  });
  const picture = svgOf(await layoutOf(model), { standalone: true });
  return new Map([
    [`${name}.md`, page],
    [`${name}.svg`, picture],
  ]);
}

const here = fileURLToPath(import.meta.url);
if (process.argv[1] === here) {
  const directory = join(dirname(here), '..', 'docs', 'charts');
  mkdirSync(directory, { recursive: true });
  for (const name of Object.keys(charts))
    for (const [file, text] of await chartFiles(name)) writeFileSync(join(directory, file), text);
}
