/**
 * What a run leaves behind, and what it may: the same store as a run without a crash, and a ledger that obeys
 * each source's policy.
 *
 * Callers: the tests of this folder.
 * Invariants:
 *  C1  stores are compared row by row; what is left out is the number of a commit (a crash adds some) and
 *      what follows from it: `epoch`, `commit`, the `ord` in keys, the started mark;
 *  C2  times are compared as well: a crash and its recovery take no simulated time.
 */
import { strict as assert } from 'node:assert';
import { checkReplay } from '../../src/actors/kernel/index.js';
import type { ActorRecord, EffectRow, JournalEntry } from '../../src/actors/kernel/record.js';
import { canonicalJson, type Json } from '../../src/json.js';
import { partsOf } from '../../src/store/keys.js';
import { isOfChart, type World } from './world.js';

/** Everything a run left, in words that do not depend on how often it crashed. */
export type Traces = Readonly<Record<string, readonly string[]>>;

export async function tracesOf(world: World): Promise<Traces> {
  const rows = async (
    letter: Parameters<World['rows']>[0],
    say: (key: string, text: string) => string,
  ): Promise<string[]> => (await world.rows(letter)).map(([key, text]) => say(key, text)).toSorted();
  const whole = (key: string, text: string): string => `${partsOf(key).join(' ')} = ${text}`;
  return {
    records: await rows('s', (key, text) => `${partsOf(key)[0] ?? ''} ${recordOf(text)}`),
    journals: await rows('j', (key, text) => `${partsOf(key).join(' ')} ${entryOf(text)}`),
    timers: await rows('d', whole),
    effects: await rows('o', (_key, text) => effectOf(text)),
    inbox: await rows('i', whole),
    dedupe: await rows('x', whole),
    indexes: await rows('q', (key, text) => `${partsOf(key).slice(0, -1).join(' ')} = ${text}`),
    counts: await rows('n', whole),
    history: await rows('h', (key, text) => `${partsOf(key)[0] ?? ''} ${text}`),
    payloads: await rows('p', whole),
  };
}

function recordOf(text: string): string {
  const { epoch: _epoch, ord: _ord, marks: _marks, ...record } = JSON.parse(text) as ActorRecord;
  const effects = record.effects.map(({ ord: _of, ...effect }) => effect);
  return canonicalJson({ ...record, effects } as unknown as Json);
}

function entryOf(text: string): string {
  const { commit: _commit, ...entry } = JSON.parse(text) as JournalEntry;
  return canonicalJson(JSON.parse(JSON.stringify(entry)) as Json);
}

function effectOf(text: string): string {
  const { started: _started, ...row } = JSON.parse(text) as EffectRow;
  return canonicalJson(row as unknown as Json);
}

/**
 * What holds after every run: gapless journals that replay to their snapshots, no row without its actor, and
 * each result consumed once.
 */
export async function auditWorld(world: World): Promise<void> {
  const timers = (await world.rows('d')).length;
  const effects = (await world.rows('o')).map(([, text]) => JSON.parse(text) as EffectRow);
  let timersKnown = 0;
  const effectsKnown: string[] = [];
  for (const [key, text] of await world.rows('s')) {
    const address = partsOf(key)[0] ?? '';
    const record = JSON.parse(text) as ActorRecord;
    assert.equal(record.quarantine, undefined, `${address} stands still`);
    timersKnown += record.timers.length;
    effectsKnown.push(...record.effects.map(({ id }) => `${address}/${id}`));
    if (record.status !== 'active') {
      assert.deepEqual(record.effects, [], `${address} is over`);
      assert.deepEqual(record.timers.filter(isOfChart), [], `${address} is over`);
    }
    await auditJournal(world, address, record);
  }
  assert.equal(timers, timersKnown, 'timers without an actor');
  const found = effects.map(({ address, id }) => `${address}/${id}`);
  assert.deepEqual(found.toSorted(), effectsKnown.toSorted(), 'effects without an actor');
  assert.deepEqual(await world.rows('i'), [], 'events that nobody took');
}

async function auditJournal(world: World, address: string, record: ActorRecord): Promise<void> {
  const { kernel } = world.process;
  const entries = await kernel.reader.journal(address);
  const seqs = entries.map(({ seq }) => seq);
  const gapless = Array.from({ length: record.seq }, (_unused, index) => index + 1);
  assert.deepEqual(seqs, gapless, `${address}: its journal has gaps`);
  const definition = kernel.definitionOf(address.slice(0, address.indexOf('/')));
  if (definition === undefined) throw new Error(`${address} is of no known kind`);
  checkReplay({ definition, address, entries }, record.snapshot);
  const ids = entries.map(({ eventId }) => eventId);
  assert.equal(new Set(ids).size, ids.length, `${address}: an event was applied twice`);
}

/** Effects that came back as interrupted, by their ids. */
export async function interruptedIn(world: World): Promise<string[]> {
  const found: string[] = [];
  for (const [, text] of await world.rows('j')) {
    const { event, eventId } = JSON.parse(text) as JournalEntry;
    if (event.type === 'effect.interrupted') found.push(eventId);
  }
  return found;
}

/** Holds the ledger against the policy of each source. */
export async function auditLedger(world: World): Promise<void> {
  const interrupted = await interruptedIn(world);
  const called = new Map<string, number>();
  for (const [index, { src, effectId }] of world.ledger.entries()) {
    const calls = (called.get(effectId) ?? 0) + 1;
    called.set(effectId, calls);
    const recovery = recoveryOf(world, effectId, src);
    const proven = world.provenDone.get(effectId) ?? Infinity;
    assert.ok(index < proven, `${effectId} was run again although the probe said done`);
    if (recovery === 'manual') assert.equal(calls, 1, `${effectId} was repeated, and is manual`);
    assert.ok(calls <= world.crashes + 1, `${effectId} was called ${calls} times`);
  }
  for (const effectId of interrupted) {
    const src = srcOf(world, effectId);
    assert.equal(recoveryOf(world, effectId, src), 'manual', `${effectId} (${src}) was interrupted`);
  }
}

function srcOf(world: World, effectId: string): string {
  return world.ledger.find((call) => call.effectId === effectId)?.src ?? '';
}

function recoveryOf(world: World, effectId: string, src: string): string {
  const kind = effectId.slice(0, effectId.indexOf('/'));
  const definition = world.process.kernel.definitionOf(kind);
  // One that was interrupted before it ran is in no ledger: only a marked one can be.
  if (src === '') return 'manual';
  return definition?.policyOf(src).recovery ?? 'unknown';
}
