import { describe, expect, test } from 'vitest';
import { placesIn } from '../../src/cli/demo/places.js';
import { tableOf } from '../../src/cli/demo/table.js';
import { jsonLineOf, verdictOf } from '../../src/cli/demo/verdict.js';
import { asked, bill, delivery, evidence, kill, wantedJob } from './evidence.js';

const [one, two] = [wantedJob(1), wantedJob(2)];

describe('the verdict', () => {
  test('is good when each job has one bill and one answered delivery of the right file', () => {
    const verdict = verdictOf(evidence());
    expect(verdict).toMatchObject({ billed: 2, delivered: 2, uniqueDeliveries: 2, lost: 0, billedTwice: 0 });
    expect(verdict.good).toBe(true);
  });

  test('takes a repeated delivery under the same id as it is: at least once', () => {
    const receiver = [...evidence().receiver, ...delivery(one, 3_000, 3)];
    expect(verdictOf(evidence({ receiver }))).toMatchObject({
      delivered: 3,
      uniqueDeliveries: 2,
      good: true,
    });
  });

  test('is bad when a job was delivered under two ids', () => {
    const receiver = [...evidence().receiver, ...delivery(one, 3_000, 3, 'dlv_other')];
    expect(verdictOf(evidence({ receiver }))).toMatchObject({ lost: 0, billedTwice: 0, good: false });
  });

  test('is bad when a job was billed twice', () => {
    const biller = [...evidence().biller, ...bill(one, 1_500, 3)];
    expect(verdictOf(evidence({ biller }))).toMatchObject({ billed: 3, billedTwice: 1, good: false });
  });

  test('is bad when something was billed that nobody wanted', () => {
    const biller = [...evidence().biller, ...bill(wantedJob(9), 1_500, 3)];
    expect(verdictOf(evidence({ biller }))).toMatchObject({ billed: 3, billedTwice: 1, good: false });
  });

  test('counts a bill at the wrong provider as one that nobody wanted', () => {
    const biller = [...bill({ ...one, provider: 'openai' }, 1_010, 1), ...bill(two, 1_020, 2)];
    expect(verdictOf(evidence({ biller }))).toMatchObject({ billedTwice: 1, good: false });
  });

  test.each([
    ['no delivery came', evidence({ receiver: delivery(one, 2_000, 1) }), 'no delivery was answered'],
    [
      'its delivery was not answered',
      evidence({ receiver: [...delivery(one, 2_000, 1), ...delivery(two, 2_000, 2).slice(0, 1)] }),
      'no delivery was answered',
    ],
    [
      'its delivery had no file',
      evidence({
        receiver: [
          ...delivery(one, 2_000, 1),
          ...delivery(two, 2_000, 2).map((entry) => ({ ...entry, files: [] })),
        ],
      }),
      'carried no file',
    ],
    [
      'its file is gone',
      evidence({ hashOf: (path) => (path.includes('2') ? undefined : evidence().hashOf(path)) }),
      'is not on disk',
    ],
    [
      'its file changed',
      evidence({ hashOf: (path) => (path.includes('2') ? 'other' : evidence().hashOf(path)) }),
      'changed after its delivery',
    ],
    [
      'its file is not what was rendered',
      evidence({ renderedFor: (job) => (job.number === 2 ? 'other' : undefined) }),
      'is not what was rendered',
    ],
  ])('counts a job as lost when %s', (_why, given, said) => {
    const verdict = verdictOf(given);
    expect(verdict).toMatchObject({ lost: 1, good: false });
    expect(verdict.jobs[1]?.lost).toContain(said);
    expect(tableOf(verdict, placesIn('/demo')).join('\n')).toContain('LOST');
  });

  test('says nothing of a bill that it cannot read', () => {
    const verdict = verdictOf(evidence({ billIsOurs: false, biller: [], driver: [kill(1, 2_010)] }));
    expect(verdict).toMatchObject({ billed: null, billedTwice: null, good: true });
    expect(verdict.killedIn).toEqual({ intent: null, posting: null, downloading: null, delivering: 1 });
    expect(tableOf(verdict, placesIn('/demo')).join('\n')).toContain('bill: see your provider');
  });

  test('gives the artifacts one digest, whatever the order of the deliveries', () => {
    const receiver = [...delivery(two, 1_900, 1), ...delivery(one, 2_000, 2)];
    expect(verdictOf(evidence({ receiver })).artifactsSha256).toBe(verdictOf(evidence()).artifactsSha256);
  });

  test('writes its JSON line with the keys in the order that the README shows', () => {
    const line = jsonLineOf(verdictOf(evidence()));
    const bare =
      '"lost":0,"billedTwice":0,"killedIn":{"intent":0,"posting":0,"downloading":0,"delivering":0}';
    const start = '{"jobs":2,"billed":2,"delivered":2,"uniqueDeliveries":2,"kills":0,"seed":7,';
    expect(line.replace(/"[0-9a-f]{64}"/, '"…"')).toBe(`${start}${bare},"artifacts":"…"}`);
  });
});

describe('where a kill landed', () => {
  const killedAt = (at: number) => {
    const { biller } = evidence();
    const download = { provider: 'kling', exchange: 9, promptSha256: one.promptSha256 };
    return verdictOf(
      evidence({
        driver: [asked(one, 1_000), asked(two, 1_000), kill(1, at)],
        biller: [
          ...biller,
          { ...download, at: 1_500, event: 'download.started', bytes: 7 },
          { ...download, at: 1_700, event: 'download.aborted', bytes: 3 },
        ],
      }),
    ).killedIn;
  };
  const nowhere = { intent: 0, posting: 0, downloading: 0, delivering: 0 };

  test.each([
    [999, nowhere],
    [1_005, { ...nowhere, intent: 1 }],
    // Job 1 is with the provider, job 2 is not.
    [1_015, { ...nowhere, intent: 1, posting: 1 }],
    [1_050, { ...nowhere, posting: 1 }],
    [1_120, nowhere],
    [1_600, { ...nowhere, downloading: 1 }],
    // The very millisecond in which the simulator noticed it.
    [1_700, { ...nowhere, downloading: 1 }],
    [1_701, nowhere],
    [2_040, { ...nowhere, delivering: 1 }],
    [2_080, nowhere],
  ])('at %i ms is read from the ledgers', (at, expected) => {
    expect(killedAt(at)).toEqual(expected);
  });
});
