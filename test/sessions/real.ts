/**
 * A real session beside its model: the names of one in terms of the other, and everything there is to
 * compare.
 *
 * Callers: the tests of this folder. Invariant: whoever was told of a claim is an owner; who died before is
 * not.
 */
import { expect } from 'vitest';
import { isHoldfastError } from '../../src/errors.js';
import type { Batch as RealBatch, Claim, ClaimReceipt, Session } from '../../src/index.js';
import { createTestRuntime, type TestRuntime } from '../../src/testing/index.js';
import { die, newModel, stateOf, type Batch, type Model, type Says } from './model.js';

const ATTEMPTS_MAX = 3;
const CLAIM_TTL_MS = 24 * 3_600_000;
const KEY = 'telegram:42';

/** The model, and the time it is there. */
export interface World {
  model: Model;
  now: number;
}

export interface Owner {
  readonly receipt: ClaimReceipt;
  /** Undefined once its process has died: its receipt may live on elsewhere. */
  claim: Claim | undefined;
}

export class Real {
  readonly test: TestRuntime;
  /** By the model's names of claims. */
  readonly owners = new Map<string, Owner>();
  /** Batch ids by `seq`, also of those that are gone. */
  readonly ids = new Map<number, string>();
  /** The model's names of claims by ours. */
  readonly names = new Map<string, string>();
  readonly #steps: { count: number };
  /** What the model calls the next claim. */
  nextClaim = 1;

  constructor(test: TestRuntime, steps: { count: number }) {
    this.test = test;
    this.#steps = steps;
  }

  get session(): Session {
    return this.test.runtime.sessions.get(KEY);
  }

  get steps(): number {
    return this.#steps.count;
  }

  /** The process closes in good order; another one goes on. */
  async reopen(world: World): Promise<void> {
    await this.test.runtime.close({ timeoutMs: 0 });
    die(world.model, world.now, true);
    await this.crash(world);
  }

  /** The process dies; another one goes on from what is on disk. */
  async crash(world: World, how: Parameters<TestRuntime['crash']>[0] = {}): Promise<void> {
    await this.test.crash(how);
    die(world.model, world.now);
    for (const owner of this.owners.values()) owner.claim = undefined;
  }

  /** Somebody has been told of a claim. */
  own(claim: Claim): void {
    const name = `c${this.nextClaim}`;
    this.nextClaim += 1;
    this.names.set(claim.claimId, name);
    this.owners.set(name, { receipt: claim.completion(), claim });
  }
}

export async function begin(): Promise<{ readonly model: World; readonly real: Real }> {
  const steps = { count: 0 };
  const test = await createTestRuntime({
    sessions: { attemptsMax: ATTEMPTS_MAX, claimTtlMs: CLAIM_TTL_MS },
    define: (runtime) => {
      runtime.on('step', () => {
        steps.count += 1;
      });
    },
  });
  const real = new Real(test as TestRuntime, steps);
  await real.session.mode({ debounceMs: 500 });
  return { model: { model: newModel(ATTEMPTS_MAX), now: test.clock.now() }, real };
}

/** What an operation says of itself, errors among it. */
export async function saidBy(real: Real, work: Promise<Says>): Promise<Says> {
  try {
    return await work;
  } catch (error) {
    if (!isHoldfastError(error)) throw error;
    if (error.code !== 'CLAIM_SUPERSEDED') return { said: error.code };
    const { batchId, by } = Object(error.details) as { batchId: string; by?: string };
    return { said: error.code, seq: seqIn(batchId), by: by === undefined ? by : real.names.get(by) };
  }
}

export function seqIn(batchId: string): number | undefined {
  return batchId === '' ? undefined : Number(batchId.split('_')[1]);
}

/** Everything that is to be seen of the session is as in the model. */
export async function compare({ model, now }: World, real: Real): Promise<void> {
  real.nextClaim = model.nextClaim;
  expect(real.test.clock.now()).toBe(now);
  const all = await pages((cursor) => real.session.list({ cursor, limit: 20 }));
  for (const batch of all) learn(model, real, batch);
  const wanted = model.batches.toSorted((a, b) => a.seq - b.seq);
  expect(all.map((batch) => shown(real, batch))).toEqual(wanted.map((batch) => expected(model, batch, now)));
  const pending = await pages((cursor) => real.session.pending({ cursor, limit: 9 }));
  const waiting = wanted.filter((batch) => stateOf(model, batch, now) !== 'claimed');
  expect(pending.map(({ seq }) => seq)).toEqual(waiting.map(({ seq }) => seq));
  const { counts, mode, channels } = await real.session.view();
  const { dead: _dead, batches, ...counted } = counts;
  expect({ ...counted, batches }).toEqual({ ...model.counts, batches: model.batches.length });
  expect([mode, channels]).toEqual([model.mode, model.channels]);
}

/** What was settled is in the history, once, in the order of its settling. */
export async function compareHistory({ model }: World, real: Real): Promise<void> {
  const { items } = await real.session.history({ limit: 1_000 });
  expect(items.map(({ entry }) => Object(entry) as unknown)).toEqual(model.history.map((text) => ({ text })));
}

/** Names that only a list tells: of what was done by who died before hearing of it. */
function learn(model: Model, real: Real, { batchId, seq, claim }: RealBatch): void {
  real.ids.set(seq, batchId);
  const holder = model.batches.find((one) => one.seq === seq)?.holder;
  if (claim === undefined || holder === undefined || real.names.has(claim.claimId)) return;
  if (![...real.names.values()].includes(holder)) real.names.set(claim.claimId, holder);
}

function shown(real: Real, batch: RealBatch): object {
  const { seq, state, attempts, claims, sourceKey, deliver, slot, merge, availableAt, channel } = batch;
  return {
    ...{ seq, state, attempts, claims, availableAt, channel, key: sourceKey, text: textOf(batch) },
    deliver: deliver === 'earliestSafeBoundary' ? 'E' : 'A',
    slot: slot === 'join' ? 'J' : 'X',
    merge: mergeOf(merge),
    by: batch.claim === undefined ? undefined : real.names.get(batch.claim.claimId),
  };
}

function mergeOf(merge: RealBatch['merge']): string {
  if (typeof merge === 'object') return `G${merge.group}`;
  return merge === 'never' ? 'N' : 'P';
}

function expected(model: Model, batch: Batch, now: number): object {
  const { seq, attempts, claims, work, channel, holder } = batch;
  const { key, text, deliver, slot, merge, availableAt } = work;
  const state = stateOf(model, batch, now);
  return { seq, state, attempts, claims, availableAt, channel, key, text, deliver, slot, merge, by: holder };
}

/** What its payload says, in the model's words. */
export function textOf({ items }: RealBatch): string {
  const payload = items[0]?.payload;
  switch (payload?.type) {
    case 'turnInput':
      return payload.items.map((item) => ('text' in item ? item.text : item.imageRef)).join('\n');
    case 'processWake':
      return `wake ${payload.processId} ${payload.sequence}`;
    case 'sessionCommand':
      return `command ${payload.command.reason}`;
    case 'droppedMessages':
      return `dropped: ${payload.lines.join(', ')}`;
    case undefined:
      return 'no payload';
  }
}

async function pages(
  page: (cursor: string | undefined) => ReturnType<Session['list']>,
): Promise<readonly RealBatch[]> {
  const all: RealBatch[] = [];
  let cursor: string | undefined;
  do {
    const { items, cursor: next } = await page(cursor);
    all.push(...items);
    cursor = next;
  } while (cursor !== undefined);
  return all;
}
