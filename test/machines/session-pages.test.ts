/** The pages of a session's queue: what a change copies, and what a page says without a look into it. */
import { describe, expect, test } from 'vitest';
import {
  appended,
  changed,
  dueHeads,
  earliestDue,
  found,
  headsAfter,
  PAGE_BATCHES,
  type Pages,
} from '../../src/machines/session-pages.js';
import type { BatchHead } from '../../src/machines/session-words.js';

const WORK = { deliver: 'A', slot: 'X', merge: 'N', kind: 'input', items: 1, enqueuedAt: 0 } as const;

function head(seq: number, availableAt = 0): BatchHead {
  return { ...WORK, nonce: `n${seq}`, seq, availableAt };
}

function pagesOf(count: number): Pages {
  let pages: Pages = [];
  for (let seq = 1; seq <= count; seq += 1) pages = appended(pages, head(seq));
  return pages;
}

function seqsOf(heads: Iterable<BatchHead>): readonly number[] {
  return Array.from(heads, ({ seq }) => seq);
}

/** Which pages are the same objects as before. */
function kept(before: Pages, after: Pages): readonly boolean[] {
  return after.map((page) => before.includes(page));
}

describe('a queue of 1,000 batches', () => {
  const pages = pagesOf(1_000);

  test('is in pages of 128, and each batch is found in its own', () => {
    expect(PAGE_BATCHES).toBe(128);
    expect(pages.map(({ heads }) => heads.length)).toEqual([128, 128, 128, 128, 128, 128, 128, 104]);
    for (const seq of [1, 128, 129, 500, 1_000]) expect(found(pages, seq)?.nonce).toBe(`n${seq}`);
    for (const seq of [0, 1_001]) expect(found(pages, seq)).toBeUndefined();
  });

  test('is copied by one page a step: the last for new work, that of a batch for what happens to it', () => {
    const more = appended(pages, head(1_001));
    expect(kept(pages, more)).toEqual([true, true, true, true, true, true, true, false]);
    const claimed = changed(pages, [300], (one) => ({ ...one, claim: 'c' }));
    expect(kept(pages, claimed)).toEqual([true, true, false, true, true, true, true, true]);
    expect(found(claimed, 300)?.claim).toBe('c');
    const twoOfIt = changed(pages, [1, 2], () => undefined);
    expect(kept(pages, twoOfIt)).toEqual([false, true, true, true, true, true, true, true]);
    expect(seqsOf(headsAfter(twoOfIt, 0)).slice(0, 2)).toEqual([3, 4]);
  });

  test('has no page without batches, and its order whatever left it', () => {
    const first = Array.from({ length: 129 }, (_, index) => index + 1);
    const left = changed(pages, first, () => undefined);
    expect(left.map(({ heads }) => heads.length)).toEqual([127, 128, 128, 128, 128, 128, 104]);
    expect(found(left, 129)).toBeUndefined();
    expect(seqsOf(headsAfter(left, 998))).toEqual([999, 1_000]);
    const none = changed(left, seqsOf(headsAfter(left, 0)), () => undefined);
    expect(none).toEqual([]);
    expect([found(none, 1), earliestDue(none), seqsOf(dueHeads(none, 1e9))]).toEqual([
      undefined,
      undefined,
      [],
    ]);
  });
});

describe('a page', () => {
  test('says when its first free batch is due, and is not looked into before', () => {
    let pages: Pages = [];
    for (let seq = 1; seq <= 2 * PAGE_BATCHES; seq += 1)
      pages = appended(pages, head(seq, seq <= PAGE_BATCHES ? 5_000 + seq : 3_000));
    expect(pages.map(({ dueAt, held }) => [dueAt, held])).toEqual([
      [5_001, 0],
      [3_000, 0],
    ]);
    expect(earliestDue(pages)).toBe(3_000);
    expect(seqsOf(dueHeads(pages, 2_999))).toEqual([]);
    expect(seqsOf(dueHeads(pages, 3_000))[0]).toBe(PAGE_BATCHES + 1);
  });

  test('counts what is held, which comes free by no date, and knows dead letters for what they are', () => {
    const pages = appended(appended([], head(1, 4_000)), head(2, 9_000));
    const held = changed(pages, [1], (one) => ({ ...one, claim: 'c' }));
    expect(held[0]).toMatchObject({ dueAt: 9_000, held: 1 });
    expect(seqsOf(dueHeads(held, 0))).toEqual([1, 2]);
    const dead = changed(pages, [1, 2], (one) => ({ ...one, dead: true }));
    expect(dead[0]).toMatchObject({ dueAt: Number.MAX_SAFE_INTEGER, held: 0 });
    expect(earliestDue(dead)).toBeUndefined();
  });
});
