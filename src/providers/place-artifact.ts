/**
 * What a whole artifact must be to get its name, however it came.
 *
 * Callers: the download, inline-file.ts. Invariant: D3 of download.ts.
 */
import { permanent, transient } from './download-outcome.js';
import type { DownloadedArtifact, DownloadOutcome, Step } from './download-outcome.js';
import { limits } from '../limits.js';
import type { PartFile } from './part-file.js';
import type { JobKind } from './port.js';
import { errorCode } from './redact.js';
import { sniff } from './sniff.js';
import type { Sniffed } from './sniff.js';

/** Judges the content of a part that is whole, and places it. */
export async function placeArtifact(
  part: PartFile,
  kind: JobKind,
  sourceUrl: string,
): Promise<DownloadOutcome> {
  if (part.bytes === 0) return transient('empty', 'the artifact has no bytes');
  const sniffed = await judge(part.head, kind);
  if (sniffed.type !== 'next') return sniffed;
  const { width, height, mime, extension } = sniffed.value;
  const { sha256, bytes } = await part.sync();
  const path = `${sha256}.${extension}`;
  await part.place(path);
  const size = width === undefined || height === undefined ? {} : { width, height };
  const artifact: DownloadedArtifact = { path, sha256, bytes, mime, ...size, sourceUrl };
  return { type: 'done', artifact };
}

type Match = Extract<Sniffed, { readonly type: 'match' }>;

export async function judge(head: Uint8Array, kind: JobKind): Promise<Step<Match>> {
  const sniffed = await sniff(head, kind);
  if (sniffed.type === 'match') return { type: 'next', value: sniffed };
  const what = `a ${kind} was expected, ${sniffed.mime ?? 'something unknown'} came`;
  if (sniffed.type === 'otherKind') return permanent('mistyped', what);
  return transient('mistyped', what);
}

export function bytesMaxOf(kind: JobKind, bytesMax: number | undefined): number {
  return bytesMax ?? (kind === 'video' ? limits.videoBytesMax : limits.imageBytesMax);
}

export function isFull(cause: unknown): boolean {
  return ['ENOSPC', 'EDQUOT'].includes(errorCode(cause) ?? '');
}
