/** Mutants of the timers (K5). */
import type { Mutant } from './mutant.js';

const due = 'src/actors/kernel/timers.ts';
const belongings = 'src/actors/kernel/belongings.ts';
const timers = 'test/kernel/timers.test.ts';
const replaced = 'are replaced when their id is armed again, and cancelled by it';
const jumps = 'fire at a forward jump of the clock and wait out a backward one, and both are logged';

export const timerMutants: readonly Mutant[] = [
  {
    name: 'takes a timer that is not armed any more',
    breaks: ['P1', 'K5'],
    file: 'src/actors/kernel/consuming.ts',
    find: 'return timer && { timer };',
    replace: 'return timer === undefined ? {} : { timer };',
    caughtBy: timers,
    by: 'are refused when their row went while the due index was being read',
  },
  {
    name: 'arms a timer without its row',
    breaks: ['K5'],
    file: belongings,
    find: '    this.#stage.put(timerKey(this.#owner.address, timer), { sendId });\n',
    replace: '',
    caughtBy: timers,
    by: 'fire at their due time, ties in arming order, and tell when they were due',
  },
  {
    name: 'leaves the row of a timer that fired',
    breaks: ['K5'],
    file: belongings,
    find: '    this.#stage.delete(timerKey(this.#owner.address, timer));\n',
    replace: '',
    caughtBy: timers,
    by: 'fire by the thousand, more than a page of them, each once',
  },
  {
    name: 'arms a send id beside the timer that has it',
    breaks: ['K5'],
    file: belongings,
    find: '    this.cancel(sendId);\n',
    replace: '',
    caughtBy: timers,
    by: replaced,
  },
  {
    name: 'fires what is not due yet',
    breaks: ['K5'],
    file: due,
    find: 'const due = page.filter(([key]) => dueAtOf(key) <= now);',
    replace: 'const due = page;',
    caughtBy: timers,
    by: replaced,
  },
  {
    name: 'counts a delay from when the last timer was due',
    breaks: ['K5'],
    file: 'src/actors/kernel/envelope.ts',
    find: 'const at = Math.max(now, record?.at ?? 0);',
    replace: 'const at = timer?.dueAt ?? Math.max(now, record?.at ?? 0);',
    caughtBy: timers,
    by: 'count a chain from the late step, so that a long sleep does not make it run at once',
  },
  {
    name: 'sleeps through a clock that jumps',
    breaks: ['K5', 'K11'],
    file: due,
    find: 'Math.min(Math.max(0, dueAt - clock.now()), sleepMaxMs)',
    replace: 'Math.min(Math.max(0, dueAt - clock.now()), Infinity * sleepMaxMs)',
    caughtBy: timers,
    by: jumps,
  },
  {
    name: 'says nothing of a clock that was set back',
    breaks: ['K5'],
    file: due,
    find: 'if (Math.abs(jumpMs) >= limits.clockJumpMs)',
    replace: 'if (jumpMs >= limits.clockJumpMs)',
    caughtBy: timers,
    by: jumps,
  },
  {
    name: 'reads the timers of all kinds whenever one of any is due',
    breaks: ['K5'],
    file: due,
    find: 'if (known === undefined || known.fromAt <= now) await',
    replace: 'await',
    caughtBy: timers,
    by: 'are read when one is due, of its kind alone, and from the earliest on',
  },
  {
    name: 'forgets a timer that is armed while the due index is read',
    breaks: ['K5'],
    file: due,
    find: 'if (known !== undefined) countIn(known, { fromAt: dueAt, nextAt: dueAt });',
    replace: 'if (known !== undefined && !this.#looking) countIn(known, { fromAt: dueAt, nextAt: dueAt });',
    caughtBy: timers,
    by: 'fire in time when they are armed behind the place where the index is just read',
  },
  {
    name: 'passes over a timer for good whose actor could not be read',
    breaks: ['K5'],
    file: due,
    find: 'return { fromAt: Math.min(passedAt, nextAt), nextAt };',
    replace: 'return { fromAt: nextAt, nextAt };',
    caughtBy: timers,
    by: 'are tried again at the next look when their actor could not be read',
  },
];
