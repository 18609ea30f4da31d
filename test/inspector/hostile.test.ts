/** What is made to do harm: bodies too deep, charts too large, capsules of lies. */
import { expect, test } from 'vitest';
import { asked, newPlace, ORIGIN, outcome } from './place.js';

const JSON_OF_PAGE = {
  'content-type': 'application/json',
  origin: ORIGIN,
  'sec-fetch-site': 'same-origin',
};

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
