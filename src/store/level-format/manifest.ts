/**
 * What a manifest says: which tables make the database, up to which write, and which logs come after.
 *
 * Pure. Callers: level-files.ts, the file examiner. Invariant: a manifest that is damaged anywhere says
 * nothing.
 */
import { ByteReader, MalformedBytes } from './byte-reader.js';
import { readLog } from './log-format.js';

export interface Manifest {
  /** Number → bytes of each table that belongs to the database. */
  readonly tables: ReadonlyMap<number, number>;
  /** Logs from this number on are not in tables yet. */
  readonly logNumber: number;
  /** The number of the newest write the tables may hold. */
  readonly lastSequence: number;
}

interface Growing {
  readonly tables: Map<number, number>;
  logNumber: number | undefined;
  nextFile: number | undefined;
  lastSequence: number | undefined;
}

/** Throws `MalformedBytes` with the reason. */
export function readManifest(bytes: Buffer): Manifest {
  const { records, damage } = readLog(bytes);
  const [first] = damage;
  if (first !== undefined) throw new MalformedBytes(`at byte ${first.at} ${first.why}`);
  const growing: Growing = {
    tables: new Map(),
    logNumber: undefined,
    nextFile: undefined,
    lastSequence: undefined,
  };
  for (const record of records) apply(growing, new ByteReader(record));
  const { tables, logNumber, nextFile, lastSequence } = growing;
  if (logNumber === undefined || nextFile === undefined || lastSequence === undefined) {
    throw new MalformedBytes('it is cut short');
  }
  return { tables, logNumber, lastSequence };
}

function apply(manifest: Growing, edit: ByteReader): void {
  while (!edit.ended) {
    const tag = edit.varint();
    if (tag === 1) edit.text();
    else if (tag === 2) manifest.logNumber = edit.varint();
    else if (tag === 3) manifest.nextFile = edit.varint();
    else if (tag === 9) edit.varint();
    else if (tag === 4) manifest.lastSequence = edit.varint();
    else if (tag === 5) {
      edit.varint();
      edit.text();
    } else if (tag === 6) {
      edit.varint();
      manifest.tables.delete(edit.varint());
    } else if (tag === 7) {
      edit.varint();
      const number = edit.varint();
      manifest.tables.set(number, edit.varint());
      edit.text();
      edit.text();
    } else throw new MalformedBytes(`it has a field of an unknown sort ${tag}`);
  }
}

/** The numbers of the first and the last write in a record of a log; undefined when it is no batch. */
export function writesIn(record: Buffer): { readonly first: number; readonly last: number } | undefined {
  if (record.length < 12) return undefined;
  const first = Number(record.readBigUInt64LE(0));
  return { first, last: first + record.readUInt32LE(8) - 1 };
}
