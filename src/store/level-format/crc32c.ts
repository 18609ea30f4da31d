/**
 * CRC-32C (Castagnoli), as LevelDB masks and stores it beside its blocks and log records.
 *
 * Pure. Callers: the readers of LevelDB's files in this folder. zlib's `crc32` is another polynomial.
 */

const POLYNOMIAL = 0x82_f6_3b_78;
const MASK_DELTA = 0xa2_82_ea_d8;
const LANES = 8;

/** Eight tables of 256, one behind the other: eight bytes a turn. */
const TABLE: Readonly<Uint32Array> = table();

/** The masked CRC of the bytes from `from` to `to`, as LevelDB stores it. */
export function maskedCrc(bytes: Uint8Array, from: number, to: number): number {
  const crc = crc32c(bytes, from, to);
  return (((crc >>> 15) | (crc << 17)) + MASK_DELTA) >>> 0;
}

function crc32c(bytes: Uint8Array, from: number, to: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let crc = 0xff_ff_ff_ff;
  let index = from;
  for (; index + LANES <= to; index += LANES) {
    const low = crc ^ view.getUint32(index, true);
    const high = view.getUint32(index + 4, true);
    crc =
      of(0x700 + (low & 0xff)) ^
      of(0x600 + ((low >>> 8) & 0xff)) ^
      of(0x500 + ((low >>> 16) & 0xff)) ^
      of(0x400 + (low >>> 24)) ^
      of(0x300 + (high & 0xff)) ^
      of(0x200 + ((high >>> 8) & 0xff)) ^
      of(0x100 + ((high >>> 16) & 0xff)) ^
      of(high >>> 24);
  }
  for (; index < to; index += 1) crc = of((crc ^ view.getUint8(index)) & 0xff) ^ (crc >>> 8);
  return (crc ^ 0xff_ff_ff_ff) >>> 0;
}

function of(index: number): number {
  return TABLE[index] ?? 0;
}

function table(): Uint32Array {
  const entries = new Uint32Array(256 * LANES);
  for (let byte = 0; byte < 256; byte += 1) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
    entries[byte] = crc;
  }
  for (let index = 256; index < entries.length; index += 1) {
    const before = entries[index - 256] ?? 0;
    entries[index] = (entries[before & 0xff] ?? 0) ^ (before >>> 8);
  }
  return entries;
}
