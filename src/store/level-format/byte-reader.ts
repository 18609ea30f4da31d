/**
 * Reads LevelDB's numbers and lengths from bytes that may be damaged.
 *
 * Callers: the readers of LevelDB's files in this folder. Invariant: a read beyond the end, or a number that
 * is none, throws `MalformedBytes`; nothing else is thrown.
 */

/**
 * The bytes are not what their format says. Never leaves the store room: each reader makes a finding of
 * it.
 */
export class MalformedBytes extends Error {
  override readonly name = 'MalformedBytes';
}

const VARINT_BYTES_MAX = 10;

export class ByteReader {
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Buffer, at = 0) {
    this.#bytes = bytes;
    this.#at = at;
  }

  get ended(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** A number of 7 bits a byte, least significant first. */
  varint(): number {
    let value = 0;
    let scale = 1;
    for (let count = 0; count < VARINT_BYTES_MAX; count += 1) {
      const byte = this.#bytes[this.#at];
      if (byte === undefined) throw new MalformedBytes('a number is cut off');
      this.#at += 1;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (Number.isSafeInteger(value)) return value;
        break;
      }
      scale *= 128;
    }
    throw new MalformedBytes('a number is out of range');
  }

  take(length: number): Buffer {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new MalformedBytes('a text is cut off');
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }

  /** Bytes with their length before them. */
  text(): Buffer {
    return this.take(this.varint());
  }
}

/** The number as a varint. */
export function varintOf(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 128) {
    bytes.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
  return Buffer.from(bytes);
}
