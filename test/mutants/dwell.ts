/** Mutants of how long actors stay where they are, and of what is told of a runtime (I7, I1, I2, I8). */
import type { Mutant } from './mutant.js';

const dwell = 'src/actors/kernel/dwell.ts';
const dwells = 'test/kernel/dwell.test.ts';
const anyWalk = 'holds for any walk: what stays keeps its moment, what goes is counted with its time';
const quantiles = 'gives quantiles within five per cent, and the longest stays with their actors, each once';
const simulation = 'test/simulation/simulation.test.ts';
const anyLife = 'applies everything once and keeps its books, whatever it dies of …';
const telemetry = 'src/actors/telemetry/telemetry.ts';
const spans = 'test/telemetry/spans.test.ts';

export const dwellMutants: readonly Mutant[] = [
  {
    name: 'counts a stay that goes on',
    breaks: ['I7'],
    file: dwell,
    find: 'stays(state) ? [] : [{ state,',
    replace: 'stays(state) && isAnew ? [] : [{ state,',
    caughtBy: dwells,
    by: anyWalk,
  },
  {
    name: 'begins every stay anew with each step',
    breaks: ['I7'],
    file: dwell,
    find: 'return index === -1 ? at : (known?.[index] ?? before?.at ?? at);',
    replace: 'return index === -1 || known === undefined ? at : at;',
    caughtBy: dwells,
    by: anyWalk,
  },
  {
    name: 'leaves an actor that begins anew where it was',
    breaks: ['I7'],
    file: dwell,
    find: 'before.since !== undefined && !isAnew)',
    replace: 'before.since !== undefined)',
    caughtBy: dwells,
    by: 'enters every state again where the actor begins anew',
  },
  {
    name: 'takes the one half of a bucket for the whole',
    breaks: ['I7'],
    file: dwell,
    find: 'Math.round(2 ** ((bucket - 0.5) / BUCKETS_AN_OCTAVE))',
    replace: 'Math.round(2 ** (bucket / BUCKETS_AN_OCTAVE))',
    caughtBy: dwells,
    by: quantiles,
  },
  {
    name: 'gives an actor that comes back the place of its first stay',
    breaks: ['I7'],
    file: dwell,
    find: 'slowest.filter(([known, by]) => by !== address || known > ms);',
    replace: 'slowest.filter(([known, by]) => by !== address || known < Infinity);',
    caughtBy: dwells,
    by: 'gives an actor that comes back one place, that of its longest stay',
  },
  {
    name: 'keeps histograms of as many states as there are',
    breaks: ['I7', 'I8'],
    file: dwell,
    find: 'if (known === undefined && this.#rows.size >= limits.dwellStatesMax) return;',
    replace: 'if (known === undefined && this.#rows.size >= limits.dwellStatesMax * 100) return;',
    caughtBy: dwells,
    by: 'keeps no more states than it may, and goes on with those it has',
  },
  {
    name: 'reads a damaged histogram as it is',
    breaks: ['I7'],
    file: dwell,
    find: 'if (isDwellRow(kept)) dwell',
    replace: 'if (kept !== undefined) dwell',
    caughtBy: dwells,
    by: 'begins anew where its row cannot be read',
  },
  {
    name: 'forgets at each open how long actors stayed',
    breaks: ['I7'],
    file: dwell,
    find: 'dwell.#rows.set(row[0], kept);',
    replace: 'if (kept.slowest.length > limits.dwellSlowestMax) dwell.#rows.set(row[0], kept);',
    caughtBy: simulation,
    by: anyLife,
  },
  {
    name: 'stops at a listener’s throw',
    breaks: ['I8'],
    file: telemetry,
    find: '    } catch (error) {\n      this.#failed(error);\n      return undefined;\n    }',
    replace: '    } catch (error) {\n      this.#failed(error);\n      throw error;\n    }',
    caughtBy: spans,
    by: '… is logged once and hurts nobody',
  },
  {
    name: 'keeps a series for every type of event that users send',
    breaks: ['I8'],
    file: 'src/actors/telemetry/tally.ts',
    find: 'if (this.#all.length < this.#max)',
    replace: 'if (this.#all.length < this.#max * 100)',
    caughtBy: 'test/telemetry/metrics.test.ts',
    by: 'what comes after is kept under other of its first label, or altogether',
  },
  {
    name: 'tells the message of an error',
    breaks: ['I2'],
    file: 'src/actors/telemetry/facts.ts',
    find: "return typeof word === 'string' ? word.slice(0, WORD_CHARS_MAX) : 'Error';",
    replace: "return typeof word === 'string' ? String(error) : 'Error';",
    caughtBy: spans,
    by: 'neither a secret of a context, an input, an output nor an error’s message is in a span',
  },
];
