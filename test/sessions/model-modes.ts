/**
 * What queue modes make of messages, in the model.
 *
 * Callers: the tests of this folder, model.ts for its words.
 */
import { add, contentOf, refusalOf, remove, type Model, type Says, type Work } from './model.js';

export interface Mode {
  readonly mode: 'steer' | 'followup' | 'collect' | 'interrupt';
  readonly cap: number;
  readonly drop: 'old' | 'new' | 'summarize';
  readonly debounceMs: number;
}

/** A message under the mode of its channel; no turn runs. */
export function arrive(model: Model, now: number, work: Work, channel: string): Says {
  const { mode, cap, drop, debounceMs } = model.channels[channel] ?? model.mode;
  const refusal = refusalOf(model, now, work, 'report');
  if (refusal !== undefined) return refusal;
  const door = channel in model.channels ? channel : '';
  const before = waitingAt(model, door);
  if (mode !== 'interrupt' && drop === 'new' && before.length >= cap) return { said: 'SESSION_QUEUE_FULL' };
  if (mode === 'interrupt') {
    for (const seq of before) drops(model, seq, 'interrupt');
    const standIn = model.batches.find(({ seq }) => seq === model.standIns[door]?.seq);
    if (standIn !== undefined) {
      // What it stood for is counted as dropped already.
      remove(model, standIn);
      model.summaries -= 1;
    }
  }
  while (waitingAt(model, door).length >= cap)
    makeRoom(model, door, drop === 'summarize' ? 'summarize' : 'old');
  const isCollected = mode === 'collect';
  const merge = isCollected ? `Gcollect:${channel}` : 'N';
  const slot = isCollected ? 'J' : 'X';
  const availableAt = isCollected ? now + debounceMs : work.availableAt;
  // What a repetition is compared with is what was said, not what the mode made of it.
  const batch = add(model, { ...work, deliver: 'A', slot, merge, availableAt }, contentOf(work));
  batch.channel = channel;
  model.messages.push(batch.seq);
  if (isCollected) {
    for (const one of model.batches)
      if (model.messages.includes(one.seq) && one.work.merge === merge)
        one.work = { ...one.work, availableAt };
  }
  return { said: 'enqueued', seq: batch.seq, matches: true };
}

export function setMode(model: Model, change: Partial<Mode>, channel?: string): Says {
  if (channel === undefined) model.mode = { ...model.mode, ...change };
  else model.channels[channel] = { ...(model.channels[channel] ?? model.mode), ...change };
  return { said: 'set', mode: channel === undefined ? model.mode : model.channels[channel] };
}

/** Messages of channels with a mode of their own are counted apart, all others together. */
function waitingAt(model: Model, door: string): number[] {
  return model.messages.filter((seq) => {
    const { channel = '' } = model.batches.find((one) => one.seq === seq) ?? {};
    return (channel in model.channels ? channel : '') === door;
  });
}

function makeRoom(model: Model, door: string, by: 'old' | 'summarize'): void {
  const [seq] = waitingAt(model, door);
  const batch = model.batches.find((one) => one.seq === seq);
  if (batch === undefined) throw new Error('a message that waits is in the queue');
  const line = batch.work.text;
  if (by === 'old') return drops(model, batch.seq, by);
  const known = model.standIns[door];
  if (known === undefined) {
    model.messages = model.messages.filter((one) => one !== batch.seq);
    // What is left of the first stands in its place.
    if (batch.work.key !== undefined) delete model.keys[batch.work.key];
    model.counts.dropped[by] = (model.counts.dropped[by] ?? 0) + 1;
    model.standIns[door] = { seq: batch.seq, lines: [line] };
    model.summaries += 1;
    batch.work = { ...batch.work, deliver: 'A', slot: 'X', merge: 'N', availableAt: 0, keyRetentionMs: 0 };
    delete (batch.work as { key?: string }).key;
  } else {
    drops(model, batch.seq, by);
    known.lines.push(line);
  }
  const standIn = model.standIns[door];
  for (const one of model.batches)
    if (one.seq === standIn?.seq) one.work = { ...one.work, text: `dropped: ${standIn.lines.join(', ')}` };
}

function drops(model: Model, seq: number, by: string): void {
  const batch = model.batches.find((one) => one.seq === seq);
  if (batch !== undefined) remove(model, batch);
  model.counts.dropped[by] = (model.counts.dropped[by] ?? 0) + 1;
}
