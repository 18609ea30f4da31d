/** Listings that are not what was asked for: by hosts that imitate a protocol, not by those who made it. */
import { expect, test } from 'vitest';
import { openai } from '../../src/providers/adapters/openai.js';
import type { ListPage, ProviderRequest } from '../../src/providers/port.js';

const request: ProviderRequest = { kind: 'video', prompt: 'a cat' };
const { reconcile } = openai({ apiKey: 'sk-test' });
if (reconcile.by !== 'list') throw new Error('it is reconciled by list');
const { parsePage, sameRequest } = reconcile;

function pageOf(...dates: readonly unknown[]): Extract<ListPage, { type: 'page' }> {
  const data = dates.map((date, index) => ({ id: `video_${index}`, created_at: date, prompt: 'a cat' }));
  const response = { status: 200, headers: {}, text: JSON.stringify({ data, has_more: true }) };
  const page = parsePage(response, request, 'default');
  if (page.type !== 'page') throw new Error('it is a page');
  return page;
}

test('a listing that is not newest first says so, and is read to its end', () => {
  expect(pageOf(1_790_000_000, 1_780_000_000).unordered).toBe(false);
  expect(pageOf(1_780_000_000, 1_790_000_000).unordered).toBe(true);
});

test('a task without a date neither ends the look nor is taken for ours', () => {
  const [undated] = pageOf(undefined).tasks;
  if (undated === undefined) throw new Error('a task without a date is a task');
  expect(undated.createdAt).toBe(Number.MAX_SAFE_INTEGER);
  expect(sameRequest(undated, request, { key: 'job_1' })).toBe(false);
});
