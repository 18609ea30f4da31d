/** Mutants of the runs of background tasks: their lives, tools, budgets, checkpoints and texts. */
import type { Mutant } from './mutant.js';

const runs = 'src/actors/tasks/run.ts';
const life = 'src/actors/tasks/run-life.ts';
const context = 'src/actors/tasks/run-context.ts';
const checkpoints = 'src/actors/tasks/checkpoints.ts';
const cut = 'src/actors/tasks/cut.ts';
const facts = 'test/runtime/task-facts.test.ts';
const run = 'test/runtime/task-runs.test.ts';
const tasks = 'test/runtime/tasks.test.ts';
const doors = 'test/runtime/task-doors.test.ts';
const cuts = 'test/runtime/task-cut.test.ts';

export const taskRunMutants: readonly Mutant[] = [
  {
    name: 'calls a task failed whose budget is used up',
    breaks: ['B3'],
    file: runs,
    find: `if (context.exhausted !== undefined) return { type: 'exhausted', of: context.exhausted };`,
    replace: '',
    caughtBy: facts,
    by: 'when its runner …',
  },
  {
    name: 'keeps a key that a runner has thrown',
    breaks: ['B5', 'T4'],
    file: runs,
    find: 'redactText(said.toWellFormed())',
    replace: 'said.toWellFormed()',
    caughtBy: run,
    by: 'that throws fails its task, and no key is in what is kept of it',
  },
  {
    name: 'begins a tool while it stops',
    breaks: ['B4'],
    file: life,
    find: `if (this.#phase !== 'running') throw this.runOver();`,
    replace: `if (this.#phase === 'over') throw this.runOver();`,
    caughtBy: run,
    by: 'lets a tool end, begins no other, and the next open goes on',
  },
  {
    name: 'ends a run at a close while its tool is at work',
    breaks: ['B4'],
    file: life,
    find: `this.#phase = 'stopping';\n    if (this.#toolsUnderWay === 0) this.end();`,
    replace: `this.#phase = 'stopping';\n    this.end();`,
    caughtBy: run,
    by: 'lets a tool end, begins no other, and the next open goes on',
  },
  {
    name: 'lets a run that stops go on after its last tool',
    breaks: ['B4'],
    file: life,
    find: `if (this.#phase === 'stopping') this.end();`,
    replace: '',
    caughtBy: run,
    by: 'lets a tool end, begins no other, and the next open goes on',
  },
  {
    name: 'tells no run that its task was cancelled',
    breaks: ['B3'],
    file: life,
    find: `else signal.addEventListener('abort', () => this.cut(), { once: true });`,
    replace: `else signal.addEventListener('abort', () => this.checkRuns(), { once: true });`,
    caughtBy: tasks,
    by: 'cancelled while it runs waits for its runner, whose words are refused',
  },
  {
    name: 'runs a tool twice that is called twice at once',
    breaks: ['B2'],
    file: context,
    find: 'const known = this.#calls.get(callId);',
    replace: `const known = this.#calls.get('');`,
    caughtBy: doors,
    by: 'a call that is under way is not begun a second time',
  },
  {
    name: 'runs a tool before its start is on disk',
    breaks: ['B2'],
    file: context,
    find: `await this.say({ type: 'tool.started', callId, name, idempotent }, { check });
    const record = await ended(run, life.toolSignal);`,
    replace: `const record = await ended(run, life.toolSignal);
    await this.say({ type: 'tool.started', callId, name, idempotent }, { check });`,
    caughtBy: facts,
    by: 'stops the task where it may not, until somebody says what it gave',
    hangs: true,
  },
  {
    name: 'forgets that a budget was used up',
    breaks: ['B3'],
    file: context,
    find: 'this.#exhausted ??= of;',
    replace: 'this.#exhausted ??= undefined;',
    caughtBy: facts,
    by: 'when its runner …',
  },
  {
    name: 'lets a task have one iteration more',
    breaks: ['B3'],
    file: context,
    find: 'if (n > maxIterations) throw',
    replace: 'if (n > maxIterations + 1) throw',
    caughtBy: facts,
    by: 'when its runner …',
  },
  {
    name: 'makes its sub-tasks anew at each run',
    breaks: ['B4'],
    file: context,
    find: 'JSON.stringify([taskId, this.#options.task.life, key])',
    replace: 'JSON.stringify([taskId, this.#options.run, key])',
    caughtBy: run,
    by: 'are made once for each key over restarts, and never wait for the place of their parent',
  },
  {
    name: 'makes parts of a checkpoint that do not fit once they are written',
    breaks: ['B4'],
    file: checkpoints,
    find: 'Math.floor((limits.payloadBytesMax - 2) / 2)',
    replace: 'Math.floor(limits.payloadBytesMax - 2)',
    caughtBy: cuts,
    by: 'each fit a payload, whatever is escaped in them',
  },
  {
    name: 'parts a checkpoint within a character',
    breaks: ['B4'],
    file: checkpoints,
    find: 'back < CODE_POINT_BYTES_MAX && isContinuation',
    replace: 'back < CODE_POINT_BYTES_MAX - 1 && isContinuation',
    caughtBy: cuts,
    by: 'make the text again, end between code points, and are within their bound',
  },
  {
    name: 'cuts within a grapheme',
    breaks: ['B5'],
    file: cut,
    find: 'const start = graphemesOf(text).containing(units)?.index ?? units;',
    replace: 'const start = units;',
    caughtBy: cuts,
    by: 'is between graphemes, within its bound, and leaves off no more than it must',
  },
  {
    name: 'counts the characters of a text for its bytes',
    breaks: ['B5'],
    file: cut,
    find: 'if (jsonBytes(text.slice(0, middle).toWellFormed()) <= jsonBytesMax)',
    replace: 'if (text.slice(0, middle).length <= jsonBytesMax)',
    caughtBy: cuts,
    by: 'is between graphemes, within its bound, and leaves off no more than it must',
  },
  {
    name: 'leaves half of a character at a cut',
    breaks: ['B5'],
    file: cut,
    find: 'return isWithinPair(text, fits) ? fits - 1 : fits;',
    replace: 'return fits;',
    caughtBy: cuts,
    by: 'of one endless grapheme is between code points',
  },
];
