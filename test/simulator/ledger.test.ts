import { spawn } from 'node:child_process';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../src/clock.js';
import { sha256Hex } from '../../src/ids.js';
import { readLedger, startSimulator } from '../../src/simulator/index.js';
import {
  AT_ONCE,
  entry,
  events,
  field,
  get,
  json,
  KEY,
  opened,
  post,
  submitVideo,
  videoId,
} from './opened.js';

const MINUTE = { ms: 60_000 } as const;

function fileFor(): string {
  const directory = mkdtempSync(join(tmpdir(), 'ledger-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return join(directory, 'deep', 'ledger.ndjson');
}

describe('a submit', () => {
  test('leaves received, billed and answered under one exchange, before and after its answer', async () => {
    const ledgerFile = fileFor();
    const simulator = await opened({ ledgerFile });
    const response = await post(`${simulator.url}/kling/text-to-video/m`, {
      prompt: 'a cat',
      options: { external_task_id: 'job_1' },
    });
    const id = field(await json(response), 'data.id');
    await entry(simulator, 'submit.answered');
    const entries = readLedger(ledgerFile);
    expect(entries).toEqual(simulator.ledger());
    expect(entries.map((one) => one.event)).toEqual(['submit.received', 'submit.billed', 'submit.answered']);
    expect(entries[1]).toEqual({
      at: entries[1]?.at,
      event: 'submit.billed',
      provider: 'kling',
      exchange: 1,
      taskId: id,
      key: 'job_1',
      kind: 'video',
      promptSha256: sha256Hex('a cat'),
      host: new URL(simulator.url).host,
      authorized: true,
      credentialHeaders: ['authorization'],
    });
  });

  test('is billed although its client was killed before the answer', async () => {
    const simulator = await opened({
      script: { faults: [{ route: 'submit', fault: { type: 'latency', wait: MINUTE } }] },
    });
    const code = `fetch('${simulator.url}/openai/v1/videos', { method: 'POST',
      headers: { authorization: 'Bearer k' }, body: '{"prompt":"a cat"}' })`;
    const client = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: 'ignore' });
    await entry(simulator, 'submit.billed');
    client.kill('SIGKILL');
    expect(await entry(simulator, 'submit.dropped')).toMatchObject({ by: 'client', exchange: 1 });
    expect(events(simulator)).toEqual(['submit.received', 'submit.billed', 'submit.dropped']);
  });

  test('is billed although its client left before the task existed', async () => {
    const simulator = await opened({
      script: {
        faults: [
          { route: 'submit', fault: { type: 'latency', wait: { ms: 50 }, before: 'task' } },
          // However late this machine tells the simulator that its client left: it waits to hear it.
          { route: 'submit', fault: { type: 'latency', wait: MINUTE, before: 'answer' } },
        ],
      },
    });
    const sent = request(`${simulator.url}/openai/v1/videos`, { method: 'POST', headers: KEY });
    sent.on('error', () => undefined);
    sent.end('{"prompt":"a cat"}');
    await entry(simulator, 'submit.received');
    sent.destroy();
    await entry(simulator, 'submit.dropped');
    expect(events(simulator)).toEqual(['submit.received', 'submit.billed', 'submit.dropped']);
  });

  test('that never came whole is neither received nor billed', async () => {
    const simulator = await opened();
    const headers = { ...KEY, 'content-length': '1000' };
    const sent = request(`${simulator.url}/openai/v1/videos`, { method: 'POST', headers });
    await new Promise<void>((resolve) => {
      sent.on('error', () => undefined);
      sent.on('close', () => resolve());
      sent.write('{"prompt":', () => sent.destroy());
    });
    await videoId(simulator);
    await entry(simulator, 'submit.answered');
    expect(events(simulator)).toEqual(['submit.received', 'submit.billed', 'submit.answered']);
  });

  test('without a good key is received and answered, and not billed', async () => {
    const simulator = await opened();
    await post(`${simulator.url}/openai/v1/videos`, { prompt: 'a cat' }, {});
    await entry(simulator, 'submit.answered');
    expect(simulator.ledger()).toMatchObject([
      { event: 'submit.received', authorized: false, credentialHeaders: [] },
      { event: 'submit.answered', authorized: false, status: 401 },
    ]);
  });
});

describe('a download', () => {
  test('is started and finished with its bytes', async () => {
    const simulator = await opened({ script: { life: AT_ONCE, artifacts: { videoBytes: 100_000 } } });
    const id = await videoId(simulator);
    await (await get(`${simulator.url}/openai/v1/videos/${id}/content`)).arrayBuffer();
    expect(await entry(simulator, 'download.finished')).toMatchObject({
      taskId: id,
      bytes: 100_000,
      status: 200,
    });
    expect(await entry(simulator, 'download.started')).toMatchObject({ taskId: id, bytes: 100_000 });
  });

  test('that trickles is aborted with what was sent when its client goes', async () => {
    const artifacts = { videoBytes: 1_000_000, chunkBytes: 1_000, bytesPerSecond: 100_000 };
    const simulator = await opened({ script: { life: AT_ONCE, artifacts } });
    const id = await videoId(simulator);
    const response = await get(`${simulator.url}/openai/v1/videos/${id}/content`);
    const reader = response.body?.getReader();
    await reader?.read();
    await reader?.cancel();
    const aborted = await entry(simulator, 'download.aborted');
    expect(aborted).toMatchObject({ taskId: id, by: 'client' });
    expect(aborted.bytes).toBeGreaterThan(0);
    expect(aborted.bytes).toBeLessThan(1_000_000);
  });
});

describe('the file', () => {
  test('goes on where it was, without a line torn by a crash', async () => {
    const ledgerFile = fileFor();
    const first = await startSimulator({ ledgerFile });
    await submitVideo(first);
    await entry(first, 'submit.answered');
    await first.close();
    appendFileSync(ledgerFile, '{"at":1,"event":"submit.bil');
    expect(readLedger(ledgerFile)).toHaveLength(3);
    const second = await opened({ ledgerFile });
    expect(second.ledger()).toHaveLength(3);
    await submitVideo(second);
    expect(readLedger(ledgerFile).length).toBeGreaterThanOrEqual(5);
    expect(readFileSync(ledgerFile, 'utf8')).not.toContain('submit.bil"');
  });

  test('that is missing, foreign or not writable is refused with a code', async () => {
    const ledgerFile = fileFor();
    expect(() => readLedger(ledgerFile)).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }));
    const simulator = await startSimulator({ ledgerFile });
    await simulator.close();
    writeFileSync(ledgerFile, 'hello\n');
    expect(() => readLedger(ledgerFile)).toThrow(/line 1/);
    await expect(startSimulator({ ledgerFile })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await expect(startSimulator({ ledgerFile: join(ledgerFile, 'below') })).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
    });
  });

  test('never holds a key', async () => {
    const ledgerFile = fileFor();
    const simulator = await opened({ ledgerFile });
    const headers = { authorization: 'Bearer sk-secret', 'x-api-key': 'also-secret' };
    await post(`${simulator.url}/openai/v1/videos`, { prompt: 'a cat' }, headers);
    await entry(simulator, 'submit.answered');
    expect(readFileSync(ledgerFile, 'utf8')).not.toContain('secret');
    expect(simulator.ledger()[0]?.credentialHeaders).toEqual(['authorization', 'x-api-key']);
  });
});

describe('the simulator', () => {
  test('tells its health and its ledger over HTTP', async () => {
    const simulator = await opened();
    await videoId(simulator);
    await entry(simulator, 'submit.answered');
    expect(await json(await get(`${simulator.url}/_simulator/health`))).toEqual({
      status: 'ok',
      tasks: 1,
      entries: 3,
    });
    const told = field(await json(await get(`${simulator.url}/_simulator/ledger`)), 'entries');
    expect(told).toEqual(simulator.ledger());
  });

  test('cuts what is under way when it closes, and says so', async () => {
    const ledgerFile = fileFor();
    const simulator = await opened({
      ledgerFile,
      script: { faults: [{ route: 'submit', fault: { type: 'latency', wait: MINUTE } }] },
    });
    const answer = submitVideo(simulator).catch(() => 'cut');
    await entry(simulator, 'submit.billed');
    await simulator.close();
    await simulator.close();
    expect(await answer).toBe('cut');
    expect(readLedger(ledgerFile).at(-1)).toMatchObject({ event: 'submit.dropped', by: 'shutdown' });
  });

  test('refuses a port that is taken and a seed that is no whole number', async () => {
    const { port } = await opened();
    await expect(startSimulator({ port })).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
    await expect(startSimulator({ port: 70_000 })).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
    await expect(startSimulator({ seed: 0.5 })).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
  });

  test('serves nothing more once it could not do its accounts, and says why when closed', async () => {
    let isBroken = false;
    const now = (): number => {
      if (isBroken) throw new Error('the clock broke');
      return systemClock.now();
    };
    const simulator = await startSimulator({ clock: { ...systemClock, now } });
    isBroken = true;
    await expect(submitVideo(simulator)).rejects.toThrow('fetch failed');
    isBroken = false;
    expect((await submitVideo(simulator)).status).toBe(503);
    expect(simulator.ledger()).toEqual([]);
    await expect(simulator.close()).rejects.toThrow('the clock broke');
  });

  test('refuses a bad key before it looks at its faults', async () => {
    const fault = { type: 'resetAfterBody', billed: true } as const;
    const simulator = await opened({ script: { keys: [], faults: [{ route: 'submit', fault }] } });
    expect((await submitVideo(simulator)).status).toBe(401);
    expect(events(simulator)).not.toContain('submit.billed');
  });

  test('stops waiting for an entry when told to', async () => {
    const simulator = await opened();
    const controller = new AbortController();
    const waiting = simulator.waitForEntry(() => false, controller.signal);
    controller.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
  });
});
