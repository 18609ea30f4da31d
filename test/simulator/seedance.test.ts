import { describe, expect, test } from 'vitest';
import type { Simulator } from '../../src/simulator/index.js';
import { AT_ONCE, entry, events, field, get, json, KEY, opened, post } from './opened.js';

const MODEL = 'seedance-1-0-pro-250528';
const content = [{ type: 'text', text: 'a cat' }];

function tasks(simulator: Simulator): string {
  return `${simulator.url}/seedance/api/v3/contents/generations/tasks`;
}

function submit(simulator: Simulator, more: object = {}): Promise<Response> {
  return post(tasks(simulator), { model: MODEL, content, ...more });
}

async function submitted(simulator: Simulator, more: object = {}): Promise<string> {
  return String(field(await json(await submit(simulator, more)), 'id'));
}

describe('ark', () => {
  test('takes a task from a bare id to a link that needs no key', async () => {
    const simulator = await opened();
    const answer = await json(
      await submit(simulator, { seed: 7, duration: 5, ratio: '9:16', resolution: '480p' }),
    );
    const id = String(field(answer, 'id'));
    expect(answer).toEqual({ id });
    const url = `${tasks(simulator)}/${id}`;
    const seen: unknown[] = [];
    let last: unknown;
    for (let poll = 0; poll < 4; poll += 1) {
      last = await json(await get(url));
      seen.push(field(last, 'status'));
    }
    expect(seen).toEqual(['queued', 'running', 'running', 'succeeded']);
    expect(last).toMatchObject({ model: MODEL, seed: 7, duration: 5, ratio: '9:16', resolution: '480p' });
    const artifact = await get(String(field(last, 'content.video_url')), {});
    expect(artifact.headers.get('content-type')).toBe('video/mp4');
    await artifact.arrayBuffer();
    expect(await entry(simulator, 'download.finished')).toMatchObject({ credentialHeaders: [] });
  });

  test('draws a seed where none was given, and tells it always the same', async () => {
    const simulator = await opened();
    const url = `${tasks(simulator)}/${await submitted(simulator, { seed: -1 })}`;
    const first = field(await json(await get(url)), 'seed');
    expect(first).toBeGreaterThanOrEqual(0);
    expect(field(await json(await get(url)), 'seed')).toBe(first);
  });

  test('lists by page and filter, the newest first', async () => {
    const simulator = await opened();
    const ids: string[] = [];
    for (const seed of [1, 2, 3])
      ids.unshift(await submitted(simulator, { seed, model: `model-${seed % 2}` }));
    const idsAt = async (query: string) => {
      const page = await json(await get(`${tasks(simulator)}?${query}`));
      return [field(page, 'total'), [0, 1, 2].map((index) => field(page, `items.${index}.id`))];
    };
    expect(await idsAt('page_num=1&page_size=2')).toEqual([3, [ids[0], ids[1], undefined]]);
    expect(await idsAt('page_num=2&page_size=2')).toEqual([3, [ids[2], undefined, undefined]]);
    expect(await idsAt('filter.model=model-0')).toEqual([1, [ids[1], undefined, undefined]]);
    expect(await idsAt(`filter.task_ids=${ids[2]}`)).toEqual([1, [ids[2], undefined, undefined]]);
    expect(await idsAt('filter.status=running')).toEqual([0, [undefined, undefined, undefined]]);
    expect((await get(`${tasks(simulator)}?page_size=0`)).status).toBe(400);
    expect(events(simulator).filter((event) => event === 'poll')).toEqual([]);
  });

  test('calls off what is queued, refuses what runs, forgets what is over', async () => {
    const simulator = await opened({ script: { life: { queued: { polls: 1 }, running: { polls: 1 } } } });
    const remove = (id: string) => fetch(`${tasks(simulator)}/${id}`, { method: 'DELETE', headers: KEY });
    const queued = await submitted(simulator);
    const answer = await remove(queued);
    expect([answer.status, await answer.text()]).toEqual([200, '']);
    expect(await json(await get(`${tasks(simulator)}/${queued}`))).toMatchObject({ status: 'cancelled' });

    const other = await submitted(simulator);
    await get(`${tasks(simulator)}/${other}`);
    expect((await remove(other)).status).toBe(409);
    await get(`${tasks(simulator)}/${other}`);
    expect(await json(await get(`${tasks(simulator)}/${other}`))).toMatchObject({ status: 'succeeded' });
    expect((await remove(other)).status).toBe(200);
    const gone = await get(`${tasks(simulator)}/${other}`);
    expect([gone.status, field(await json(gone), 'error.code')]).toEqual([404, 'ResourceNotFound']);
  });

  test('lets a task expire that is not over in time, and it stays so', async () => {
    const late = { queued: { ms: 0 }, running: { ms: 3_600_000 } };
    const simulator = await opened({ script: { life: late, clockSkewMs: 0 } });
    const url = `${tasks(simulator)}/${await submitted(simulator, { execution_expires_after: 3_600 })}`;
    expect(await json(await get(url))).toMatchObject({ status: 'running', execution_expires_after: 3_600 });
    simulator.setScript({ clockSkewMs: 3_600_000 });
    expect(await json(await get(url))).toMatchObject({ status: 'expired' });
  });

  test('says why a task failed, and tells a task that is over at once in whole', async () => {
    const failure = { code: 'OutputVideoSensitiveContentDetected', message: 'not this one' };
    const life = { ...AT_ONCE, outcome: 'failed', failure } as const;
    const fault = { type: 'terminalReply' } as const;
    const simulator = await opened({ script: { life, faults: [{ route: 'submit', nth: 2, fault }] } });
    const id = await submitted(simulator);
    expect(await json(await get(`${tasks(simulator)}/${id}`))).toMatchObject({
      status: 'failed',
      error: failure,
    });
    expect(await json(await submit(simulator))).toMatchObject({ status: 'succeeded', usage: {} });
  });

  test('refuses what it cannot use, with the parameter named', async () => {
    const simulator = await opened();
    const image = { type: 'image_url', image_url: { url: 'https://e.com/a.png' } };
    const bodies: readonly (readonly [object, string])[] = [
      [{ model: '' }, 'model'],
      [{ content: [] }, 'content.items'],
      [{ content: 'a cat' }, 'content.items'],
      [{ content: [{ type: 'image' }] }, 'content.type'],
      [{ content: [image] }, 'content.text'],
      [{ content: [...content, { ...image, role: 'middle_frame' }] }, 'content.role'],
      [
        { content: [...content, { ...image, role: 'first_frame' }, { ...image, role: 'reference_image' }] },
        'content.role',
      ],
      [{ resolution: '1280x720' }, 'resolution'],
      [{ ratio: '16x9' }, 'ratio'],
      [{ duration: '5' }, 'duration'],
      [{ seed: 2 ** 32 }, 'seed'],
      [{ execution_expires_after: 60 }, 'execution_expires_after'],
      [{ callback_url: 'nowhere' }, 'callback_url'],
    ];
    for (const [body, param] of bodies) {
      const response = await submit(simulator, body);
      expect([response.status, field(await json(response), 'error.param')]).toEqual([400, param]);
    }
    expect(events(simulator)).not.toContain('submit.billed');
    expect(await json(await get(tasks(simulator), {}))).toMatchObject({
      error: { code: 'AuthenticationError' },
    });
    expect((await get(`${simulator.url}/seedance/api/v3/nowhere`)).status).toBe(404);
  });
});
