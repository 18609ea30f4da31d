/**
 * An artifact that came with a provider's reply, onto our disk by the rules of a download.
 *
 * Callers: the effects of jobs. Invariants: D3 and D5 of download.ts; what is too large is refused before
 * it is decoded; a text that is no base64 is a transient fault, for the reply may have been damaged.
 */
import { limits } from '../limits.js';
import { diskFull, permanent, transient } from './download-outcome.js';
import type { DownloadOutcome } from './download-outcome.js';
import { PartFile } from './part-file.js';
import { bytesMaxOf, isFull, placeArtifact } from './place-artifact.js';
import type { InlineSource, JobKind } from './port.js';
import { errorCode, redactError } from './redact.js';

export interface InlineOptions {
  readonly source: InlineSource;
  readonly directory: string;
  readonly kind: JobKind;
  /** Default: 512 MiB for a video, 64 MiB for an image. */
  readonly bytesMax?: number;
}

/** Both alphabets, padded or not, in lines or not. */
const BASE64 = /^[A-Za-z\d+/_\-\s]*={0,2}\s*$/;
const CHUNK_CHARS = 4 * limits.sniffBytes * 16;

export async function receiveInline(options: InlineOptions): Promise<DownloadOutcome> {
  const { source, directory, kind } = options;
  const bytesMax = bytesMaxOf(kind, options.bytesMax);
  // Spaces make it look larger than it is, by a small part.
  if ((source.base64.length * 3) / 4 > bytesMax * 1.1) return tooLarge(bytesMax);
  if (!BASE64.test(source.base64)) return transient('mistyped', 'the inline artifact is no base64');
  let part: PartFile | undefined;
  try {
    part = await PartFile.open(directory);
    const text = source.base64.replaceAll(/\s/g, '');
    for (let from = 0; from < text.length; from += CHUNK_CHARS) {
      const chunk = Buffer.from(text.slice(from, from + CHUNK_CHARS), 'base64');
      if (part.bytes + chunk.byteLength > bytesMax) return tooLarge(bytesMax);
      await part.append(chunk, false);
    }
    return await placeArtifact(part, kind, 'inline');
  } catch (cause) {
    if (isFull(cause)) return diskFull(directory);
    return transient(errorCode(cause) ?? 'disk', redactError(cause));
  } finally {
    await part?.end('drop');
  }
}

function tooLarge(bytesMax: number): DownloadOutcome {
  return permanent('tooLarge', `the inline artifact has more than ${bytesMax} bytes`);
}
