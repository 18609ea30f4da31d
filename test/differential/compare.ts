/**
 * One case on both sides, in lockstep: what they disagree on after each step.
 *
 * Callers: the tests of this folder. Invariants:
 *  1  Which promise a step settles is decided by the reference, so both sides settle the same one.
 *  2  A case ends when a step threw: quarantine here, `error` there; value and context are then those of
 *     before the step on both sides, and its actions are not compared (K13: ours ran none of them).
 */
import { canonicalJson, type Json } from '../../src/json.js';
import { Coverage } from './coverage.js';
import { Live } from './live.js';
import { Ours } from './ours.js';
import type { Case, Step, View } from './spec.js';

export interface Comparison {
  readonly coverage: Coverage;
  /** Undefined when both sides agreed all along. */
  readonly disagreement: string | undefined;
}

const always = [
  'value',
  'context',
  'status',
  'output',
  'error',
  'history',
  'emitted',
  'acts',
  'logs',
] as const;
const unlessThrown = [...always, 'timers', 'promises', 'running'] as const;
const whenThrown = ['value', 'context', 'status', 'error', 'emitted', 'acts', 'logs'] as const;

export async function runCase(one: Case): Promise<Comparison> {
  const coverage = new Coverage();
  const live = new Live(one, coverage);
  const ours = new Ours(one);
  let disagreement: string | undefined;
  await live.start();
  const refused = await ours.start();
  const created = refused === undefined;
  const threwAtOnce = live.view().status === 'threw';
  if (threwAtOnce === created) disagreement = `at creation ours threw ${refused ?? 'nothing'}, unlike live`;
  else if (created) disagreement = differences('creation', live.view(), await ours.view());
  for (const [index, step] of one.steps.entries()) {
    if (!created || disagreement !== undefined || live.view().status === 'threw') break;
    await take(step, index, live, ours);
    const name = `step ${index} ${JSON.stringify(step)}`;
    disagreement = differences(name, live.view(), await ours.view());
  }
  if (live.view().status === 'threw') coverage.note('threw');
  live.stop();
  await ours.end('killed');
  return { coverage, disagreement };
}

async function take(step: Step, index: number, live: Live, ours: Ours): Promise<void> {
  const ending = index % 2 === 0 ? 'killed' : 'closed';
  switch (step.do) {
    case 'send':
      await live.send(step.event);
      await ours.reopen(ending);
      return ours.send(step.event);
    case 'wait': {
      const ms = step.ms === 'next' ? untilNext(live) : step.ms;
      await live.wait(ms, step.asleep);
      await ours.reopen(ending, step.asleep ? ms : 0);
      return step.asleep ? undefined : ours.wait(ms);
    }
    case 'settle': {
      const running = live.promises.running();
      const child = running[step.nth % Math.max(1, running.length)]?.[0] ?? live.promises.abandoned();
      await ours.reopen(ending);
      if (child === undefined) return;
      await live.settle(child, step);
      return ours.settle(child, step);
    }
  }
}

function untilNext(live: Live): number {
  const dueMs = Math.min(...live.view().timers.map(([, , due]) => due));
  return Number.isFinite(dueMs) ? dueMs - live.nowMs : 0;
}

function differences(when: string, live: View, ours: View): string | undefined {
  const parts = live.status === 'threw' && ours.status === 'threw' ? whenThrown : unlessThrown;
  const lines = parts
    .filter((part) => textOf(live[part]) !== textOf(ours[part]))
    .map((part) => `  ${part}: live ${textOf(live[part])}, ours ${textOf(ours[part])}`);
  return lines.length === 0 ? undefined : [`after ${when}:`, ...lines].join('\n');
}

function textOf(part: unknown): string {
  return part === undefined ? 'none' : canonicalJson(part as Json);
}
