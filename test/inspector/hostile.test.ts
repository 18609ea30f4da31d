/** What is made to do harm: bodies too deep, charts too large, capsules of lies. */
import { runInNewContext } from 'node:vm';
import { setFlagsFromString } from 'node:v8';
import { expect, onTestFinished, test } from 'vitest';
import { chained, sealed, type Capsule } from '../../src/actors/capsule/capsule.js';
import { systemClock } from '../../src/clock.js';
import { forwardTo } from '../../src/control/index.js';
import type { Inspector } from '../../src/inspector/index.js';
import { limits } from '../../src/limits.js';
import { newWorld } from '../control/world.js';
import { orderMachine } from '../inspection/orders.js';
import { asked, newPlace, ORIGIN, outcome, overApi, posted, TOKEN } from './place.js';

const JSON_OF_PAGE = {
  'content-type': 'application/json',
  origin: ORIGIN,
  'sec-fetch-site': 'same-origin',
};

const LIES = [null, 5, '', '<b>', true, [null], [[]], [{ id: {} }], { a: 1 }];

/** What nobody holds is gone. */
function collected(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

/** `{"a":{"a":...1...}}` */
function deep(levels: number): string {
  return `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`;
}

test.each([
  ['/v1/actors/what-if', `{"address":"order/1","events":[{"type":"x","x":${deep(50_000)}}]}`],
  ['/v1/actors/act', `{"address":"order/1","act":"send:x","input":${deep(50_000)}}`],
  ['/v1/capsules/look', `{"capsule":${deep(500_000)}}`],
  ['/v1/capsules/what-if', `{"capsule":{},"events":[{"type":"x","x":${deep(50_000)}}]}`],
  ['/v1/capsules/look', `${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}`],
  ['/chart.svg', `{"config":${deep(50_000)}}`],
])('a body for %s that would exhaust the stack is a mistake in it', async (path, body) => {
  const { inspector } = await newPlace({ allowActions: true });
  const answer = inspector.fetch(asked(path, JSON_OF_PAGE, { method: 'POST', body }));
  expect(await outcome(answer)).toBe('400 INVALID_INPUT');
});

test('a body as deep as what may be stored is read', async () => {
  const { inspector } = await newPlace({ allowActions: true });
  const body = `{"address":"order/1","act":"send:note","input":${deep(490)}}`;
  const answer = inspector.fetch(asked('/v1/actors/act', JSON_OF_PAGE, { method: 'POST', body }));
  expect(await outcome(answer)).toBe('404 ACTOR_NOT_FOUND');
});

test('a capsule whose hashes fit, with lies in any field, is refused or shown, and never fails', async () => {
  const { inspector, runtime } = await newPlace();
  const order = await runtime.define(orderMachine).create({ id: '77', input: { title: 'a cat' } });
  await order.send({ type: 'pay', amount: 50 });
  const { seal: _seal, ...whole } = await runtime.export('order/77');
  const told = new Set<string>();
  for (const name of [
    'since',
    'timers',
    'effects',
    'children',
    'marks',
    'quarantine',
    'restarts',
    'parent',
  ]) {
    for (const lie of LIES) {
      const record = { ...whole.record, [name]: lie } as Capsule['record'];
      told.add(await looked(sealed({ ...whole, record })));
    }
  }
  for (const name of ['timers', 'effects', 'sends', 'emitted', 'failure', 'parent', 'rows', 'dueAt', 'by']) {
    for (const lie of LIES) {
      const journal = whole.journal.map(({ entry }) => ({ ...entry, [name]: lie }) as typeof entry);
      told.add(await looked(sealed({ ...whole, journal: chained(journal) })));
    }
  }
  for (const lie of LIES) {
    const shape = { ...whole.shape, chart: lie } as NonNullable<Capsule['shape']>;
    told.add(await looked(sealed({ ...whole, shape })));
  }
  expect([...told].toSorted()).toEqual(['200', '400 CAPSULE_INVALID']);

  async function looked(capsule: Capsule): Promise<string> {
    return outcome(inspector.fetch(posted('/v1/capsules/look', { capsule })));
  }
});

test('whoever goes is listened for no more, though nobody held his request', async () => {
  const { directory, runtime } = await newWorld();
  const forwarder = forwardTo(directory, systemClock);
  onTestFinished(() => forwarder.close());
  const ahead = await overApi(forwarder.fetch);
  for (const inspector of [runtime.inspector({ token: TOKEN }), ahead]) {
    for (const path of ['/v1/live', '/v1/live?address=job/x', '/v1/stately']) {
      const open = [];
      for (let n = 0; n < limits.inspectorStreamsMax; n += 1) open.push(await opened(inspector, path));
      collected();
      for (const { gone } of open) gone.abort();
      await Promise.all(open.map(({ answer }) => answer.text()));
    }
  }

  async function opened(
    inspector: Inspector,
    path: string,
  ): Promise<{ readonly gone: AbortController; readonly answer: Response }> {
    // Who has just gone may have his place for a moment yet.
    for (let tries = 0; tries < 1_000; tries += 1) {
      const gone = new AbortController();
      const answer = await inspector.fetch(asked(path, {}, { signal: gone.signal }));
      if (answer.status === 200) return { gone, answer };
      await answer.text();
    }
    throw new Error(`${path}: no place is free again`);
  }
});
