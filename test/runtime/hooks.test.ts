/** What providers tell at a hook: it settles a job where it is proven, hurries a poll where it is not. */
import { describe, expect, test } from 'vitest';
import type { JobHandle, Runtime } from '../../src/index.js';
import { AT_ONCE, entries, NEVER, seen, seenAs, until, video } from './house.js';
import {
  FOREIGN_KEY,
  hookPlace,
  KEY,
  OLD_KEY,
  RARELY,
  signedBy,
  stepsOf,
  type HookPlace,
} from './hook-place.js';

/** Rendered by the second look: the answer to the submit does not say so. */
const SOON = { queued: { polls: 0 }, running: { polls: 1 } } as const;

interface Scene extends HookPlace {
  readonly runtime: Runtime;
  readonly job: JobHandle;
  readonly taskId: string;
}

/** A job that is accepted, and will not be polled by itself. */
async function scene(...[script = { life: SOON }, schemes]: Partial<Parameters<typeof hookPlace>>) {
  const place = await hookPlace(script, schemes);
  const runtime = await place.open();
  const job = await runtime.jobs.submit(video());
  const { ref } = await seenAs(runtime, job, 'pending');
  return { ...place, runtime, job, taskId: ref?.taskId ?? '' } satisfies Scene;
}

describe('a signed delivery', () => {
  test('settles the job it is for, without a poll', async () => {
    const { runtime, job, taskId, tell } = await scene();
    expect(await tell(runtime, job.id, { id: taskId, status: 'done' })).toBe(200);
    const view = await job.settled();
    expect([view.status, view.pollCount]).toEqual(['done', 0]);
    const journal = await runtime.inspect.reader.journal(`job/${job.id}`);
    const told = journal.filter(({ event }) => event.type === 'provider.evidence');
    expect(told.map(({ source }) => source)).toEqual(['provider']);
  });

  test('leads to a download from the URL it names, which is written down nowhere', async () => {
    const { runtime, job, taskId, tell, house } = await scene();
    const url = `${house.simulator.url}/openai/v1/videos/${taskId}/content?token=never-on-disk`;
    await tell(runtime, job.id, { id: taskId, status: 'done', url });
    // The content wants a key, which is not sent there: the provider is asked for a better address.
    expect((await job.settled()).status).toBe('done');
    expect(entries(house, 'download.started').length).toBeGreaterThan(0);
    const journal = await runtime.inspect.reader.journal(`job/${job.id}`);
    expect(JSON.stringify(journal)).not.toContain('never-on-disk');
  });

  test('of a failure fails the job, with its reason', async () => {
    const { runtime, job, taskId, tell } = await scene({ life: NEVER });
    expect(await tell(runtime, job.id, { id: taskId, status: 'failed' })).toBe(200);
    expect((await job.settled()).error).toMatchObject({ code: 'bad', message: 'it went wrong' });
  });

  test('that comes twice is one event', async () => {
    const { runtime, job, taskId, tell } = await scene({ life: NEVER });
    const again = { webhookId: 'msg_same' };
    expect(await tell(runtime, job.id, { id: taskId, status: 'pending' }, again)).toBe(200);
    const steps = await stepsOf(runtime, job.id);
    expect(await tell(runtime, job.id, { id: taskId, status: 'pending' }, again)).toBe(200);
    expect(await stepsOf(runtime, job.id)).toBe(steps);
  });

  test('that is overtaken changes nothing', async () => {
    const { runtime, job, taskId, tell } = await scene();
    await tell(runtime, job.id, { id: taskId, status: 'done' });
    const settled = await job.settled();
    for (const status of ['pending', 'failed', 'done'] as const)
      expect(await tell(runtime, job.id, { id: taskId, status })).toBe(200);
    const { status, artifacts, settledAt, error } = await job.view();
    expect({ status, artifacts, settledAt, error }).toEqual({
      status: 'done',
      artifacts: settled.artifacts,
      settledAt: settled.settledAt,
      error: settled.error,
    });
  });

  test('that is thin leads to a poll, and to another once there may be one', async () => {
    const { runtime, job, taskId, tell } = await scene({ life: NEVER });
    for (const polls of [1, 2, 3]) {
      expect(await tell(runtime, job.id, { id: taskId })).toBe(200);
      await seen(runtime, job, ({ pollCount, status }) => pollCount === polls && status === 'pending');
    }
  });

  test('of another task is no evidence: a poll looks', async () => {
    const { runtime, job, tell } = await scene({ life: NEVER });
    expect(await tell(runtime, job.id, { id: 'video_of_somebody', status: 'failed' })).toBe(200);
    const view = await seen(runtime, job, ({ status, pollCount }) => status === 'pending' && pollCount === 1);
    expect(view.ref?.taskId).not.toBe('video_of_somebody');
  });

  test('of a task that another job has is no evidence, either', async () => {
    const place = await hookPlace({
      life: NEVER,
      faults: [{ route: 'submit', nth: 2, fault: { type: 'resetAfterBody', billed: false } }],
    });
    const runtime = await place.open();
    const first = await runtime.jobs.submit(video());
    const { ref } = await seenAs(runtime, first, 'pending');
    const second = await runtime.jobs.submit(video({ prompt: 'another' }));
    await seenAs(runtime, second, 'submitUnknown');
    expect(await place.tell(runtime, second.id, { id: ref?.taskId ?? '', status: 'done' })).toBe(200);
    expect((await second.view()).status).toBe('submitUnknown');
  });

  test('with any of several secrets is good, while one takes over from the other', async () => {
    const { runtime, job, taskId, tell } = await scene({ life: NEVER }, signedBy(KEY, OLD_KEY));
    const news = { id: taskId, status: 'pending' } as const;
    expect(await tell(runtime, job.id, news, { key: OLD_KEY })).toBe(200);
    expect(await tell(runtime, job.id, news, { key: KEY })).toBe(200);
    expect(await tell(runtime, job.id, news, { key: FOREIGN_KEY })).toBe(401);
  });
});

describe('a delivery is refused, and changes nothing', () => {
  test.each([
    ['signed by somebody else', { key: FOREIGN_KEY }, 401],
    ['too old', { agoMs: 301_000 }, 401],
    ['of the future', { agoMs: -400_000 }, 401],
    ['not signed at all', { unsigned: true }, 401],
    ['no JSON', { raw: 'status=done' }, 400],
    ['a list', { raw: '[]' }, 400],
    ['empty', { raw: '' }, 400],
    ['nested too deeply', { raw: `{"more":${'['.repeat(600)}${']'.repeat(600)}}` }, 400],
    [
      'nested as deeply as a body can be',
      { raw: `{"more":${'['.repeat(500_000)}${']'.repeat(500_000)}}` },
      400,
    ],
    ['longer than a mebibyte', { raw: JSON.stringify({ more: 'x'.repeat(1_048_576) }) }, 413],
  ] as const)('when it is %s', async (_what, how, status) => {
    const { runtime, job, taskId, tell } = await scene({ life: NEVER });
    const steps = await stepsOf(runtime, job.id);
    expect(await tell(runtime, job.id, { id: taskId, status: 'failed' }, how)).toBe(status);
    expect(await stepsOf(runtime, job.id)).toBe(steps);
  });

  test('when its token is wrong, before a word of it is read', async () => {
    const { runtime, job, token } = await scene({ life: NEVER });
    const good = await token(job.id);
    const body = new ReadableStream({
      pull: () => {
        throw new Error('it was read');
      },
    });
    for (const wrong of [
      `${good}x`,
      good.slice(0, -2),
      job.id,
      `${job.id}.`,
      '.',
      good.replace('job_', 'job-'),
    ]) {
      const request = new Request(`https://agent.example/hooks/openai/${wrong}`, {
        method: 'POST',
        body,
        duplex: 'half',
      } as RequestInit);
      expect((await runtime.fetch(request)).status, wrong).toBe(404);
    }
  });

  test('when it goes anywhere else, or is no POST', async () => {
    const { runtime, job, token } = await scene({ life: NEVER });
    const statusOf = async (path: string, method: string): Promise<number> =>
      (await runtime.fetch(new Request(`https://agent.example${path}`, { method }))).status;
    const good = await token(job.id);
    expect(await statusOf(`/hooks/openai/${good}`, 'GET')).toBe(405);
    expect(await statusOf(`/hooks/kling/${good}`, 'POST')).toBe(404);
    expect(await statusOf(`/hooks/openai/${good}/more`, 'POST')).toBe(404);
    for (const path of ['/', '/hooks', '/hooks/', '/v1/jobs', '/hooks/%E0%A4%A/x']) {
      expect(await statusOf(path, 'POST'), path).toBe(404);
    }
  });

  test('when the body does not come', async () => {
    const { runtime, job, token, house } = await scene({ life: NEVER });
    const request = new Request(`https://agent.example/hooks/openai/${await token(job.id)}`, {
      method: 'POST',
      body: new ReadableStream({ pull: () => new Promise(() => undefined) }),
      duplex: 'half',
    } as RequestInit);
    const answered = runtime.fetch(request);
    house.clock.advance(11_000);
    expect((await answered).status).toBe(408);
  });
});

describe('an unsigned delivery', () => {
  const unsigned = [{ type: 'unsigned' }] as const;

  test('settles nothing, and hurries a poll', async () => {
    const { runtime, job, taskId, tell } = await scene({ life: NEVER }, unsigned);
    expect(await tell(runtime, job.id, { id: taskId, status: 'failed' }, { unsigned: true })).toBe(200);
    const view = await seen(runtime, job, ({ pollCount, status }) => pollCount === 1 && status === 'pending');
    expect(view.error).toBeUndefined();
  });

  test('that is one of a thousand is not even written', async () => {
    const { runtime, job, taskId, tell, house } = await scene({ life: NEVER }, unsigned);
    const before = await stepsOf(runtime, job.id);
    const beganMs = house.clock.monotonicMs();
    for (let n = 0; n < 1_000; n += 1) {
      const how = { unsigned: true, raw: JSON.stringify({ id: taskId, status: 'done', more: n }) };
      expect(await tell(runtime, job.id, {}, how)).toBe(200);
    }
    // The clock of the house is fast: a second of it has two hints at most, and the polls they lead to.
    const seconds = (house.clock.monotonicMs() - beganMs) / 1_000;
    expect((await stepsOf(runtime, job.id)) - before).toBeLessThan(Math.max(300, 6 * seconds));
    expect((await job.view()).status).not.toBe('done');
  });

  test('tells a job in doubt which task is its own, and a poll judges', async () => {
    const place = await hookPlace(
      {
        life: AT_ONCE,
        faults: [{ route: 'submit', nth: 1, fault: { type: 'resetAfterBody', billed: false } }],
      },
      unsigned,
    );
    const runtime = await place.open();
    const job = await runtime.jobs.submit(video());
    await seenAs(runtime, job, 'submitUnknown');
    const other = await runtime.jobs.track({
      provider: 'openai',
      kind: 'video',
      prompt: 'x',
      ref: { taskId: 'video_taken', endpoint: 'videos', generation: 'videos-v1' },
    });
    const how = { unsigned: true };
    expect(await place.tell(runtime, job.id, { id: 'video_taken', status: 'done' }, how)).toBe(200);
    expect((await job.view()).status).toBe('submitUnknown');
    place.house.clock.advance(2_000);
    expect(await place.tell(runtime, job.id, { id: 'video_lost', status: 'done' }, how)).toBe(200);
    const view = await seenAs(runtime, job, 'pending');
    expect([view.ref?.taskId, (await other.view()).ref?.taskId]).toEqual(['video_lost', 'video_taken']);
  });
});

describe('whenever it comes', () => {
  const LOST = { route: 'submit', nth: 1, fault: { type: 'resetAfterBody', billed: true } } as const;

  test('before the answer to the submit, it is the answer', async () => {
    const place = await hookPlace({
      life: AT_ONCE,
      faults: [{ route: 'submit', nth: 1, fault: { type: 'latency', wait: { ms: 600_000 } } }],
    });
    const runtime = await place.open();
    const job = await runtime.jobs.submit(video());
    await until(runtime, () => entries(place.house, 'submit.received').length === 1);
    const billed = await until(runtime, () => entries(place.house, 'submit.billed').length === 1).then(
      () => entries(place.house, 'submit.billed')[0],
    );
    const id = String(billed?.taskId);
    expect(await place.tell(runtime, job.id, { id, status: 'done' })).toBe(200);
    const view = await job.settled();
    expect([view.status, view.ref?.taskId]).toEqual(['done', id]);
    expect(entries(place.house, 'submit.billed')).toHaveLength(1);
  });

  test('while nobody knows whether it was accepted, it says so', async () => {
    const place = await hookPlace({
      life: AT_ONCE,
      faults: [LOST, { route: 'list', fault: { type: 'status', status: 503 } }],
    });
    const runtime = await place.open();
    const job = await runtime.jobs.submit(video());
    await until(runtime, () => entries(place.house, 'submit.billed').length === 1);
    const id = String(entries(place.house, 'submit.billed')[0]?.taskId);
    await seen(runtime, job, ({ error }) => error !== undefined);
    expect(await place.tell(runtime, job.id, { id, status: 'done' })).toBe(200);
    expect((await job.settled()).ref?.taskId).toBe(id);
    expect(entries(place.house, 'submit.billed')).toHaveLength(1);
  });

  test('within a day of the deadline, it makes a late success', async () => {
    const place = await hookPlace({ life: { queued: { polls: 0 }, running: { polls: 2 } } });
    const runtime = await place.open({ jobs: { poll: RARELY, timeoutMs: 5_000 } });
    const job = await runtime.jobs.submit(video());
    const { ref } = await seenAs(runtime, job, 'pending');
    place.house.clock.advance(6_000);
    await seenAs(runtime, job, 'timedOut');
    expect(await place.tell(runtime, job.id, { id: ref?.taskId ?? '', status: 'done' })).toBe(200);
    const view = await seenAs(runtime, job, 'done');
    expect([view.status, view.late]).toEqual(['done', true]);
  });

  test('after the job is gone, it is taken and forgotten', async () => {
    const { runtime, tell } = await scene({ life: NEVER });
    expect(await tell(runtime, 'job_of_last_year', { id: 'video_1', status: 'done' })).toBe(200);
  });

  test('once the runtime is closed, it is asked to come again', async () => {
    const { runtime, job, taskId, post, token } = await scene({ life: NEVER });
    await runtime.close();
    const path = `/hooks/openai/${await token(job.id)}`;
    const response = await post(runtime, path, JSON.stringify({ id: taskId, status: 'failed' }));
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '30']);
  });
});

test('a challenge is answered to whoever knows the token, and to nobody else', async () => {
  const { runtime, job, post, token } = await scene({ life: NEVER });
  const path = `/hooks/openai/${await token(job.id)}`;
  const response = await post(runtime, path, JSON.stringify({ challenge: 'abc' }), { unsigned: true });
  expect([response.status, await response.json()]).toEqual([200, { challenge: 'abc' }]);
  const long = await post(runtime, path, JSON.stringify({ challenge: 'x'.repeat(1_025) }), {
    unsigned: true,
  });
  expect(long.status).toBe(400);
  const open = await post(runtime, '/hooks/openai', JSON.stringify({ challenge: 'abc' }), { unsigned: true });
  expect(open.status).toBe(401);
  const nobody = await post(
    runtime,
    `/hooks/openai/${await token('job_unknown')}`,
    JSON.stringify({ challenge: 'abc' }),
    { unsigned: true },
  );
  expect(await nobody.json()).toEqual({ challenge: 'abc' });
});

test('a public URL below a path serves hooks there, and where a proxy cuts it off', async () => {
  const place = await hookPlace({ life: NEVER });
  const runtime = await place.open({ webhooks: { publicUrl: 'https://agent.example/agents/one/' } });
  const job = await runtime.jobs.submit(video());
  const { ref } = await seenAs(runtime, job, 'pending');
  const body = JSON.stringify({ id: ref?.taskId, status: 'pending' });
  for (const prefix of ['/agents/one', '']) {
    const path = `${prefix}/hooks/openai/${await place.token(job.id)}`;
    expect((await place.post(runtime, path, body)).status).toBe(200);
  }
  expect((await place.post(runtime, '/agents/two/hooks/openai', body)).status).toBe(404);
});
