/**
 * What the simulator renders: a PNG or an MP4 of coloured waves, small and real.
 *
 * The PNG is 64x64 truecolour. The MP4 is 64x64, 10 frames a second, 2 seconds: ten distinct pictures, each
 * held for two frames, as constrained-baseline H.264 (I_PCM and skip pictures). Browsers, VLC and ffmpeg play
 * it; there is no sound. Both carry the SHA-256 of their prompt as text, and noise up to the size asked for,
 * in parts that readers skip.
 *
 * Callers: the dialects, tests. Invariants:
 *  A1  The bytes depend on kind, prompt, seed, index and size alone: never on a task, an account or the time.
 *  A2  Two prompts give two different files.
 */
import { sha256Hex } from '../ids.js';
import { fraction, noise } from './chance.js';
import { keyPicture, MACROBLOCK, pictureParameters, sequenceParameters, skipPicture } from './h264.js';
import type { Access, Frame } from './h264.js';
import { BOX_FRAME_BYTES, encodeMp4 } from './mp4.js';
import { CHUNK_FRAME_BYTES, encodePng } from './png.js';

export interface ArtifactRequest {
  readonly kind: 'video' | 'image';
  readonly prompt: string;
  readonly seed: number;
  /** Which of several artifacts of one task. */
  readonly index: number;
  /** The file is padded up to this size; it is never cut down to it. */
  readonly bytesMin: number;
}

export interface Artifact {
  readonly bytes: Uint8Array;
  readonly mime: 'video/mp4' | 'image/png';
}

const SIDE_MACROBLOCKS = 4;
const SIDE = SIDE_MACROBLOCKS * MACROBLOCK;
const PICTURES = 10;
const FRAMES_PER_SECOND = 10;
const NOTE = 'holdfast-simulator promptSha256=';
const NO_PADDING = new Uint8Array(0);

/** Renders one artifact; equal requests give equal bytes. */
export function renderArtifact(request: ArtifactRequest): Artifact {
  const name = `${request.kind}\0${request.seed}\0${request.index}\0${request.prompt}`;
  const promptSha256 = sha256Hex(request.prompt);
  if (request.kind === 'image') {
    const encode = (padding: Uint8Array) =>
      encodePng({ width: SIDE, height: SIDE, rgb: rgbWaves(name) }, { promptSha256 }, padding);
    return { bytes: padded(name, request.bytesMin, CHUNK_FRAME_BYTES, encode), mime: 'image/png' };
  }
  const movie = {
    width: SIDE,
    height: SIDE,
    framesPerSecond: FRAMES_PER_SECOND,
    sequenceParameters: sequenceParameters(SIDE_MACROBLOCKS, SIDE_MACROBLOCKS),
    pictureParameters: pictureParameters(),
    frames: movingWaves(name),
  };
  const encode = (padding: Uint8Array) => encodeMp4(movie, `${NOTE}${promptSha256}`, padding);
  return { bytes: padded(name, request.bytesMin, BOX_FRAME_BYTES, encode), mime: 'video/mp4' };
}

function padded(
  name: string,
  bytesMin: number,
  frameBytes: number,
  encode: (padding: Uint8Array) => Uint8Array,
): Uint8Array {
  const bare = encode(NO_PADDING);
  const missing = bytesMin - bare.length - frameBytes;
  return missing > 0 ? encode(noise(name, missing)) : bare;
}

function rgbWaves(name: string): Uint8Array {
  const wave = waves(name);
  const rgb = new Uint8Array(SIDE * SIDE * 3);
  for (let y = 0; y < SIDE; y += 1) {
    for (let x = 0; x < SIDE; x += 1) rgb.set(wave(x, y, 0), (y * SIDE + x) * 3);
  }
  return rgb;
}

function movingWaves(name: string): readonly Access[] {
  const wave = waves(name);
  const frames: Access[] = [];
  for (let picture = 0; picture < PICTURES; picture += 1) {
    const frame: Frame = {
      widthMacroblocks: SIDE_MACROBLOCKS,
      heightMacroblocks: SIDE_MACROBLOCKS,
      sample: (x, y) => wave(x, y, picture),
    };
    frames.push(keyPicture(frame, picture % 2), skipPicture(frame, 1));
  }
  return frames;
}

/** Three channels of 16..240 at a point and a moment; direction, phase and pace come from `name`. */
function waves(name: string): (x: number, y: number, moment: number) => [number, number, number] {
  const channel = (index: number) => {
    const angle = 2 * Math.PI * fraction(index, `${name}\0angle`);
    const phase = 2 * Math.PI * fraction(index, `${name}\0phase`);
    const length = 12 + 28 * fraction(index, `${name}\0length`);
    return (x: number, y: number, moment: number) => {
      const along = (x * Math.cos(angle) + y * Math.sin(angle)) / length;
      // 18 to 238: within what H.264 calls legal samples, and far from bytes that need escaping.
      return Math.round(128 + 110 * Math.sin(2 * Math.PI * (along + moment / PICTURES) + phase));
    };
  };
  const [first, second, third] = [channel(0), channel(1), channel(2)];
  return (x, y, moment) => [first(x, y, moment), second(x, y, moment), third(x, y, moment)];
}
