/** The door itself: who may go through it, what it leaves behind, how it closes; and its client. */
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, readdir, rename, stat, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { request } from 'undici';
import { expect, onTestFinished, test } from 'vitest';
import { connectControl } from '../../src/control/index.js';
import type { ControlledRuntime } from '../../src/control/port.js';
import { startControlServer } from '../../src/control/server.js';
import { silentLogger } from '../../src/index.js';
import { ask, codeOf, ENDLESS, newDirectory, newWorld, opened } from './world.js';

const CAT = { provider: 'openai', prompt: 'a cat' };

test('the socket is its user’s alone while the runtime runs, and gone when it has closed', async () => {
  const { directory, runtime } = await newWorld();
  const socket = join(directory, 'control.sock');
  expect(runtime.controlAddress).toBe(socket);
  expect((await stat(socket)).mode & 0o777).toBe(0o600);
  expect((await ask(directory, 'GET', '/v1/runtime')).body).toEqual({ status: 'running', directory });
  await runtime.close();
  expect(existsSync(socket)).toBe(false);
  expect(await connectControl(directory)).toBeUndefined();
});

test('control: false opens no door', async () => {
  const { directory, runtime } = await newWorld({}, { control: false });
  expect(runtime.controlAddress).toBeUndefined();
  expect(await connectControl(directory)).toBeUndefined();
});

test('what a killed process left is nobody to a client, and is replaced by the next runtime', async () => {
  const { directory, options, runtime } = await newWorld();
  await runtime.close();
  // A socket whose server is gone: renamed away from it, so that its end does not remove it.
  const dead = await listening(join(directory, 'dead.sock'));
  await rename(join(directory, 'dead.sock'), join(directory, 'control.sock'));
  await new Promise((resolve) => dead.close(resolve));
  await writeFile(join(directory, 'control.json'), '{"url":"http://127.0.0.1:1","token":"old"}');
  expect(await connectControl(directory)).toBeUndefined();
  await opened(options);
  expect((await ask(directory, 'GET', '/v1/runtime')).status).toBe(200);
  expect(existsSync(join(directory, 'control.json'))).toBe(false);
});

test('a close ends long polls with RUNTIME_CLOSED and does not wait for kept connections', async () => {
  const { directory, runtime } = await newWorld(ENDLESS);
  const client = await connected(directory);
  const { job } = await client.submitJob(CAT);
  const waiting = client.waitJob(job.id);
  // Heard before it is looked at, so that it is never unhandled.
  waiting.catch(() => undefined);
  await client.getJob(job.id);
  await runtime.close();
  await expect(waiting).rejects.toMatchObject({ code: 'RUNTIME_CLOSED' });
  await expect(client.getJob(job.id)).rejects.toMatchObject({ code: 'CONTROL_FAILED' });
});

test('a wait that is called off leaves the job and the runtime as they were', async () => {
  const { directory } = await newWorld(ENDLESS);
  const client = await connected(directory);
  const { job } = await client.submitJob(CAT);
  const stop = new AbortController();
  const waiting = client.waitJob(job.id, { signal: stop.signal });
  stop.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow('enough');
  expect((await client.getJob(job.id)).settledAt).toBeUndefined();
});

test('the client does what the runtime does, and throws what it throws', async () => {
  const { directory } = await newWorld();
  const client = await connected(directory);
  expect(await client.runtime()).toEqual({ status: 'running', directory });
  const asked = { ...CAT, sessionKey: 's', idempotencyKey: 'one', extra: { camelCase: 1 } };
  const first = await client.submitJob(asked);
  expect(first).toMatchObject({
    deduplicated: false,
    job: { sessionKey: 's', request: { extra: { camelCase: 1 } } },
  });
  expect(await client.submitJob(asked)).toMatchObject({ deduplicated: true, job: { id: first.job.id } });
  expect(await client.waitJob(first.job.id)).toMatchObject({ status: 'done' });
  const page = await client.listJobs({ sessionKey: 's', newestFirst: true, limit: 1 });
  expect(page.items.map(({ id }) => id)).toEqual([first.job.id]);
  const next = await client.listJobs({ sessionKey: 's', newestFirst: true, limit: 1, cursor: page.cursor });
  expect(next.items).toEqual([]);
  await expect(client.cancelJob(first.job.id, 'late')).rejects.toMatchObject({
    code: 'JOB_NOT_CANCELLABLE',
    details: { status: 'done' },
  });
  await expect(client.retryJob(first.job.id)).rejects.toMatchObject({ code: 'JOB_NOT_RETRYABLE' });
  await expect(client.submitJob({ ...CAT, prompt: '' })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  await expect(client.getJob('a/b c?')).rejects.toMatchObject({ code: 'ACTOR_NOT_FOUND' });
});

test('somebody who listens and does not answer as a runtime is CONTROL_FAILED', async () => {
  const directory = await newDirectory();
  const rude = await listening(join(directory, 'control.sock'), 'what?\r\n\r\n');
  onTestFinished(() => void rude.close());
  await expect(connectControl(directory)).rejects.toMatchObject({ code: 'CONTROL_FAILED' });
});

test('a process of another version is told as that, where it has no such route', async () => {
  const directory = await newDirectory();
  const missing = { code: 'INVALID_INPUT', message: 'there is no such route', details: {} };
  const older = createHttpServer(({ url }, answer) => {
    const isKnown = url === '/v1/runtime';
    answer.writeHead(isKnown ? 200 : 404, { 'content-type': 'application/json' });
    answer.end(JSON.stringify(isKnown ? { status: 'running', directory } : { error: missing }));
  });
  await new Promise<void>((resolve) => older.listen(join(directory, 'control.sock'), resolve));
  const client = await connected(directory);
  onTestFinished(() => void older.close());
  await expect(client.inspection.population()).rejects.toMatchObject({
    code: 'CONTROL_FAILED',
    message: expect.stringContaining('another version of holdfast, and has no GET /v1/population') as string,
  });
});

test('over loopback, only the token of the file and the server’s own name open the door', async () => {
  const directory = await newDirectory();
  const door = await startControlServer(idle(directory), directory, silentLogger, { over: 'loopback' });
  onTestFinished(() => door.close());
  const file = join(directory, 'control.json');
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  const { url, token } = Object(JSON.parse(await readFile(file, 'utf8')));
  expect(url).toBe(door.address);
  const right = { authorization: `Bearer ${token}` };
  const { port } = new URL(door.address);
  const tries: readonly (readonly [Record<string, string>, number])[] = [
    [right, 200],
    [{ ...right, host: `localhost:${port}` }, 200],
    [{}, 401],
    [{ authorization: `Bearer ${randomUUID()}` }, 401],
    [{ ...right, host: 'evil.example' }, 401],
    [{ ...right, host: '127.0.0.1' }, 401],
  ];
  for (const [headers, status] of tries) {
    const response = await request(`${url}/v1/runtime`, { headers });
    expect(response.statusCode, JSON.stringify(headers)).toBe(status);
    const body = Object(await response.body.json());
    if (status === 401) expect(codeOf({ status, body })).toBe('CONTROL_REFUSED');
  }
  expect(await (await connected(directory)).runtime()).toEqual({ status: 'running', directory });
  await writeFile(file, JSON.stringify({ url, token: 'wrong' }));
  await expect(connectControl(directory)).rejects.toMatchObject({ code: 'CONTROL_REFUSED' });
  await door.close();
  expect(await readdir(directory)).toEqual([]);
});

test('a directory whose socket path would be too long is reached over loopback', async () => {
  const directory = join(await newDirectory(), 'd'.repeat(100));
  const { runtime } = await newWorld(ENDLESS, { directory });
  expect(runtime.controlAddress).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  const client = await connected(directory);
  expect((await client.submitJob(CAT)).deduplicated).toBe(false);
});

async function connected(directory: string) {
  const client = await connectControl(directory);
  if (client === undefined) throw new Error('nobody listens');
  onTestFinished(() => client.close());
  return client;
}

/** A server that says one thing to everybody, or nothing. */
async function listening(path: string, says?: string): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    if (says !== undefined) socket.end(says);
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return server;
}

/** A runtime of which only the status is asked. */
function idle(directory: string): ControlledRuntime {
  const never = (): never => {
    throw new Error('not asked in this test');
  };
  return {
    status: 'running',
    directory,
    jobs: { submit: never, track: never, get: never, view: never, list: never },
    deliveries: { get: never, list: never, retry: never },
    quarantine: { list: never, get: never, resume: never, skip: never, dismiss: never },
    accounts: { list: never, resume: never },
    providers: { ids: [], list: never, check: never },
    sessions: { get: never, list: never },
    tasks: {
      ...{ submit: never, view: never, list: never, watch: never },
      ...{ cancel: never, retry: never, resume: never },
    },
    work: {
      ...{ enqueue: never, enqueueMany: never, get: never, list: never, counts: never },
      ...{ claimNext: never, claimMany: never, claimWhenReady: never, heartbeat: never },
      ...{ done: never, fail: never, requeue: never, reclaimStale: never },
      ...{ cancel: never, retry: never, cancelMany: never, retryMany: never },
      ...{ schedule: never, schedules: never, scheduleView: never, scheduleHistory: never },
      ...{ pauseSchedule: never, resumeSchedule: never, triggerSchedule: never, removeSchedule: never },
    },
    inspection: {
      ...{ population: never, list: never, actor: never, steps: never, step: never, chart: never },
      ...{ why: never, whatIf: never, story: never, acts: never, act: never, look: never, whatIfOf: never },
      ...{ artifact: never, watch: never },
    },
    counts: never,
    export: never,
    backup: never,
    metrics: never,
  };
}
