/**
 * What owners of work do to a session, drawn at random: claim it, and end their claims well or badly.
 *
 * Callers: model.test.ts. Invariant: who was told of a claim may come back with it at any time, also once
 * it is somebody else's.
 */
import fc from 'fast-check';
import type { Claim, ClaimReceipt } from '../../src/index.js';
import * as rule from './model.js';
import type { Asking, Model, Proof, Says } from './model.js';
import { atOnce, type Plan } from './operation.js';
import { seqIn, textOf, type Real } from './real.js';

type Asked = Pick<Asking, 'boundary' | 'max' | 'owner'>;

const asking: fc.Arbitrary<Asked> = fc.record({
  boundary: fc.constantFrom<Asking['boundary'][]>('idle', 'idle', 'activeTurnCheckpoint'),
  max: fc.constantFrom(0, 1, 2, 64, 64),
  owner: fc.constantFrom<Asking['owner'][]>('process', 'lease'),
});
const PROCESS_TTL_MS = 24 * 3_600_000;
const LEASE_TTL_MS = 60_000;

export function claiming({ boundary, max, owner }: Asked): Plan {
  return ({ now }) => ({
    label: `claim ${max} at ${boundary}, ${owner}`,
    says: (model) => rule.claim(model, now, { boundary, max, owner, wanted: 'turn', ttlMs: ttlOf(owner) }),
    act: async (real) => claimed(real, await real.session.claim({ boundary, max, ...holdOf(owner) })),
  });
}

export function claimingCommand({ boundary, owner }: Asked): Plan {
  return ({ now }) => ({
    label: `claim a command at ${boundary}, ${owner}`,
    says: (model) =>
      rule.claim(model, now, { boundary, owner, wanted: 'command', max: 64, ttlMs: ttlOf(owner) }),
    act: async (real) => claimed(real, await real.session.claimCommand({ boundary, ...holdOf(owner) })),
  });
}

export const claim = asking.map(claiming);
export const claimCommand = asking.map(claimingCommand);

export const claimByIds: fc.Arbitrary<Plan> = fc
  .record({ asked: asking, of: fc.constantFrom('what is there', 'fewer', 'turned round', 'others') })
  .map(({ asked: { boundary, owner }, of }) => ({ model, now }) => {
    const there = rule.select(model, now, { boundary, max: 64, wanted: 'turn' });
    const seqs = typeof there === 'string' ? model.batches.map(({ seq }) => seq) : there;
    const ids = idsOf(of, seqs, model.batches.at(-1)?.seq ?? 0);
    return {
      label: `claim ${of} by ids ${ids.join(' ')} at ${boundary}, ${owner}`,
      says: (after) =>
        rule.claim(after, now, { boundary, owner, ids, wanted: 'turn', max: 0, ttlMs: ttlOf(owner) }),
      act: async (real) => {
        const batchIds = ids.map((seq) => real.ids.get(seq) ?? `bat_${seq}_gone`);
        return claimed(real, await real.session.claimByIds(batchIds, { boundary, ...holdOf(owner) }));
      },
    };
  });

function idsOf(of: string, seqs: readonly number[], last: number): readonly number[] {
  if (of === 'fewer') return seqs.slice(0, -1);
  if (of === 'turned round') return seqs.toReversed();
  return of === 'others' ? [...seqs.slice(0, -1), last] : seqs;
}

/** Somebody who was once told of a claim, whether or not it still stands. */
const picked = fc.nat(1_000);

function toldAt(model: Model, pick: number): rule.Told | undefined {
  const { told } = model;
  return told.length === 0 ? undefined : told[told.length - 1 - (pick % Math.min(told.length, 6))];
}

interface Finish {
  readonly pick: number;
  readonly second?: number | undefined;
  readonly shape: 'whole' | 'partial' | 'forged';
  readonly turn?: number | undefined;
  readonly hash: string;
}

export function completing({ pick, second, shape, turn, hash }: Finish): Plan {
  return ({ model, now }) => {
    const held = [pick, ...(second === undefined ? [] : [second])].flatMap((at) => toldAt(model, at) ?? []);
    if (held.length === 0) return undefined;
    const isForged = shape === 'forged';
    const proofs = held.map(({ id, seqs }): Proof => {
      return { id, seqs: shape === 'partial' ? seqs.slice(0, -1) : seqs, isForged };
    });
    const entry = `${held.map(({ id }) => id).join(' and ')} at ${now}`;
    const turnId = turn === undefined ? {} : { turnId: `t${turn}` };
    const named = proofs.map(({ id, seqs }) => `${id}(${seqs.join(' ')})`).join(' and ');
    return {
      label: `complete ${shape} ${named} as turn ${turn ?? 'of no name'}, ${hash}`,
      says: (after) => rule.complete(after, now, { proofs, hash, entry, ...turnId }),
      act: async (real) => {
        const options = { ...turnId, commitHash: hash, history: [{ text: entry }] };
        const receipts = proofs.map((proof) => receiptOf(real, proof));
        const settled = await real.session.settle(receipts, options);
        if (settled.repeated) return { said: 'settled before' };
        return { said: 'settled', seqs: settled.batchIds.map(seqIn) };
      },
    };
  };
}

export const complete = fc
  .record<Finish>({
    pick: picked,
    second: fc.option(picked, { freq: 3, nil: undefined }),
    shape: fc.constantFrom('whole', 'whole', 'whole', 'whole', 'whole', 'partial', 'forged'),
    turn: fc.option(fc.nat(3), { freq: 2, nil: undefined }),
    hash: fc.constantFrom('h', 'h', 'i'),
  })
  .map(completing);

function receiptOf(real: Real, { id, seqs, isForged }: Proof): ClaimReceipt {
  const receipt = real.owners.get(id)?.receipt;
  if (receipt === undefined) throw new Error(`nobody was told of ${id}`);
  const batchIds = receipt.batchIds.filter((batchId) => seqs.includes(seqIn(batchId) ?? 0));
  return { ...receipt, batchIds, ...(isForged ? { leaseToken: 'a guess' } : {}) };
}

function handOf(real: Real, id: string): Claim {
  const hand = real.owners.get(id)?.claim;
  if (hand === undefined) throw new Error(`the owner of ${id} is dead`);
  return hand;
}

export const abandon: fc.Arbitrary<Plan> = fc
  .record({ pick: picked, retryInMs: fc.constantFrom(0, 0, 0, 10_000) })
  .map(({ pick, retryInMs }) => ({ model, now }) => {
    const held = ownedAt(model, pick);
    if (held === undefined) return undefined;
    return {
      label: `abandon ${held.id} for ${retryInMs} ms`,
      says: (after) => rule.abandon(after, now, { ...held, isForged: false }, retryInMs),
      act: async (real) => {
        const was = await handOf(real, held.id).abandon({ reason: 'no', retryInMs });
        return { said: was ? 'abandoned' : 'stale' };
      },
    };
  });

export const renew: fc.Arbitrary<Plan> = picked.map((pick) => ({ model, now }) => {
  const held = ownedAt(model, pick);
  if (held === undefined) return undefined;
  return {
    label: `renew ${held.id}`,
    says: (after) => rule.renew(after, now, { ...held, isForged: false }),
    act: async (real) => {
      await handOf(real, held.id).renew();
      return { said: 'renewed' };
    },
  };
});

/** The same, of this process alone: a hand dies with its process. */
function ownedAt(model: Model, pick: number): rule.Told | undefined {
  const held = toldAt(model, pick);
  return held === undefined || held.life !== model.life ? undefined : held;
}

export const cancel: fc.Arbitrary<Plan> = picked.map((pick) => ({ model, now }) => {
  const seq = 1 + (pick % Math.max(1, model.nextSeq - 1));
  return {
    label: `cancel ${seq}`,
    says: (after) => rule.cancel(after, now, seq),
    act: async (real) => {
      const batch = await real.session.cancel(real.ids.get(seq) ?? `bat_${seq}_gone`);
      return batch === undefined ? { said: 'nothing' } : { said: 'cancelled', text: textOf(batch) };
    },
  };
});

export function retrying(pick: number): Plan {
  return ({ model, now }) => {
    const dead = model.batches.filter((batch) => rule.stateOf(model, batch, now) === 'dead');
    const from = dead.length > 0 && pick % 5 > 0 ? dead : model.batches;
    const seq = from[pick % Math.max(1, from.length)]?.seq;
    if (seq === undefined) return undefined;
    return {
      label: `retry ${seq}`,
      says: (after) => rule.retry(after, now, seq),
      act: async (real) => {
        await real.session.retry(real.ids.get(seq) ?? '');
        return { said: 'retried' };
      },
    };
  };
}

export const retry = picked.map(retrying);

export const resume: fc.Arbitrary<Plan> = fc.constant(({ now }) => ({
  label: 'resume',
  says: (model) => {
    if (model.pausedUntil > now) model.pausedUntil = 0;
    return { said: 'resumed' };
  },
  act: async ({ session }) => {
    await session.resume();
    return { said: 'resumed' };
  },
}));

/** Owners who race, of those operations that go straight to their step. */
export const race: fc.Arbitrary<Plan> = fc
  .array(fc.oneof(claim, claim, complete, abandon, renew), { minLength: 2, maxLength: 3 })
  .map(atOnce);

function claimed(real: Real, taken: Claim): Says {
  if (taken.refusal !== undefined) return { said: taken.refusal };
  real.own(taken);
  return { said: 'claimed', seqs: taken.batches.map(({ seq }) => seq), fencing: taken.fencingToken };
}

function holdOf(owner: Asking['owner']): { hold: Asking['owner']; ttlMs: number } {
  return { hold: owner, ttlMs: ttlOf(owner) };
}

function ttlOf(owner: Asking['owner']): number {
  return owner === 'process' ? PROCESS_TTL_MS : LEASE_TTL_MS;
}
