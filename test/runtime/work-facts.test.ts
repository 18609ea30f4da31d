/** The field's own facts of work items, each by its name. */
import { describe, expect, test } from 'vitest';
import { opened } from './work-place.js';

describe('work items', () => {
  test('enqueue twice by key returns the first id and one ready row', async () => {
    const { work } = await opened();
    const first = await work.enqueue('embed', { doc: 1 }, { dedupeKey: 'doc-1' });
    const second = await work.enqueue('embed', { doc: 1 }, { dedupeKey: 'doc-1' });
    expect(first.deduplicated).toBe(false);
    expect(second).toEqual({ id: first.id, deduplicated: true });
    expect((await work.list({ status: 'ready' })).items.map(({ id }) => id)).toEqual([first.id]);
    expect((await work.counts()).all.ready).toBe(1);
  });

  test('claim on empty is undefined', async () => {
    const { work } = await opened();
    expect(await work.claimNext('embed')).toBeUndefined();
    expect(await work.claimNext()).toBeUndefined();
    expect(await work.claimMany(['embed', 'index'], 10)).toEqual([]);
  });

  test('done frees key and claim, so that an equal item gets a new id', async () => {
    const { work } = await opened();
    const first = await work.enqueue('embed', { doc: 1 }, { dedupeKey: 'doc-1' });
    const claim = await work.claimNext('embed', { workerId: 'w1' });
    expect(claim).toMatchObject({
      id: first.id,
      kind: 'embed',
      payload: { doc: 1 },
      attempts: 0,
      workerId: 'w1',
    });
    await work.done(claim?.token ?? '', { chunks: 3 });
    const view = await work.get(first.id);
    expect(view).toMatchObject({ status: 'done', payload: { doc: 1 }, result: { chunks: 3 } });
    expect(view.claim).toBeUndefined();
    const again = await work.enqueue('embed', { doc: 1 }, { dedupeKey: 'doc-1' });
    expect(again.deduplicated).toBe(false);
    expect(again.id).not.toBe(first.id);
  });
});
