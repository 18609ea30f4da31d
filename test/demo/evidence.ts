/**
 * Made-up ledgers for the verdict: two jobs, paid once, delivered once, unless a test says otherwise.
 *
 * Callers: the tests beside it.
 */
import { sha256Hex } from '../../src/ids.js';
import type { BillerEntry, DriverEntry, ReceiverEntry } from '../../src/cli/demo/facts.js';
import type { Wanted } from '../../src/cli/demo/plan.js';
import type { Evidence } from '../../src/cli/demo/verdict.js';

export function wantedJob(number: number): Wanted {
  const prompt = `a cat, take ${number}`;
  return {
    number,
    provider: 'kling',
    kind: 'video',
    prompt,
    promptSha256: sha256Hex(prompt),
    idempotencyKey: `key-${number}`,
    chat: 'chat-1',
  };
}

export function bill(job: Wanted, at: number, exchange: number): readonly BillerEntry[] {
  const { provider, kind, promptSha256 } = job;
  const base = { provider, kind, promptSha256, exchange };
  return [
    { ...base, at, event: 'submit.received' },
    { ...base, at: at + 40, event: 'submit.billed', taskId: `task-${exchange}` },
    { ...base, at: at + 100, event: 'submit.answered', taskId: `task-${exchange}`, status: 200 },
  ];
}

export function delivery(job: Wanted, at: number, exchange: number, id = `dlv_${job.number}`) {
  const file = { path: `/artifacts/${job.number}.mp4`, sha256: sha256Hex(`bytes ${job.number}`), bytes: 7 };
  const base = { exchange, deliveryId: id, attempt: 1, job: job.number, files: [file] };
  const entries: readonly ReceiverEntry[] = [
    { ...base, at, event: 'delivery.started' },
    { ...base, at: at + 80, event: 'delivery.answered' },
  ];
  return entries;
}

export function asked(job: Wanted, at: number): DriverEntry {
  return { at, event: 'submitted', job: job.number, attempt: 1 };
}

export function kill(number: number, at: number): DriverEntry {
  return { at, event: 'killed', number, pid: 100 + number, aim: 'anytime' };
}

export function evidence(more: Partial<Evidence> = {}): Evidence {
  const wanted = [wantedJob(1), wantedJob(2)] as const;
  const [one, two] = wanted;
  return {
    wanted,
    seed: 7,
    billIsOurs: true,
    driver: [asked(one, 1_000), asked(two, 1_000)],
    biller: [...bill(one, 1_010, 1), ...bill(two, 1_020, 2)],
    receiver: [...delivery(one, 2_000, 1), ...delivery(two, 2_000, 2)],
    hashOf: (path) => sha256Hex(`bytes ${/(\d)\.mp4$/.exec(path)?.[1] ?? ''}`),
    renderedFor: (job) => sha256Hex(`bytes ${job.number}`),
    ...more,
  };
}
