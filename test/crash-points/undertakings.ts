/**
 * One machine with one effect under each policy, and what must come of it wherever its process is killed.
 *
 * Callers: policies.test.ts (asks), children/undertaking.ts (runs them). The oracle is a second account of
 * K7, in a few lines and without a kernel.
 */
import { appendFileSync, closeSync, existsSync, fsyncSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { assign, fromPromise, setup } from 'xstate';
import type { DefinitionOptions, EffectPolicy, ProbeResult } from '../../src/actors/kernel/index.js';

/** What lies between the intent and the result; a process can die after each of them. */
export const marks = ['intended', 'marked', 'ran', 'settled'] as const;
export type Mark = (typeof marks)[number];

export const undertakings = [
  'rerun',
  'idempotent',
  'manual',
  // What the probe says; `looks` says what the ledger says.
  'probe-done',
  'probe-not-started',
  'probe-unknown',
  'probe-throws',
  'probe-hangs',
  'probe-looks',
] as const;
export type Undertaking = (typeof undertakings)[number];

export const ID = 'one';
/** The first step asks for it: the same id, whoever runs it and how often. */
export const effectIdOf = (kind: Undertaking): string => `${kind}/${ID}/1:0`;
/** What a probe that never answers is given. */
const TIMEOUT_MS = 200;

export interface Fate {
  readonly runs: number;
  readonly probes: number;
  readonly outcome: 'done' | 'found' | 'interrupted';
}

/** What must come of it when it is killed at each of these in turn, and then left alone. */
export function fateOf(kind: Undertaking, kills: readonly Mark[]): Fate {
  let row: 'none' | 'intended' | 'marked' = 'none';
  let [runs, probes] = [0, 0];
  const isMarked = kind === 'manual' || kind.startsWith('probe-');
  for (const mark of [...kills, undefined]) {
    const isNew = row === 'none';
    if (isNew) row = 'intended';
    if (isNew && mark === 'intended') continue;
    // It is asked for once: a later life does not come by that mark, and nothing kills it.
    const kill = mark === 'intended' ? undefined : mark;
    if (isMarked && row === 'marked') {
      if (kind !== 'manual') probes += 1;
      const found = findingOf(kind, runs);
      if (found !== 'notStarted') return { runs, probes, outcome: found };
    }
    if (isMarked) row = 'marked';
    if (isMarked && kill === 'marked') continue;
    runs += 1;
    if (kill !== 'ran') return { runs, probes, outcome: 'done' };
  }
  throw new Error('the last process is not killed');
}

function findingOf(kind: Undertaking, runs: number): 'found' | 'notStarted' | 'interrupted' {
  if (kind === 'probe-done') return 'found';
  if (kind === 'probe-not-started') return 'notStarted';
  if (kind === 'probe-looks') return runs > 0 ? 'found' : 'notStarted';
  return 'interrupted';
}

/** The world's side: lines that are on disk before the next thing happens. */
export class Ledger {
  readonly #path: string;

  constructor(directory: string, kind: Undertaking) {
    this.#path = join(directory, `${kind}.ledger`);
  }

  write(line: string): void {
    appendFileSync(this.#path, `${line}\n`);
    const file = openSync(this.#path, 'r+');
    fsyncSync(file);
    closeSync(file);
  }

  lines(): string[] {
    if (!existsSync(this.#path)) return [];
    return readFileSync(this.#path, 'utf8').trimEnd().split('\n');
  }
}

/** Its definition; `ran` is called when the effect has done its work. */
export function undertakingOf(
  kind: Undertaking,
  ledger: Ledger,
  ran: () => Promise<void>,
): DefinitionOptions {
  const machine = setup({
    types: { context: {} as { outcome: string } },
    actors: {
      work: fromPromise<string>(async ({ self }) => {
        ledger.write(`run ${self.id}`);
        await ran();
        return 'done';
      }),
    },
    actions: {
      keep: assign((_scope, outcome: string) => ({ outcome })),
    },
  }).createMachine({
    id: 'undertaking',
    version: '1',
    context: { outcome: '' },
    initial: 'working',
    states: {
      working: {
        invoke: {
          id: 'work',
          src: 'work',
          onDone: { target: 'over', actions: { type: 'keep', params: ({ event }) => event.output } },
          onError: { target: 'over', actions: { type: 'keep', params: 'error' } },
        },
        on: { 'effect.interrupted': { target: 'over', actions: { type: 'keep', params: 'interrupted' } } },
      },
      over: { type: 'final' },
    },
  });
  return { kind, machine, effects: { work: policyOf(kind, ledger) } };
}

function policyOf(kind: Undertaking, ledger: Ledger): EffectPolicy {
  if (kind === 'rerun' || kind === 'idempotent' || kind === 'manual') return { recovery: kind };
  return {
    recovery: 'probe',
    ...(kind === 'probe-hangs' ? { timeoutMs: TIMEOUT_MS } : {}),
    probe: ({ effectId }) => {
      ledger.write(`probe ${effectId}`);
      return probed(kind, ledger, effectId);
    },
  };
}

async function probed(kind: Undertaking, ledger: Ledger, effectId: string): Promise<ProbeResult> {
  if (kind === 'probe-throws') throw new Error('the probe cannot reach the world');
  if (kind === 'probe-hangs') await new Promise(() => undefined);
  if (kind === 'probe-unknown') return { type: 'unknown' };
  const isDone =
    kind === 'probe-done' || (kind === 'probe-looks' && ledger.lines().includes(`run ${effectId}`));
  return isDone ? { type: 'done', output: 'found' } : { type: 'notStarted' };
}
