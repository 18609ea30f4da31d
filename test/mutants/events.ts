/** Mutants of what an actor hears, and of what is kept of it (K3, K10, K12, K13, K15). */
import type { Mutant } from './mutant.js';

const turn = 'src/actors/kernel/turn.ts';
const kernelTest = 'test/kernel/kernel.test.ts';
const duplicate = 'settles a duplicate with the original commit and applies it once';
const turnTest = 'test/kernel/turn.test.ts';
const knowsAnId = 'K15: an event id is forgotten after a day, and not before';
const timesAndNumbers = 'K10: gives each event its time and chance, the same again at a replay';
const aUniqueKey = 'go to one of those who ask at once, and to the next when it is given back';
const lifecycle = 'test/kernel/lifecycle.test.ts';

export const eventMutants: readonly Mutant[] = [
  {
    name: 'writes no dedupe row',
    breaks: ['P1', 'K15'],
    file: turn,
    find: '      this.#stage.put(dedupeKey, this.#turn.envelope.seq);\n',
    replace: '',
    caughtBy: kernelTest,
    by: duplicate,
  },
  {
    name: 'looks a duplicate up on disk alone',
    breaks: ['P1', 'K3', 'K15'],
    file: 'src/actors/kernel/stepper.ts',
    find: 'const seen = this.#loop.read(key);',
    replace: 'const seen = this.#loop.peek(key) === null ? this.#loop.read(key) : undefined;',
    caughtBy: kernelTest,
    by: duplicate,
  },
  {
    name: 'forgets an id at once',
    breaks: ['P1', 'K15'],
    file: turn,
    find: 'hourOf(this.#turn.envelope.at + limits.dedupeTtlMs)',
    replace: 'hourOf(this.#turn.envelope.at)',
    caughtBy: turnTest,
    by: knowsAnId,
  },
  {
    name: 'keeps dedupe rows for ever',
    breaks: ['K11', 'K15'],
    file: turn,
    find: '      this.#stage.expire(hourOf(this.#turn.envelope.at + limits.dedupeTtlMs), dedupeKey);\n',
    replace: '',
    caughtBy: turnTest,
    by: knowsAnId,
  },
  {
    name: 'keeps the object of its caller',
    breaks: ['P1', 'K2'],
    file: 'src/actors/kernel/door.ts',
    find: 'if (flat !== undefined) return flat as JsonEvent;',
    replace: 'if (flat !== undefined) return event as JsonEvent;',
    caughtBy: kernelTest,
    by: 'takes an event as it was when it was sent, whatever becomes of the object',
  },
  {
    name: 'does not say what it expects of an actor',
    breaks: ['P1', 'K3'],
    file: turn,
    find: '    this.#stage.expect(address, record?.seq ?? 0);\n',
    replace: '',
    caughtBy: 'test/kernel/commit-loop.test.ts',
    by: 'K3: a batch says what it expects of its actors, so that no step of another writer is lost',
  },
  {
    name: 'writes no journal entry',
    breaks: ['K10'],
    file: turn,
    find: '    this.#stage.putText(keys.journal(address, seq), entryText);\n',
    replace: '',
    caughtBy: kernelTest,
    by: 'takes an actor from creation to its end, one commit a step, and can replay it',
  },
  {
    name: 'throws other dice in a replay',
    breaks: ['K10'],
    file: 'src/actors/kernel/replay.ts',
    find: 'random: randomOf(address, seq)',
    replace: 'random: randomOf(id, seq)',
    caughtBy: turnTest,
    by: timesAndNumbers,
  },
  {
    name: 'lets the time of an actor run backwards',
    breaks: ['K10'],
    file: 'src/actors/kernel/envelope.ts',
    find: 'const at = Math.max(now, record?.at ?? 0);',
    replace: 'const at = record === undefined ? now : Math.max(now, 0);',
    caughtBy: turnTest,
    by: timesAndNumbers,
  },
  {
    name: 'takes an event with the reserved key',
    breaks: ['K10'],
    file: 'src/actors/kernel/door.ts',
    find: `  if ('$' in event) throw refuse('has the reserved key "$"');\n`,
    replace: '',
    caughtBy: kernelTest,
    by: 'refuses events it could not store, and actors it does not have',
  },
  {
    name: 'does not count the state that was left',
    breaks: ['K12'],
    file: turn,
    find: 'record.hash, earlier), -1);',
    replace: 'record.hash, earlier), 0);',
    caughtBy: kernelTest,
    by: 'removes a finished actor after its retention, with all its rows but dedupe',
  },
  {
    name: 'leaves an index row that is no longer true',
    breaks: ['K3'],
    file: 'src/actors/kernel/indexed.ts',
    find: '  for (const key of missing(before.keys, next.keys)) stage.delete(key);\n',
    replace: '',
    caughtBy: lifecycle,
    by: aUniqueKey,
  },
  {
    name: 'does not look for a unique key among staged rows',
    breaks: ['K3'],
    file: 'src/actors/kernel/uniques.ts',
    find: 'const holder = await this.#loop.read(key);',
    replace: `const staged = this.#loop.peek(key);
      const holder = staged === null ? await this.#loop.read(key) : undefined;`,
    caughtBy: lifecycle,
    by: aUniqueKey,
  },
  {
    name: 'writes an amortized record without its checkpoint',
    breaks: ['P1', 'K10'],
    file: turn,
    find: 'checkpointBytes: this.#stage.put(keys.checkpoint(address, seq - 1), record) };',
    replace: 'checkpointBytes: JSON.stringify(record).length };',
    caughtBy: 'test/kernel/amortized.test.ts',
    by: 'come back as those written with each step, after any number of steps and a crash',
  },
];
