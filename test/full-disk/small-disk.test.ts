/** A real disk that fills up: under commits, under an opening, under a download, under an attachment. */
import { describe, expect, test } from 'vitest';
import { rent, type DiskKind, type Tenancy } from './small-disk.js';

/** What a refused write is called: a file that may not grow is no full disk. */
function refusalOn({ disk }: Tenancy): string {
  return disk === 'tmpfs' ? 'STORE_FULL' : 'STORE_FAILED';
}

describe('a disk that fills up under commits', () => {
  test.each(['commits, room before the close', 'commits, room after the close', 'commits, in mid-flush'])(
    '%s: a typed error, nothing acknowledged lost, and it goes on',
    async (errand) => {
      const tenancy = await rent(errand);
      const { facts } = tenancy;
      const code = refusalOn(tenancy);
      const acknowledged = Number(facts['acknowledged']);
      expect(acknowledged).toBeGreaterThan(10);
      expect(facts).toMatchObject({
        refusal: code,
        'later calls': [code, code],
        failed: [code],
        status: 'failed',
        closed: 'fine',
        after: [acknowledged + 2, true],
        'journal without gaps': true,
        'opens again': 'fine',
        health: ['healthy', {}],
      });
      // The refused one may be there or not; nothing else may.
      expect([acknowledged, acknowledged + 1]).toContain(facts['kept']);
      const opened = facts['opened while full'] ?? [];
      if (tenancy.disk === 'tmpfs') expect(new Set(opened as string[])).not.toContain('STORE_FAILED');
    },
  );
});

test('an opening without room is STORE_FULL, leaves no half marker, and is no hindrance later', async () => {
  const { disk, facts } = await rent('opens');
  const codes = facts['codes'] as readonly string[];
  expect(facts['afterwards']).toEqual(['fine']);
  expect(codes.at(-1)).toBe('fine');
  if (disk !== 'tmpfs') return;
  const refused = codes.slice(0, codes.indexOf('fine'));
  expect(refused.length).toBeGreaterThan(2);
  expect(new Set(refused)).toEqual(new Set(['STORE_FULL']));
  const markers = facts['markers'] as readonly string[];
  expect(markers[0]).toBe('no directory');
  expect(markers.filter((found) => !['no directory', 'creating', 'ready'].includes(found))).toEqual([]);
});

/** In the end the artifact is there, and nothing beside it. */
function wholeOn(disk: DiskKind): object {
  const bytes = disk === 'tmpfs' ? 3_145_728 : 1_048_576;
  return { 'others meanwhile': 'fine', 'on disk': bytes, parts: [], health: ['healthy', {}] };
}

describe('a disk without room for an artifact', () => {
  test('fetches again, commits for others meanwhile, and is done when there is room', async () => {
    const { disk, facts } = await rent('downloads, room in time');
    expect(facts).toMatchObject({ ...wholeOn(disk), settled: ['done', null] });
  });

  test('ends the job as a failed download that can be retried, with nothing half-written', async () => {
    const { disk, facts } = await rent('downloads, no room');
    expect(facts).toMatchObject(wholeOn(disk));
    if (disk === 'tmpfs') {
      expect(facts).toMatchObject({ settled: ['failed', 'download-failed'], retried: 'done' });
    }
  });
});

test('an attachment without room is refused by its code, and leaves nothing', async () => {
  const tenancy = await rent('attachments');
  const expected = { large: refusalOn(tenancy), left: ['parts'], small: 'fine', health: ['healthy', {}] };
  expect(tenancy.facts).toMatchObject(expected);
});
