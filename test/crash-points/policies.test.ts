/**
 * Each recovery policy (K7) under real kills: between the intent, the started mark, the run and its result,
 * once and twice in a row.
 */
import { strict as assert } from 'node:assert';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { checkReplay, defineMachine } from '../../src/actors/kernel/index.js';
import type { ActorRecord, JournalEntry } from '../../src/actors/kernel/record.js';
import { openLevelStore, rangeOf, type Store } from '../../src/store/index.js';
import { bundled } from '../bundled.js';
import { effectIdOf, fateOf, Ledger, marks, undertakingOf, undertakings } from './undertakings.js';
import type { Fate, Mark, Undertaking } from './undertakings.js';

const child = bundled('test/crash-points/children/undertaking.ts');
const isDeep = process.env['HOLDFAST_DEEP'] === '1';

/** A second kill strikes where the first one left something to do: after the mark or the run. */
const pairs = (['marked', 'ran'] as const).flatMap((first) =>
  (['marked', 'ran', 'settled'] as const).map((second) => [first, second] as const),
);
/** Of the long run: any three in a row. */
const triples = marks.flatMap((first) =>
  marks.flatMap((second) => marks.map((third) => [first, second, third] as const)),
);
const sequences: readonly (readonly Mark[])[] = [
  ...marks.map((mark) => [mark] as const),
  ...pairs,
  ...(isDeep ? triples : []),
];

/** Runs the program once; true when it was killed. */
async function live(directory: string, killAt: Mark | undefined): Promise<boolean> {
  const process_ = spawn(process.execPath, [child, directory, ...(killAt === undefined ? [] : [killAt])], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  await once(process_, 'close');
  const how = process_.signalCode ?? process_.exitCode;
  assert.ok(how === 'SIGKILL' || how === 0, `the process ended with ${String(how)}`);
  return how === 'SIGKILL';
}

async function rowsOf(store: Store, letter: Parameters<typeof rangeOf>[0]): Promise<string[]> {
  return (await store.scan({ ...rangeOf(letter), limit: 1_000 })).map(([, text]) => text);
}

/** What the ledger and the journal say; the store must be whole. */
async function found(directory: string, kind: Undertaking): Promise<Fate & { readonly results: number }> {
  const ledger = new Ledger(directory, kind);
  const lines = ledger.lines().map((line) => line.split(' '));
  for (const [, effectId] of lines) expect(effectId).toBe(effectIdOf(kind));
  const store = await openLevelStore({ directory: join(directory, kind), purpose: 'look' });
  try {
    const [text = ''] = await rowsOf(store, 's');
    const record = JSON.parse(text) as ActorRecord;
    const entries = (await rowsOf(store, 'j')).map((row) => JSON.parse(row) as JournalEntry);
    expect(entries.map(({ seq }) => seq)).toEqual([1, 2]);
    const definition = defineMachine(undertakingOf(kind, ledger, () => Promise.resolve()));
    checkReplay({ definition, address: `${kind}/one`, entries }, record.snapshot);
    expect(await rowsOf(store, 'o')).toEqual([]);
    expect(await rowsOf(store, 'i')).toEqual([]);
    expect(record.timers.map(({ sendId }) => sendId)).toEqual(['holdfast.retention']);
    const { context } = record.snapshot as unknown as { context: { outcome: Fate['outcome'] } };
    return {
      runs: lines.filter(([what]) => what === 'run').length,
      probes: lines.filter(([what]) => what === 'probe').length,
      outcome: context.outcome,
      results: entries.filter(({ source }) => source === 'effect').length,
    };
  } finally {
    await store.close();
  }
}

const named = sequences.map((kills) => [kills.join(', then '), kills] as const);

test.each(named)('killed when %s, each effect is recovered as its policy says', async (_name, kills) => {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-policies-'));
  try {
    const [first, ...later] = kills;
    // A later life may find nothing left to do, and end before its mark.
    expect(await live(directory, first)).toBe(true);
    for (const kill of later) await live(directory, kill);
    expect(await live(directory, undefined)).toBe(false);
    for (const kind of undertakings) {
      expect(await found(directory, kind), kind).toEqual({ ...fateOf(kind, kills), results: 1 });
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});

test('what the policies promise, as the oracle of these tests understands it', () => {
  const runs = (kind: Undertaking): number[] => sequences.map((kills) => fateOf(kind, kills).runs);
  expect(Math.min(...runs('rerun'), ...runs('idempotent'))).toBeGreaterThanOrEqual(1);
  expect(Math.max(...runs('rerun'))).toBeGreaterThanOrEqual(3);
  expect(Math.max(...runs('manual'), ...runs('probe-unknown'), ...runs('probe-hangs'))).toBe(1);
  expect(Math.max(...runs('probe-looks'))).toBe(1);
  expect(Math.min(...runs('probe-looks'))).toBe(1);
  for (const kills of sequences) expect(fateOf('probe-looks', kills).outcome).not.toBe('interrupted');
});
