/**
 * What producers of work do to a session, drawn at random.
 *
 * Callers: model.test.ts. Invariant: there are few source keys, processes and commands, so that they meet.
 */
import fc from 'fast-check';
import type { Session } from '../../src/index.js';
import * as rule from './model.js';
import { arrive, setMode, type Mode } from './model-modes.js';
import type { Says, Work } from './model.js';
import { atOnce, type Plan } from './operation.js';
import { seqIn } from './real.js';

const FROM_NOW: fc.Arbitrary<number> = fc.constantFrom(0, 0, 0, 0, 5_000, 7_200_000);
const policies = fc.record({
  deliver: fc.constantFrom<('E' | 'A')[]>('E', 'A'),
  slot: fc.constantFrom<('J' | 'X')[]>('J', 'J', 'J', 'X'),
  merge: fc.constantFrom('N', 'P', 'Ga', 'Ga', 'Gb'),
});

const merges: Readonly<Record<string, 'never' | 'payloadDefault'>> = { N: 'never', P: 'payloadDefault' };

export const enqueue: fc.Arbitrary<Plan> = fc
  .record({
    policies,
    key: fc.nat(5),
    text: fc.constantFrom('yes', 'no'),
    later: FROM_NOW,
    keyRetentionMs: fc.constantFrom(0, 0, 60_000, 5_400_000),
    onConflict: fc.constantFrom<('report' | 'reject')[]>('report', 'reject'),
  })
  .map(({ policies: { deliver, slot, merge }, key, text, later, keyRetentionMs, onConflict }) => (world) => {
    const availableAt = later === 0 ? 0 : world.now + later;
    const sourceKey = `any:${key}`;
    const work = {
      deliver,
      slot,
      merge,
      text,
      availableAt,
      keyRetentionMs,
      key: sourceKey,
      kind: 'input',
    } as const;
    return {
      label: `enqueue ${deliver}/${slot}/${merge} ${text} as ${sourceKey}, in ${later} ms, ${onConflict}`,
      says: (model) => rule.enqueue(model, world.now, work, onConflict),
      act: async ({ session }) =>
        enqueued(
          await session.enqueueDraft({
            payloads: [{ type: 'turnInput', items: [{ text }] }],
            deliver: deliver === 'E' ? 'earliestSafeBoundary' : 'afterCurrentTurnCommit',
            slot: slot === 'J' ? 'join' : 'exclusive',
            merge: merges[merge] ?? { group: merge.slice(1) },
            ...{ sourceKey, availableAt, onConflict, dedupeRetentionMs: keyRetentionMs },
          }),
        ),
    };
  });

const ALONE = { slot: 'X', merge: 'N', availableAt: 0, keyRetentionMs: 0 } as const;

export const inject: fc.Arbitrary<Plan> = fc.nat(3).map((id) => ({ now }) => {
  const key = `injection:${id}`;
  const work: Work = { ...ALONE, deliver: 'E', slot: 'J', kind: 'input', text: `injected ${id}`, key };
  return {
    label: `inject ${id}`,
    says: (model) => rule.enqueue(model, now, work),
    act: async ({ session }) => enqueued(await session.inject({ id: String(id), text: work.text })),
  };
});

export const wake: fc.Arbitrary<Plan> = fc
  .record({ process: fc.constantFrom('p', 'q'), sequence: fc.nat(4) })
  .map(({ process, sequence }) => ({ now }) => {
    const key = `process:${process}:event:${sequence}:wake`;
    const text = `wake ${process} ${sequence}`;
    const work: Work = { ...ALONE, deliver: 'E', kind: 'wake', text, key, wake: { process, sequence } };
    return {
      label: `wake by ${process}, ${sequence}`,
      says: (model) => rule.enqueue(model, now, work),
      act: async ({ session }) =>
        enqueued(await session.wake({ processId: process, sequence, eventType: 'done', input: null })),
    };
  });

export const command: fc.Arbitrary<Plan> = fc.nat(2).map((id) => ({ now }) => {
  const key = `command:resetSession:${id}`;
  const work: Work = { ...ALONE, deliver: 'A', kind: 'command', text: `command ${id}`, key };
  return {
    label: `command ${id}`,
    says: (model) => ({ said: 'commanded', seq: rule.enqueue(model, now, work)['seq'] }),
    act: async ({ session }) => {
      const receipt = await session.command({ kind: 'resetSession', reason: String(id) }, String(id));
      return { said: 'commanded', seq: seqIn(receipt.batchId) };
    },
  };
});

export const message: fc.Arbitrary<Plan> = fc
  .record({ id: fc.nat(12), channel: fc.constantFrom('', 'a') })
  .map(({ id, channel }) => ({ now }) => {
    const work: Work = { ...ALONE, deliver: 'A', kind: 'input', text: `said ${id}`, key: `host:${id}` };
    return {
      label: `message ${id} by channel "${channel}"`,
      says: (model) => arrive(model, now, work, channel),
      act: async ({ session }) =>
        enqueued(await session.message({ id: String(id), text: work.text }, { channel })),
    };
  });

export const mode: fc.Arbitrary<Plan> = fc
  .record({
    change: fc.record(
      {
        mode: fc.constantFrom<Mode['mode'][]>('steer', 'followup', 'collect', 'interrupt'),
        cap: fc.constantFrom(1, 2, 3, 5),
        drop: fc.constantFrom<Mode['drop'][]>('old', 'new', 'summarize'),
        debounceMs: fc.constantFrom(0, 500, 40_000),
      },
      { requiredKeys: ['mode'] },
    ),
    channel: fc.constantFrom(undefined, undefined, 'a'),
  })
  .map(({ change, channel }) => () => ({
    label: `mode ${JSON.stringify(change)} of ${channel ?? 'the session'}`,
    says: (model) => setMode(model, change, channel),
    act: async ({ session }) => ({
      said: 'set',
      mode: await session.mode({ ...change, ...(channel === undefined ? {} : { channel }) }),
    }),
  }));

/** Producers who race: those with the same key bring one batch. */
export const burst: fc.Arbitrary<Plan> = fc.array(enqueue, { minLength: 2, maxLength: 4 }).map(atOnce);

function enqueued({ batch, deduplicated, contentMatches }: Awaited<ReturnType<Session['inject']>>): Says {
  return { said: deduplicated ? 'known' : 'enqueued', seq: batch.seq, matches: contentMatches };
}
