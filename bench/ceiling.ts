/**
 * The ceiling: what a step costs when nothing but the step and its bytes are left.
 *
 * A bare loop of the kernel's own pure step (`step.ts`), and one grouped chained LevelDB batch of the rows
 * the kernel writes for the same step: same keys, same sizes, taken from a life recorded in the real
 * kernel. No checks, checksums, reads, dedupe, fences, index differences, callbacks or cache: a durable
 * host that does its work cannot reach it. Two of them:
 *  - `made`: record and journal entry are serialised at each step, as any program that keeps its state
 *    must;
 *  - `ready`: even their bytes are simply there. No program can do that; it shows what serialising costs.
 *
 * Callers: steps.ts. Invariants:
 *  1  One batch in flight, everything asked meanwhile forms the next: the kernel's grouping.
 *  2  Rows the kernel writes once a group (counts, expiry bucket, commit chain) are written once a group
 *     here.
 */
import { Level } from 'level';
import type { AnyMachineSnapshot } from 'xstate';
import { defineMachine } from '../src/actors/kernel/index.js';
import { initialStep, nextStep, persisted } from '../src/actors/kernel/step.js';
import { isPlainObject } from '../src/json.js';
import { encodeRow, encodeValue } from '../src/store/codec.js';
import { openMemoryStore } from '../src/store/index.js';
import { keys } from '../src/store/keys.js';
import type { Commit, Row } from '../src/store/store.js';
import { errandDefinition, errandInput, errandLife } from './errand.js';
import { kernelSubject, openKernel, type Durability, type Ids } from './kernel.js';
import { errandId, type Subject } from './lanes.js';
import { recording } from './recording.js';

/** A row of one step of any errand: its key around the places where the errand's id goes. */
interface RowTemplate {
  readonly keyParts: readonly string[];
  readonly value: string | undefined;
}

export type Bytes = 'made' | 'ready';

/** What the kernel wrote for one step of a life. */
export interface StepTemplate {
  /** Record, then journal entry, then the rest. */
  readonly own: readonly RowTemplate[];
  /** The record and the journal entry as objects, to be serialised anew. */
  readonly record: Readonly<Record<string, unknown>>;
  readonly entry: Readonly<Record<string, unknown>>;
  /** Rows that a group writes once, whatever steps are in it. */
  readonly counts: readonly Row[];
  /** What the step adds to its group's expiry bucket. */
  readonly expiring: string;
}

/** Sends one errand through its life in the real kernel and keeps what it wrote, a template a step. */
export async function recordLife(ids: Ids): Promise<StepTemplate[]> {
  const templates: StepTemplate[] = [];
  const store = recording(await openMemoryStore(), (commit) => templates.push(templateOf(commit)));
  const kernel = await openKernel(store);
  const subject = kernelSubject(kernel, store, ids);
  for (let step = 0; step <= errandLife.length; step += 1) await subject.step(errandId(0), step);
  await kernel.close();
  await store.close();
  if (templates.length !== errandLife.length + 1) throw new Error('a step is not one commit');
  return templates;
}

function templateOf(commit: Commit): StepTemplate {
  const rest: RowTemplate[] = [];
  const counts: Row[] = [];
  let expiring = '';
  for (const row of commit.rows) {
    const { key, value } = encodeRow(row);
    if (key.startsWith('n\0')) counts.push({ key, value });
    else if (key.startsWith('e\0')) expiring = row.value?.slice(1, -1) ?? '';
    else if (!key.startsWith('s\0') && !key.startsWith('j\0')) rest.push(rowTemplate(row));
  }
  const [record, entry] = ['s\0', 'j\0'].map((start) => commit.rows.find(({ key }) => key.startsWith(start)));
  if (record === undefined || entry === undefined) throw new Error('a step without record or journal entry');
  return {
    own: [rowTemplate(record), rowTemplate(entry), ...rest],
    record: parsed(record),
    entry: parsed(entry),
    counts,
    expiring,
  };
}

function rowTemplate(row: Row): RowTemplate {
  const { key, value } = encodeRow(row);
  return { keyParts: key.split(errandId(0)), value };
}

function parsed(row: Row): Record<string, unknown> {
  const value: unknown = JSON.parse(row.value ?? 'null');
  if (!isPlainObject(value)) throw new Error(`the row ${row.key} holds no object`);
  return value;
}

interface Group {
  readonly rows: Row[];
  readonly shared: Map<string, string | undefined>;
  expiring: string;
  readonly settle: (() => void)[];
}

export interface CeilingOptions {
  readonly directory: string;
  readonly durability: Durability;
  readonly life: readonly StepTemplate[];
  readonly bytes: Bytes;
}

/** Opens a bare database, lets `work` use the ceiling on it, closes it. */
export async function withCeiling<T>(
  options: CeilingOptions,
  work: (ceiling: Subject) => Promise<T>,
): Promise<T> {
  const { directory } = options;
  const level = new Level<string, string>(directory);
  // The kernel's own write buffer (level-store.ts): the same flushes at the same sizes.
  await level.open({ writeBufferSize: 16 * 1_048_576 });
  try {
    return await work(new Ceiling(level, options));
  } finally {
    await level.close();
  }
}

/** Takes the place of a value's version and checksum: as many bytes, nothing computed. */
const HEADER = '100000000';

class Ceiling implements Subject {
  readonly #level: Level<string, string>;
  readonly #options: CeilingOptions;
  readonly #machine = defineMachine(errandDefinition).steppable;
  readonly #snapshots = new Map<string, AnyMachineSnapshot>();
  readonly #link = encodeValue(JSON.stringify({ digest: '0'.repeat(8), chain: '0'.repeat(32), oldest: 1 }));
  #group: Group = newGroup();
  #writing = false;
  #commits = 0;

  constructor(level: Level<string, string>, options: CeilingOptions) {
    this.#level = level;
    this.#options = options;
  }

  readonly commits = (): number => this.#commits;

  readonly step = (errand: string, step: number): Promise<void> => {
    const event = errandLife[step - 1];
    const before = this.#snapshots.get(errand);
    const { snapshot } =
      event === undefined || before === undefined
        ? initialStep(this.#machine, errandInput)
        : nextStep(this.#machine, before, event);
    if (snapshot.status === 'active') this.#snapshots.set(errand, snapshot);
    else this.#snapshots.delete(errand);
    return this.#write(errand, step, snapshot);
  };

  #write(errand: string, step: number, snapshot: AnyMachineSnapshot): Promise<void> {
    const template = this.#options.life[step];
    if (template === undefined) throw new Error(`a life has no step ${step}`);
    const made = this.#options.bytes === 'made' ? this.#make(template, snapshot) : [];
    const group = this.#group;
    for (const [index, { keyParts, value }] of template.own.entries()) {
      group.rows.push({ key: keyParts.join(errand), value: made[index] ?? value });
    }
    for (const { key, value } of template.counts) group.shared.set(key, value);
    if (template.expiring !== '') group.expiring += `${template.expiring},`;
    return new Promise((resolve) => {
      group.settle.push(resolve);
      if (group.settle.length === 1 && !this.#writing) setImmediate(() => void this.#flush());
    });
  }

  /** Record and journal entry, in the order of a template's rows. */
  #make(template: StepTemplate, snapshot: AnyMachineSnapshot): string[] {
    const record = { ...template.record, snapshot: persisted(this.#machine, snapshot) };
    return [HEADER + JSON.stringify(record), HEADER + JSON.stringify(template.entry)];
  }

  async #flush(): Promise<void> {
    const group = this.#group;
    if (this.#writing || group.settle.length === 0) return;
    this.#group = newGroup();
    this.#writing = true;
    this.#commits += 1;
    const batch = this.#level.batch();
    for (const { key, value } of group.rows) {
      if (value === undefined) batch.del(key);
      else batch.put(key, value);
    }
    for (const [key, value] of group.shared) if (value !== undefined) batch.put(key, value);
    if (group.expiring !== '') batch.put(keys.expiry(1, this.#commits), group.expiring);
    batch.put(keys.chain(this.#commits), this.#link);
    await batch.write({ sync: this.#options.durability === 'power' });
    this.#writing = false;
    for (const settle of group.settle) settle();
    if (this.#group.settle.length > 0) setImmediate(() => void this.#flush());
  }
}

function newGroup(): Group {
  return { rows: [], shared: new Map(), expiring: '', settle: [] };
}

/** Rows and bytes (keys and values in stored form) of an average step, without what a group shares. */
export function sizeOf(life: readonly StepTemplate[]): { readonly rows: number; readonly bytes: number } {
  let rows = 0;
  let bytes = 0;
  for (const { own } of life) {
    rows += own.length;
    for (const { keyParts, value } of own) {
      bytes += Buffer.byteLength(keyParts.join(errandId(0))) + Buffer.byteLength(value ?? '');
    }
  }
  return { rows: rows / life.length, bytes: bytes / life.length };
}
