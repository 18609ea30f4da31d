/** `holdfast jobs` in its own process: beside a running runtime, and in a directory nobody holds. */
import { expect, test } from 'vitest';
import type { Runtime } from '../../src/index.js';
import { openLevelStore } from '../../src/store/index.js';
import { ENDLESS, newWorld, opened } from '../control/world.js';
import { cli, told } from './run-cli.js';

const CAT = { provider: 'openai', prompt: 'a cat\u001b[31m in red' };

test('jobs of a running process are listed, shown and cancelled through its socket', async () => {
  const { directory, runtime } = await newWorld(ENDLESS);
  const job = await runtime.jobs.submit({ ...CAT, sessionKey: 's' });
  const [table, json, shown] = await Promise.all([
    cli(['jobs', 'list', '--dir', directory]),
    told(['jobs', 'list', '--dir', directory, '--session', 's', '--json']),
    told(['jobs', 'show', job.id, '--dir', directory]),
  ]);
  expect(table).toMatchObject({ code: 0, err: '' });
  const [head, row, ...rest] = table.out.trimEnd().split('\n');
  expect(head).toMatch(/^ID +STATUS +AGE +DELIVERY +PROVIDER +KIND +PROMPT$/);
  expect(row).toContain(job.id);
  expect(row).toContain('a cat [31m in red');
  expect(rest).toEqual([]);
  expect(JSON.parse(json.out)).toMatchObject({ items: [{ id: job.id, session_key: 's' }] });
  expect(shown.out).toContain(`id         ${job.id}\n`);
  expect(shown.out).not.toContain('\u001b');

  const cancelled = await cli([
    'jobs',
    'cancel',
    job.id,
    '--dir',
    directory,
    '--reason',
    'no more',
    '--json',
  ]);
  expect(cancelled).toMatchObject({ code: 0, err: '' });
  expect(JSON.parse(cancelled.out)).toMatchObject({ id: job.id });
  expect(await job.settled()).toMatchObject({ status: 'cancelled' });

  const [again, retried] = await Promise.all([
    told(['jobs', 'cancel', job.id, '--dir', directory]),
    told(['jobs', 'retry', job.id, '--dir', directory, '--json']),
  ]);
  expect(again).toMatchObject({ code: 1, out: '' });
  expect(again.err).toMatch(/^holdfast: JOB_NOT_CANCELLABLE: [^\n]+\n$/);
  expect(retried).toMatchObject({ code: 1, out: '' });
  expect(JSON.parse(retried.err)).toMatchObject({ error: { code: 'JOB_NOT_RETRYABLE' } });
});

test('a job of a closed directory is cancelled there, and stays so when a runtime opens', async () => {
  const { directory, runtime, options, simulator } = await newWorld(ENDLESS);
  const job = await runtime.jobs.submit(CAT);
  await acceptedBy(runtime, job.id);
  await runtime.close();
  const billed = simulator.ledger().length;

  const listed = await told(['jobs', 'list', '--dir', directory, '--status', 'pending', '--json']);
  expect(JSON.parse(listed.out)).toMatchObject({ items: [{ id: job.id, status: 'pending' }] });
  const cancelled = await cli(['jobs', 'cancel', job.id, '--dir', directory]);
  expect(cancelled).toEqual({ code: 0, out: `${job.id} cancelled\n`, err: '' });
  expect(simulator.ledger()).toHaveLength(billed);

  const store = await openLevelStore({ directory, durability: 'process' });
  expect(store.generation).toBe(2);
  await store.close();
  const next = await opened(options);
  expect(await next.jobs.view(job.id)).toMatchObject({ status: 'cancelled' });
});

test('a delivery retried in a closed directory is sent by the next runtime and by nobody else', async () => {
  let works = false;
  const sent: string[] = [];
  const chat = async (_message: unknown, { deliveryId }: { readonly deliveryId: string }): Promise<void> => {
    if (!works) throw Object.assign(new Error('blocked'), { permanent: true });
    sent.push(deliveryId);
  };
  const { directory, runtime, options } = await newWorld({}, { channels: { chat } });
  const exhausted = deliveryStep(runtime, 'exhausted');
  const job = await runtime.jobs.submit({ ...CAT, delivery: { channel: 'chat', target: 't' } });
  await exhausted;
  await runtime.close();

  const retried = await told(['jobs', 'retry', job.id, '--dir', directory, '--json']);
  expect(retried).toMatchObject({ code: 0, err: '' });
  expect(JSON.parse(retried.out)).toMatchObject({ needs_delivery: true, delivery_attempts: 1 });
  works = true;
  const next = await opened(options);
  while ((await next.jobs.view(job.id)).deliveryStatus !== 'delivered') await deliveryStep(next);
  expect(sent).toHaveLength(1);
});

test('an unknown id is exit code 3, running or closed', async () => {
  const { directory, runtime } = await newWorld();
  const actions = ['show', 'cancel', 'retry'];
  const ends = await Promise.all(
    actions.map((action) => told(['jobs', action, 'job_none', '--dir', directory])),
  );
  for (const end of ends) {
    expect(end).toMatchObject({ code: 3, out: '' });
    expect(end.err).toMatch(/^holdfast: ACTOR_NOT_FOUND: [^\n]+\n$/);
  }
  await runtime.close();
  const end = await told(['jobs', 'show', 'job_none', '--dir', directory, '--json']);
  expect(end).toMatchObject({ code: 3, out: '' });
  expect(JSON.parse(end.err)).toMatchObject({
    error: { code: 'ACTOR_NOT_FOUND', details: { id: 'job_none' } },
  });
});

test('a mistake on the command line is exit code 2, and a near miss is named', async () => {
  const ends = await Promise.all([
    cli(['jobs', 'lst']),
    told(['jobs', 'list', '--limit', '0']),
    told(['jobs', 'list', '--status', 'over', '--json']),
    told(['jobs']),
    told(['help']),
  ]);
  expect(ends.map(({ code }) => code)).toEqual([2, 2, 2, 2, 0]);
  const near = "holdfast: USAGE: unknown command 'lst' (Did you mean list?); see holdfast --help\n";
  expect(ends[0]?.err).toBe(near);
  expect(ends[1]?.err).toMatch(/^holdfast: USAGE: [^\n]*1 to 1000[^\n]*\n$/);
  expect(JSON.parse(ends[2]?.err ?? '')).toMatchObject({ error: { code: 'USAGE' } });
  expect(ends[3]?.err).toMatch(/^Usage: holdfast jobs/);
  expect(ends[4]?.out).toMatch(/^Usage: holdfast /);
});

/** Resolves once the provider has accepted the job. */
async function acceptedBy(runtime: Runtime, id: string): Promise<void> {
  await runtime.jobs.view(id);
  await new Promise<void>((resolve) => {
    const look = (): void => {
      void runtime.jobs.view(id).then(({ ref }) => {
        if (ref === undefined) return;
        stop();
        resolve();
      });
    };
    const stop = runtime.on('step', look);
    look();
  });
}

/** Resolves at the next committed step of a delivery, into that state if one is named. */
function deliveryStep(runtime: Runtime, state?: string): Promise<void> {
  return new Promise((resolve) => {
    const stop = runtime.on('step', ({ kind, snapshot }) => {
      if (kind !== 'delivery' || (state !== undefined && snapshot.value !== state)) return;
      stop();
      resolve();
    });
  });
}
