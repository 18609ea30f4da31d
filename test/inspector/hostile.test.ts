/** What is made to do harm: bodies too deep, charts too large, capsules of lies. */
import { expect, test } from 'vitest';
import { chained, sealed, type Capsule } from '../../src/actors/capsule/capsule.js';
import { orderMachine } from '../inspection/orders.js';
import { asked, newPlace, ORIGIN, outcome, posted } from './place.js';

const JSON_OF_PAGE = {
  'content-type': 'application/json',
  origin: ORIGIN,
  'sec-fetch-site': 'same-origin',
};

const LIES = [null, 5, '', '<b>', true, [null], [[]], [{ id: {} }], { a: 1 }];

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
