/**
 * The images and videos that actors refer to, and where their files are.
 *
 * Callers: inspection.ts, actor-report.ts. Invariants:
 *  1  A file is shown only under the name that its content gave it, and only while an actor refers to it.
 *  2  What is not an image or a video by its extension is not shown: nothing of a provider's is run as a
 *     page.
 */
import { basename } from 'node:path';
import type { ActorRecord } from '../kernel/index.js';
import type { ArtifactView } from './face.js';
import type { Scene } from './scene.js';
import { contextOf, loose, text } from './titles.js';

const MEDIA_TYPES: ReadonlyMap<string, string> = new Map([
  ['avif', 'image/avif'],
  ['gif', 'image/gif'],
  ['jpeg', 'image/jpeg'],
  ['jpg', 'image/jpeg'],
  ['m4v', 'video/mp4'],
  ['mov', 'video/quicktime'],
  ['mp4', 'video/mp4'],
  ['png', 'image/png'],
  ['webm', 'video/webm'],
  ['webp', 'image/webp'],
]);

const FILE = /^[0-9a-f]{64}\.([a-z0-9]{1,8})$/;

/** The file of an artifact; undefined when nobody refers to it, or it is no image and no video. */
export async function artifactFile(
  { kernel, files }: Scene,
  file: string,
): Promise<{ readonly path: string; readonly mediaType: string } | undefined> {
  const mediaType = mediaTypeOf(file);
  if (mediaType === undefined || !(await kernel.reader.isReferenced(file))) return undefined;
  return { path: files.pathOf(file), mediaType };
}

/** Those that a job has, or a delivery sends. */
export function artifactsOf(record: ActorRecord): readonly ArtifactView[] {
  const context = contextOf(record);
  const named = [context['artifacts'], loose(context['input'])['files']].flatMap((list) =>
    Array.isArray(list) ? (list as readonly unknown[]).map(loose) : [],
  );
  const found = new Map<string, ArtifactView>();
  for (const { path, bytes } of named) {
    const file = basename(text(path) ?? '');
    const mediaType = mediaTypeOf(file);
    if (mediaType === undefined) continue;
    found.set(file, { file, mediaType, ...(typeof bytes === 'number' && { bytes }) });
  }
  return [...found.values()];
}

function mediaTypeOf(file: string): string | undefined {
  return MEDIA_TYPES.get(FILE.exec(file)?.[1] ?? '');
}
