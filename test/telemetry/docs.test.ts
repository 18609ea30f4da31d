import { channel } from 'node:diagnostics_channel';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { metricsOf, onUnsent } from '../../examples/telemetry/scrape.js';
import { COUNTERS, GAUGES, HISTOGRAMS } from '../../src/actors/telemetry/instruments.js';
import { startControlServer } from '../../src/control/server.js';
import { openRuntime, silentLogger, type RuntimeOptions } from '../../src/index.js';
import { createTestRuntime } from '../../src/testing/index.js';
import { sourceOf } from '../tidy/sources.js';
import { parsed } from './prometheus-text.js';

test('the page lists every metric, with its labels, and no other', () => {
  const rows = [...sourceOf('docs/telemetry.md').text.matchAll(/^\| `(holdfast_\w+)` \| ([^|]*) \|/gm)];
  const listed = rows.map(([, name, labels = '']) => [name, labels.trim()]);
  const all = [...Object.values(COUNTERS), ...Object.values(GAUGES), ...Object.values(HISTOGRAMS)];
  expect(listed).toEqual(all.map(({ name, labels }) => [name, labels.join(', ')]));
});

test('the page’s own server hands out the text', async () => {
  const place = await createTestRuntime();
  onTestFinished(() => place.close());
  const response = await metricsOf(place.runtime);
  expect(parsed(await response.text()).value('holdfast_commits_total')).toBe(0);
});

test('the page’s listener hears of messages that could not be sent', () => {
  const unsent: unknown[] = [];
  onUnsent((name, error) => void unsent.push([name, error]));
  const message = { address: 'delivery/1', channel: 'chat', attempt: 1, durationMs: 3 };
  channel('holdfast:delivery').publish({ ...message, outcome: 'sent' });
  channel('holdfast:delivery').publish({ ...message, outcome: 'failed', error: 'gone' });
  expect(unsent).toEqual([['chat', 'gone']]);
});

test('a scraper with the token of the control door reads /metrics', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-metrics-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const place = await createTestRuntime();
  onTestFinished(() => place.close());
  const server = await startControlServer(place.runtime, directory, silentLogger, { over: 'loopback' });
  onTestFinished(() => server.close());
  const { token } = JSON.parse(await readFile(join(directory, 'control.json'), 'utf8')) as { token: string };
  const url = `${server.address}/metrics`;
  const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  expect(parsed(await response.text()).types.size).toBeGreaterThan(10);
  expect((await fetch(url)).status).toBe(401);
});

test.each([
  [{ telemetry: 'on' }, 'telemetry: not an object of providers'],
  [{ telemetry: { exporter: {} } }, 'telemetry.exporter: no such option'],
  [{ telemetry: { tracerProvider: {} } }, 'telemetry.tracerProvider: it has no getTracer()'],
])('%j is refused before anything is opened', async (options, message) => {
  const given = { directory: join(tmpdir(), 'holdfast-never-made'), ...options } as unknown as RuntimeOptions;
  const refused = { code: 'INVALID_OPTIONS', message: expect.stringContaining(message) as string };
  await expect(openRuntime(given)).rejects.toMatchObject(refused);
});
