/**
 * What was tried as a vitest file: the same events on the same capsule lead the same way.
 *
 * Pure. Callers: what-if.ts. Invariant: the text runs as it is where `machine.js` and the capsule are beside
 * it; for the runtime's own kinds the capsule is enough.
 */
import { splitAddress } from '../../ids.js';
import type { Json, JsonEvent } from '../../json.js';
import type { Played } from './sandbox.js';

/** Machines of the runtime's own kinds, as `holdfast/machines` names them. */
const HOUSE: ReadonlyMap<string, string> = new Map([
  ['delivery', 'deliveryMachine'],
  ['job', 'jobMachine'],
  ['parked', 'parkedEventMachine'],
  ['provider', 'providerAccountMachine'],
  ['schedule', 'scheduleMachine'],
  ['session', 'sessionMachine'],
  ['task', 'taskMachine'],
  ['work', 'workItemMachine'],
]);

export interface Tried {
  readonly kind: string;
  readonly address: string;
  readonly seq: number;
  readonly at: number;
}

export function whatIfTest({ kind, address, seq, at }: Tried, steps: readonly Played[]): string {
  const machine = HOUSE.get(kind);
  const name = machine ?? 'machine';
  const from = machine === undefined ? './machine.js' : 'holdfast/machines';
  const file = `./${fileName(splitAddress(address).id)}.capsule.json`;
  const title = `${address}, from step ${seq}: ${steps.map(({ event }) => event.type).join(', ')}`;
  return [
    `/** What if: ${comment(address)} from step ${seq} on. Tried in the inspector. */`,
    `import { readCapsule, whatIf } from 'holdfast/testing';`,
    `import { expect, test } from 'vitest';`,
    `import { ${name} } from ${quoted(from)};`,
    ``,
    `const file = new URL(${quoted(file)}, import.meta.url);`,
    ``,
    `test(${quoted(title)}, async () => {`,
    `  const { steps } = await whatIf(${name}, readCapsule(file), {`,
    `    seq: ${seq},`,
    `    at: ${at},`,
    `    events: [`,
    ...steps.map(({ event }) => `      ${json(event)},`),
    `    ],`,
    `  });`,
    `  expect(steps.map(({ value }) => value)).toEqual([`,
    ...steps.map(({ value }) => `    ${json(value as Json)},`),
    `  ]);`,
    `});`,
    ``,
  ].join('\n');
}

/** JSON is an expression but for what ends a line of source. */
function json(value: Json | JsonEvent): string {
  return JSON.stringify(value)
    .replaceAll('\u2028', String.raw`\u2028`)
    .replaceAll('\u2029', String.raw`\u2029`);
}

function quoted(text: string): string {
  return json(text);
}

/** The name that a capsule is given when it is saved. */
function fileName(id: string): string {
  return id.replaceAll(/[^\w.@-]+/g, '-').slice(0, 100);
}

function comment(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]/gu, ' ').replaceAll('*/', '* /');
}
