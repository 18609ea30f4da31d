/**
 * What a file is by its first bytes, and whether that is what a job asked for.
 *
 * Callers: the download. Invariant: neither the URL, nor a header, nor a file name is asked: providers
 * serve error pages under any of them.
 */
import { fileTypeFromBuffer } from 'file-type';
import type { JobKind } from './port.js';

/** Extension by media type. What is not here (SVG, HTML, archives) is never stored as an artifact. */
const EXTENSIONS: Readonly<Record<JobKind, Readonly<Record<string, string>>>> = {
  video: {
    'video/mp4': 'mp4',
    'video/x-m4v': 'm4v',
    'video/quicktime': 'mov',
    'video/webm': 'webm',
    'video/matroska': 'mkv',
    'video/x-matroska': 'mkv',
  },
  image: {
    'image/png': 'png',
    'image/apng': 'png',
    'image/jpeg': 'jpg',
    'image/webp': 'webp',
    'image/gif': 'gif',
    'image/avif': 'avif',
  },
};

export type Sniffed =
  | {
      readonly type: 'match';
      readonly mime: string;
      readonly extension: string;
      readonly width?: number;
      readonly height?: number;
    }
  /** A picture or a film, but the other one: asking again will not help. */
  | { readonly type: 'otherKind'; readonly mime: string }
  /** Most likely an error page: asking again may help. */
  | { readonly type: 'noMedia'; readonly mime: string | undefined };

/** `head`: the first `limits.sniffBytes` bytes, or all of a shorter file. */
export async function sniff(head: Uint8Array, kind: JobKind): Promise<Sniffed> {
  const mime = (await fileTypeFromBuffer(head))?.mime;
  const extension = mime === undefined ? undefined : EXTENSIONS[kind][mime];
  if (mime !== undefined && extension !== undefined) {
    return { type: 'match', mime, extension, ...pngSize(head, mime) };
  }
  const isMedia = mime !== undefined && /^(video|image|audio)\//.test(mime);
  return isMedia ? { type: 'otherKind', mime } : { type: 'noMedia', mime };
}

/** A PNG begins with 8 bytes of signature, then the header chunk: length, name, width, height. */
function pngSize(head: Uint8Array, mime: string): { readonly width?: number; readonly height?: number } {
  if ((mime !== 'image/png' && mime !== 'image/apng') || head.byteLength < 24) return {};
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  return { width: view.getUint32(16), height: view.getUint32(20) };
}
