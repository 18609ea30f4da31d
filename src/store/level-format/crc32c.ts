/**
 * CRC-32C (Castagnoli), as LevelDB masks and stores it beside its blocks and log records.
 *
 * Pure. Callers: the readers of LevelDB's files in this folder. zlib's `crc32` is another polynomial.
 */
import { crc32c } from '@node-rs/crc32';

const MASK_DELTA = 0xa2_82_ea_d8;

/** The masked CRC of the bytes from `from` to `to`. */
export function maskedCrc(bytes: Uint8Array, from: number, to: number): number {
  const crc = crc32c(bytes.subarray(from, to));
  return (((crc >>> 15) | (crc << 17)) + MASK_DELTA) >>> 0;
}
