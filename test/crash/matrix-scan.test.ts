/**
 * Nothing secret is left anywhere: after each adapter has met trouble and a crash, its key, its tokens, the
 * signatures of its URLs and the hooks' are in no log line, row, capsule, answer, text or file.
 */
import '../../src/index.js';
import { mkdtemp, rm } from 'node:fs/promises';
import type { IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createLogger } from '../../src/index.js';
import type { Runtime } from '../../src/index.js';
import { told } from '../cli/run-cli.js';
import { ask } from '../control/world.js';
import { listen } from '../providers/local-server.js';
import { troubles } from './matrix/faults.js';
import { live } from './matrix/life.js';
import { rows } from './matrix/rows.js';
import { remains, Secrets } from './matrix/secrets.js';
import { chance, seedOf } from './world.js';

const isDeep = process.env['HOLDFAST_DEEP'] === '1';
const seed = seedOf('crash/matrix-scan');
const COMMITS = 14;
const KEY = 'sk-scan-d41d8cd98f00b204e980';
const WEBHOOK_KEY = 'c2Nhbm5lZC13ZWJob29rLWtleS0wMTIzNDU2Nzg5';
const WEBHOOK_SECRET = `whsec_${WEBHOOK_KEY}`;
const VARIABLES = ['OPENAI', 'KLING', 'REPLICATE', 'GEMINI'].map((name) => `${name}_WEBHOOK_SECRET`);

const flat = (headers: IncomingHttpHeaders): [string, string][] =>
  Object.entries(headers).map(([name, value]) => [name, String(value)]);

/** Everything that can be asked of a runtime about a job, as texts. */
async function said(runtime: Runtime, jobId: string): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  const { directory } = runtime;
  const keep = (what: string, value: unknown): void => void found.set(what, JSON.stringify(value) ?? '');
  keep('the view', await runtime.jobs.view(jobId));
  keep('the journal', await runtime.inspect.reader.journal(`job/${jobId}`));
  keep('the record', await runtime.inspect.reader.record(`job/${jobId}`));
  keep('the history', await runtime.sessions.get('chat:1').history());
  for (const redact of [undefined, false] as const) {
    keep(
      'a capsule',
      await runtime.export({ address: `job/${jobId}` }, { ...(redact === undefined ? {} : { redact }) }),
    );
  }
  const refusal = await runtime.jobs
    .get(jobId)
    .adopt({ taskId: '', endpoint: '', generation: '' })
    .catch(String);
  keep('an error', refusal);
  const paths = [
    'runtime',
    'counts',
    'jobs',
    `jobs/${jobId}`,
    'deliveries',
    'providers',
    'accounts',
    'quarantine',
  ];
  for (const path of paths) keep(`GET ${path}`, await ask(directory, 'GET', `/v1/${path}`));
  for (const words of [
    ['jobs', 'list'],
    ['jobs', 'show', jobId],
    ['providers', 'list'],
    ['sessions', 'list'],
  ]) {
    keep(words.join(' '), await told([...words, '--dir', directory]));
  }
  return found;
}

/** How many of each sort there were to be found, over all tests; and news that came in by hooks. */
const used = new Map(['credential', 'hook', 'signed URL'].map((what) => [what, 0]));
let hooks = 0;

for (const [index, { name, entry, kind }] of rows.entries()) {
  test(`${name}: no key, token, signature or query of a URL is left anywhere`, async () => {
    const root = await mkdtemp(join(tmpdir(), 'hf-scan-'));
    onTestFinished(() => rm(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 }));
    let runtime: Runtime | undefined;
    const door = await listen((request, response, body) => {
      const { method = 'GET', headers, url = '/' } = request;
      const sent = new Request(`http://127.0.0.1${url}`, { method, headers: flat(headers), body });
      const answered = runtime?.fetch(sent) ?? Promise.resolve(new Response(null, { status: 503 }));
      void answered.then((answer) => response.writeHead(answer.status).end());
    });
    onTestFinished(() => door.close());
    for (const [column, trouble] of troubles.entries()) {
      if (!isDeep && (column + index * 7 + seed) % 25 !== 0) continue;
      const directory = join(root, String(column));
      const secrets = new Secrets();
      secrets.add('key', KEY);
      secrets.add('webhook secret', WEBHOOK_SECRET, WEBHOOK_KEY);
      const lines: string[] = [];
      const found = new Map<string, string>();
      const commit = 1 + Math.floor(chance(seed, index * 1_000 + column) * COMMITS);
      await live({
        ...{ entry, kind, trouble, directory, apiKey: KEY },
        onDisk: true,
        moments: [{ at: 'after', commit }],
        prompt: 'a cat on a bicycle',
        env: Object.fromEntries(VARIABLES.map((variable) => [variable, WEBHOOK_SECRET])),
        script: { webhooks: { secrets: [WEBHOOK_SECRET] } },
        wrap: (adapter) => secrets.wrap(adapter),
        log: createLogger({ level: 'trace', write: (line) => void lines.push(line) }),
        options: { control: true, webhooks: { publicUrl: door.url } },
        onOpen: (opened) => {
          runtime = opened;
        },
        inspect: async (last, jobId) => {
          for (const [what, text] of await said(last, jobId)) found.set(what, text);
        },
      });
      found.set('the log', lines.join(''));
      for (const [what, text] of await remains(directory)) found.set(what, text);
      const shown = [...found].flatMap(([what, text]) => secrets.in(text).map((one) => `${one} in ${what}`));
      expect(shown, trouble.name).toEqual([]);
      for (const what of used.keys()) used.set(what, (used.get(what) ?? 0) + secrets.count(what));
      hooks += door.received.length;
      expect(found.size).toBeGreaterThan(30);
      await rm(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 });
    }
  });
}

test('all of them were there to be found', () => {
  process.stdout.write(`matrix scan: ${[...used].map(([what, count]) => `${count} ${what}`).join(', ')}\n`);
  expect([...used].filter(([, count]) => count === 0)).toEqual([]);
  expect(hooks).toBeGreaterThan(0);
});
