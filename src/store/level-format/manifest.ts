/**
 * What a manifest says: which tables make the database, up to which write, and which logs come after.
 *
 * Pure. Callers: the file examiner. Invariant: a manifest that is damaged anywhere says nothing.
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
  logNumber: number;
  lastSequence: number;
}

/** Throws `MalformedBytes` with the reason. */
export function readManifest(bytes: Buffer): Manifest {
  const { records, damage } = readLog(bytes);
  const [first] = damage;
  if (first !== undefined) throw new MalformedBytes(`at byte ${first.at} ${first.why}`);
  if (records.length === 0) throw new MalformedBytes('it has no whole record');
  const manifest: Growing = { tables: new Map(), logNumber: 0, lastSequence: 0 };
  for (const record of records) apply(manifest, new ByteReader(record));
  return manifest;
}

function apply(manifest: Growing, edit: ByteReader): void {
  while (!edit.ended) {
    const tag = edit.varint();
    if (tag === 1) edit.text();
    else if (tag === 2) manifest.logNumber = edit.varint();
    else if (tag === 3 || tag === 9) edit.varint();
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

/** The number of the last write in a record of a log; 0 for a record that is too short to be a batch. */
export function sequenceOf(record: Buffer): number {
  if (record.length < 12) return 0;
  return Number(record.readBigUInt64LE(0)) + record.readUInt32LE(8) - 1;
}
