/**
 * A checkpoint's state in rows: its JSON as text, in parts that each fit a payload.
 *
 * Callers: run.ts, run-context.ts. Invariants:
 *  1  Joined, the parts are the text; a part ends between code points.
 *  2  A part takes no more than a payload may, whatever is escaped in it: JSON as a JSON string at most
 *     doubles.
 */
import { HoldfastError } from '../../errors.js';
import type { Json } from '../../json.js';
import { limits } from '../../limits.js';
import { taskRows, type TaskCheckpoint } from '../../machines/index.js';
import { checkedJson } from '../checked.js';
import type { Kernel } from '../kernel/index.js';

const PART_BYTES_MAX = Math.floor((limits.payloadBytesMax - 2) / 2);
/** UTF-8 has no code point that takes more. */
const CODE_POINT_BYTES_MAX = 4;

export interface CheckpointParts {
  readonly parts: number;
  readonly chars: number;
  readonly payloads: Readonly<Record<string, Json>>;
}

/** Throws INVALID_INPUT for what is not JSON, or too much of it. */
export function checkpointParts(state: unknown): CheckpointParts {
  const { text } = checkedJson('state', state, limits.taskCheckpointBytesMax);
  const parts = partsOf(text, PART_BYTES_MAX);
  const rows = parts.map((part, at) => [taskRows.checkpoint(at), part] as const);
  return { parts: parts.length, chars: text.length, payloads: Object.fromEntries(rows) };
}

/** The parts of a well-formed text, each of `bytesMax` (4 or more) bytes of UTF-8 at most. */
export function partsOf(text: string, bytesMax: number): readonly string[] {
  const bytes = Buffer.from(text);
  const parts: string[] = [];
  for (let from = 0; from < bytes.length;) {
    let to = Math.min(from + bytesMax, bytes.length);
    for (let back = 1; back < CODE_POINT_BYTES_MAX && isContinuation(bytes[to]); back += 1) to -= 1;
    parts.push(bytes.toString('utf8', from, to));
    from = to;
  }
  return parts;
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0b1100_0000) === 0b1000_0000;
}

/** The state that was kept last; undefined where there is none. Throws STORE_CORRUPTED. */
export async function readCheckpoint(
  kernel: Kernel,
  address: string,
  checkpoint: TaskCheckpoint | undefined,
): Promise<Json | undefined> {
  if (checkpoint === undefined) return undefined;
  const names = Array.from({ length: checkpoint.parts }, (_none, at) => taskRows.checkpoint(at));
  const parts = await Promise.all(names.map((name) => kernel.reader.payload(address, name)));
  const { index } = checkpoint;
  const texts = parts.filter((part) => typeof part === 'string');
  if (texts.length < parts.length) {
    const message = `${address}: checkpoint ${index} has ${texts.length} of ${parts.length} parts`;
    throw new HoldfastError('STORE_CORRUPTED', message);
  }
  try {
    // Its length may be another: a capsule without its secrets has other texts in their places.
    return JSON.parse(texts.join('')) as Json;
  } catch (cause) {
    throw new HoldfastError('STORE_CORRUPTED', `${address}: checkpoint ${index} is no JSON`, { cause });
  }
}
