/** Work items and schedules, in the runtime's own process: docs/guide-work.md says what each is for. */
import type { ClaimedWork, Runtime } from 'holdfast';
import { connectWork, type WorkClient } from 'holdfast/client';

export async function enqueue(runtime: Runtime): Promise<readonly string[]> {
  const { id } = await runtime.work.enqueue(
    'index',
    { document: 'manual' },
    { dedupeKey: 'manual:7', priority: 10, runAt: new Date(Date.UTC(2020, 0)) },
  );
  // The same key while the first waits or runs: nothing is written, and it is the first that is meant.
  const again = await runtime.work.enqueue('index', { document: 'manual' }, { dedupeKey: 'manual:7' });
  const many = await runtime.work.enqueueMany([
    { kind: 'index', payload: { document: 'price list' } },
    { kind: 'compact', payload: null, attemptsMax: 2 },
  ]);
  return [id, again.id, ...many.map((each) => each.id)];
}

export function serve(runtime: Runtime, indexed: string[]): { close(): Promise<void> } {
  return runtime.work.handle(
    'index',
    async ({ payload }, { signal }) => {
      const { document } = payload as { readonly document: string };
      await put(document, indexed, signal);
      return { document };
    },
    { concurrency: 4 },
  );
}

export async function byHand(runtime: Runtime): Promise<ClaimedWork | undefined> {
  const item = await runtime.work.claimNext('compact', { workerId: 'me', ttlMs: 60_000 });
  if (item === undefined) return undefined;
  await runtime.work.heartbeat(item.token);
  await runtime.work.done(item.token, { bytes: 0 });
  return item;
}

export async function everyNight(runtime: Runtime): Promise<number | undefined> {
  const nightly = await runtime.work.schedule('compact every night', {
    cron: '0 3 * * *',
    timezone: 'Europe/Berlin',
    kind: 'compact',
    catchUp: 'once',
  });
  await runtime.work.triggerSchedule(nightly.name);
  return nightly.nextAt;
}

export function elsewhere(token: string): WorkClient {
  return connectWork({ url: 'https://agent.example.com', token });
}

/** Stands in for what takes time. */
function put(document: string, indexed: string[], signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  indexed.push(document);
  return Promise.resolve();
}
