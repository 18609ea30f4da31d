/** Mutants of effects: their rows, marks, ids and pools (K6, K7). */
import type { Mutant } from './mutant.js';

const attempt = 'src/actors/kernel/attempt.ts';
const consuming = 'src/actors/kernel/consuming.ts';
const outbox = 'test/kernel/outbox.test.ts';
const inDoubt = 'K7: an effect whose mark is on disk is in doubt although it never ran';

export const effectMutants: readonly Mutant[] = [
  {
    name: 'takes the result of an effect whose row is gone',
    breaks: ['P2', 'K6'],
    file: consuming,
    find: 'return effect && { effect, ...inbox };',
    replace: 'return effect === undefined ? inbox : { effect, ...inbox };',
    caughtBy: outbox,
    by: 'K6: a result that comes while the step that left its effect is being written is refused',
  },
  {
    name: 'takes what a stream sends after its state was left',
    breaks: ['P2', 'K6'],
    file: consuming,
    find: 'return record.effects.some(({ id }) => id === content.effectId) ? {} : undefined;',
    replace: 'return {};',
    caughtBy: 'test/kernel/streams.test.ts',
    by: 'K6: are refused while the step that left their effect is being written',
  },
  {
    name: 'does not abort an effect that was left',
    breaks: ['K6'],
    file: 'src/actors/kernel/outbox.ts',
    find: `    this.#running.get(effectKey)?.attempt.abort('cancelled');\n`,
    replace: '',
    caughtBy: outbox,
    by: 'K6: a result of an earlier entry is refused, and its run is aborted',
  },
  {
    name: 'removes the row of an effect when it starts',
    breaks: ['P2', 'K6'],
    file: 'src/actors/kernel/outbox.ts',
    find: '    this.#running.set(effectKey, running);\n',
    replace: `    this.#running.set(effectKey, running);
    const stage = this.#options.loop.begin();
    stage.delete(waiting.key);
    this.#options.loop.add(stage);
`,
    caughtBy: 'test/kernel/kernel.test.ts',
    by: 'runs an effect again after a crash, and a timer that came due while nothing ran',
    hangs: true,
  },
  {
    name: 'gives each attempt an id of its own',
    breaks: ['P2', 'K6'],
    file: 'src/actors/kernel/effect-run.ts',
    find: 'runLogic(logic, options.effectKey, copyOf(options.input))',
    replace: 'runLogic(logic, `${options.effectKey}/${options.clock.monotonicMs()}`, copyOf(options.input))',
    caughtBy: outbox,
    by: 'K7: the id is the same for every attempt, and an output is a copy',
  },
  {
    name: 'writes the started mark while the effect runs',
    breaks: ['P3', 'K7'],
    file: attempt,
    find: 'if (marked && !(await this.#mark())) return OVER;',
    replace: 'if (marked) void this.#mark();',
    caughtBy: outbox,
    by: 'K7: a … effect that a crash kept from starting is started',
  },
  {
    name: 'writes no started mark',
    breaks: ['P3', 'K7'],
    file: attempt,
    find: 'const marked = careful || (',
    replace: 'const marked = (',
    caughtBy: outbox,
    by: 'K7: a probe decides what becomes of an interrupted effect',
  },
  {
    name: 'repeats a manual effect after a crash',
    breaks: ['P3', 'K7'],
    file: attempt,
    find: 'if (careful && !(await this.#mayRunAgain())) return OVER;',
    replace: `if (recovery === 'probe' && !(await this.#mayRunAgain())) return OVER;`,
    caughtBy: outbox,
    by: inDoubt,
    hangs: true,
  },
  {
    name: 'runs an effect again that its probe found done',
    breaks: ['P2', 'K7'],
    file: attempt,
    find: `if (found.type === 'done') await this.#report({ type: 'done', output: found.output });`,
    replace: `if (found.type === 'done') return true;`,
    caughtBy: outbox,
    by: 'K7: a probe decides what becomes of an interrupted effect',
  },
  {
    name: 'forgets at a crash how often an effect has failed',
    breaks: ['K7'],
    file: attempt,
    find: 'if (!(await this.#rewrite({ failures }))) return OVER;',
    replace: 'this.#row = { ...this.#row, failures };',
    caughtBy: 'test/kernel/restart.test.ts',
    by: 'keeps the failures through a crash, and the rest of their back-off',
  },
  {
    name: 'runs one more of a pool than its limit',
    breaks: ['K7', 'K11'],
    file: 'src/actors/kernel/outbox.ts',
    find: 'if (pool.running >= pool.limit ||',
    replace: 'if (pool.running > pool.limit ||',
    caughtBy: outbox,
    by: 'K7: a pool runs no more than its limit',
  },
  {
    name: 'loses the end of an effect whose actor stands still',
    breaks: ['P2', 'K14'],
    file: 'src/actors/kernel/failures.ts',
    find: 'if (inboxKey === undefined) return this.#keepResult(',
    replace: 'if (inboxKey === null) return this.#keepResult(',
    caughtBy: 'test/kernel/quarantine.test.ts',
    by: 'the end of an effect is kept, and the effect not repeated (crash: …)',
  },
];
