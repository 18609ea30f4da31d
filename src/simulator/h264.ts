/**
 * The smallest honest H.264 encoder: baseline profile, CAVLC, I_PCM macroblocks and all-skip pictures.
 *
 * An IDR picture carries its samples uncompressed (384 bytes a macroblock); a skip picture repeats the one
 * before in a few bytes. Callers: artifacts.ts, mp4.ts (types). Invariants:
 *  H1  Picture order is decoding order (pic_order_cnt_type 2): no reordering, no edit list.
 *  H2  Samples stay within 16..240, so that no start code can appear in them; headers are escaped all the
 *      same.
 */
export interface Frame {
  readonly widthMacroblocks: number;
  readonly heightMacroblocks: number;
  /** Luma, Cb and Cr at a point, 16..240 each; chroma is asked for at even points alone. */
  sample(x: number, y: number): readonly [number, number, number];
}

export interface Access {
  /** One NAL unit, without a length or start code. */
  readonly nal: Uint8Array;
  readonly key: boolean;
}

const SAMPLE_MIN = 16;
const SAMPLE_MAX = 240;
export const MACROBLOCK = 16;

/** Sequence parameters: profile 66 (constrained baseline), level 3.0. */
export function sequenceParameters(widthMacroblocks: number, heightMacroblocks: number): Uint8Array {
  const bits = new BitWriter();
  bits.fixed(66, 8).fixed(0xc0, 8).fixed(30, 8);
  bits.ue(0).ue(0).ue(2).ue(1).fixed(0, 1);
  bits.ue(widthMacroblocks - 1).ue(heightMacroblocks - 1);
  // frame_mbs_only, direct_8x8_inference, no cropping, no VUI
  bits.fixed(0b1100, 4);
  return nal(0x67, bits.closed());
}

/** Picture parameters: CAVLC, one slice group, deblocking controlled by the slice. */
export function pictureParameters(): Uint8Array {
  const bits = new BitWriter();
  bits.ue(0).ue(0).fixed(0, 2).ue(0).ue(0).ue(0).fixed(0, 3);
  // Three signed zeros (QP, QS, chroma offset), then: deblocking control, no constrained intra, no
  // redundancy.
  bits.ue(0).ue(0).ue(0).fixed(0b100, 3);
  return nal(0x68, bits.closed());
}

/** An IDR picture. Two that follow each other need different `idrId`s. */
export function keyPicture(frame: Frame, idrId: number): Access {
  const bits = new BitWriter();
  bits.ue(0).ue(7).ue(0).fixed(0, 4).ue(idrId).fixed(0, 2).ue(0).ue(1);
  for (let row = 0; row < frame.heightMacroblocks; row += 1) {
    for (let column = 0; column < frame.widthMacroblocks; column += 1) {
      bits
        .ue(25)
        .align(0)
        .bytes(macroblock(frame, column * MACROBLOCK, row * MACROBLOCK));
    }
  }
  return { nal: nal(0x65, bits.closed()), key: true };
}

/** A picture equal to the one before it; `frameNumber` counts from its IDR picture (1 to 15). */
export function skipPicture(frame: Frame, frameNumber: number): Access {
  const bits = new BitWriter();
  bits.ue(0).ue(5).ue(0).fixed(frameNumber, 4);
  // No override, no list modification, no adaptive marking.
  bits.fixed(0, 3).ue(0).ue(1);
  bits.ue(frame.widthMacroblocks * frame.heightMacroblocks);
  return { nal: nal(0x41, bits.closed()), key: false };
}

function macroblock(frame: Frame, left: number, top: number): Uint8Array {
  const samples = new Uint8Array(384);
  for (let y = 0; y < MACROBLOCK; y += 1) {
    for (let x = 0; x < MACROBLOCK; x += 1) {
      const [luma, cb, cr] = frame.sample(left + x, top + y);
      samples[y * MACROBLOCK + x] = clamped(luma);
      if (x % 2 === 1 || y % 2 === 1) continue;
      const chroma = 256 + (y / 2) * 8 + x / 2;
      samples[chroma] = clamped(cb);
      samples[chroma + 64] = clamped(cr);
    }
  }
  return samples;
}

function clamped(value: number): number {
  return Math.max(SAMPLE_MIN, Math.min(SAMPLE_MAX, Math.round(value)));
}

/** Header byte plus payload, with an emulation prevention byte wherever two zeros meet 0 to 3. */
function nal(header: number, payload: Uint8Array): Uint8Array {
  const escaped: number[] = [header];
  let zeros = 0;
  for (const byte of payload) {
    if (zeros >= 2 && byte <= 3) {
      escaped.push(3);
      zeros = 0;
    }
    escaped.push(byte);
    zeros = byte === 0 ? zeros + 1 : 0;
  }
  return Uint8Array.from(escaped);
}

/** Bits, most significant first. Owns one growing byte list; used once, then closed. */
class BitWriter {
  readonly #bytes: number[] = [];
  #current = 0;
  #used = 0;

  fixed(value: number, width: number): this {
    for (let bit = width - 1; bit >= 0; bit -= 1) this.#bit((value >>> bit) & 1);
    return this;
  }

  /** Exp-Golomb, unsigned. A signed zero has the same single bit. */
  ue(value: number): this {
    const width = 32 - Math.clz32(value + 1);
    return this.fixed(0, width - 1).fixed(value + 1, width);
  }

  align(fill: 0 | 1): this {
    while (this.#used > 0) this.#bit(fill);
    return this;
  }

  /** Whole bytes; only when aligned. */
  bytes(values: Uint8Array): this {
    for (const value of values) this.#bytes.push(value);
    return this;
  }

  /** The stop bit, then zeros to the end of the byte. */
  closed(): Uint8Array {
    this.#bit(1);
    this.align(0);
    return Uint8Array.from(this.#bytes);
  }

  #bit(bit: number): void {
    this.#current = (this.#current << 1) | bit;
    this.#used += 1;
    if (this.#used < 8) return;
    this.#bytes.push(this.#current);
    this.#current = 0;
    this.#used = 0;
  }
}
