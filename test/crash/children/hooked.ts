/**
 * The process that is killed after it took a webhook: a runtime behind HTTP, its providers at the simulator.
 *
 * Callers: ../hooks.test.ts. Arguments: directory, simulator's URL, runtime's secret, the providers' secret.
 * Prints its URL. `POST /jobs` submits to Kling or, with a body, tracks a task of OpenAI's; `GET /jobs/ID`
 * shows; the rest is `runtime.fetch`.
 */
import { createServer } from 'node:http';
import { writeSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { openRuntime, silentLogger } from '../../../src/index.js';
import { kling, openai } from '../../../src/providers/index.js';

const [directory = '', simulatorUrl = '', secret = '', webhookSecret = ''] = process.argv.slice(2);
const RARELY_MS = 100_000_000;

const runtime = await openRuntime({
  directory,
  providers: [
    kling({ apiKey: 'sk-test', baseUrl: `${simulatorUrl}/kling`, webhookSecret }),
    openai({ apiKey: 'sk-test', baseUrl: `${simulatorUrl}/openai/v1`, webhookSecret }),
  ],
  webhooks: { publicUrl: 'https://agent.example' },
  jobs: { poll: { everyMs: RARELY_MS, slowMs: RARELY_MS } },
  secret,
  control: false,
  log: silentLogger,
});

async function answer(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  if (!pathname.startsWith('/jobs')) return runtime.fetch(request);
  if (request.method === 'GET') {
    return Response.json(await runtime.jobs.view(pathname.slice('/jobs/'.length)));
  }
  const taskId = await request.text();
  const plain = { kind: 'video', prompt: 'a cat' } as const;
  const ref = { taskId, endpoint: 'videos', generation: 'videos-v1' };
  const job = await (taskId === ''
    ? runtime.jobs.submit({ ...plain, provider: 'kling' })
    : runtime.jobs.track({ ...plain, provider: 'openai', ref }));
  return Response.json({ id: job.id });
}

const listener = getRequestListener(answer);
const server = createServer((request, response) => void listener(request, response));
server.listen(0, '127.0.0.1', () => {
  writeSync(1, `http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
});
