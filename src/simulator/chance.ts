/**
 * Chance without chance: numbers and bytes that follow from a seed and a name alone.
 *
 * Callers: this room. Invariants:
 *  C1  The same arguments give the same value in every process, on every machine.
 *  C2  Nothing is drawn from a shared stream: asking for one value never moves another.
 */
import { sha256Hex } from '../ids.js';

/** A number in [0, 1) that belongs to `name` under `seed`. */
export function fraction(seed: number, name: string): number {
  return Number.parseInt(sha256Hex(`${seed}\0${name}`).slice(0, 13), 16) / 2 ** 52;
}

/** A whole number from `min` to `max`, both included. */
export function between(seed: number, name: string, min: number, max: number): number {
  return min + Math.floor(fraction(seed, name) * (max - min + 1));
}

/** Bytes that do not compress, made from `name` (xorshift32: 1 MiB takes about 3 ms). */
export function noise(name: string, byteCount: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(byteCount / 4));
  let state = Number.parseInt(sha256Hex(name).slice(0, 8), 16) | 1;
  for (let index = 0; index < words.length; index += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[index] = state;
  }
  return new Uint8Array(words.buffer, 0, byteCount);
}
