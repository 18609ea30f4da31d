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
  if (mode !== 'interrupt' && drop === 'new' && model.messages.length >= cap)
    return { said: 'SESSION_QUEUE_FULL' };
  if (mode === 'interrupt') {
    for (const seq of model.messages) drops(model, seq, 'interrupt');
    model.messages = [];
    model.summary = undefined;
  }
  while (model.messages.length >= cap) makeRoom(model, drop === 'summarize' ? 'summarize' : 'old');
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

function makeRoom(model: Model, by: 'old' | 'summarize'): void {
  const seq = model.messages.shift();
  const batch = model.batches.find((one) => one.seq === seq);
  if (batch === undefined) throw new Error('a message that waits is in the queue');
  const line = batch.work.text;
  if (by === 'old') return drops(model, batch.seq, by);
  if (model.summary === undefined) {
    // What is left of the first stands in its place.
    if (batch.work.key !== undefined) delete model.keys[batch.work.key];
    model.counts.dropped[by] = (model.counts.dropped[by] ?? 0) + 1;
    model.summary = { seq: batch.seq, lines: [line] };
    model.summaries += 1;
    batch.work = { ...batch.work, deliver: 'A', slot: 'X', merge: 'N', availableAt: 0, keyRetentionMs: 0 };
    delete (batch.work as { key?: string }).key;
  } else {
    drops(model, batch.seq, by);
    model.summary.lines.push(line);
  }
  const { summary } = model;
  for (const one of model.batches)
    if (one.seq === summary.seq) one.work = { ...one.work, text: `dropped: ${summary.lines.join(', ')}` };
}

function drops(model: Model, seq: number, by: string): void {
  const batch = model.batches.find((one) => one.seq === seq);
  if (batch !== undefined) remove(model, batch);
  model.counts.dropped[by] = (model.counts.dropped[by] ?? 0) + 1;
}
