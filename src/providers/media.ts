/**
 * Finding media in JSON whose shape only a model knows: every address in it, the likeliest first.
 *
 * Callers: the adapters of hosts that run anybody's models (fal, Replicate).
 * Invariants:
 *  M1  Bounded in depth and number; nothing throws.
 *  M2  Beside a video, pictures are its thumbnails and are left out: a job has one kind.
 */
import { inlineData } from './data-uri.js';
import { asObject, asText, asUrl } from './wire.js';
import type { ArtifactSource } from './port.js';

const DEPTH_MAX = 5;
const SOURCES_MAX = 64;
const VIDEO_NAME = /\.(?:mp4|m4v|mov|webm|mkv)$/i;
const OTHER_NAME = /\.(?:png|jpe?g|webp|gif|avif|json|txt|wav|mp3|srt)$/i;

interface Found {
  readonly source: ArtifactSource;
  /** An address, to know it again. */
  readonly text: string;
  readonly mime: string;
}

/**
 * The URLs and base64 data URIs anywhere in `value`, each once. URLs are asked without a credential. A string
 * counts when it is nothing but an address.
 */
export function mediaIn(value: unknown): readonly ArtifactSource[] {
  const found = new Map<string, Found>();
  collect(value, '', 0, found);
  const all = [...found.values()];
  const videos = all.filter(isVideo);
  const wanted = videos.length > 0 ? all.filter((one) => isVideo(one) || !isNoVideo(one)) : all;
  return wanted.map(({ source }) => source);
}

function collect(value: unknown, mime: string, depth: number, found: Map<string, Found>): void {
  if (depth > DEPTH_MAX || found.size >= SOURCES_MAX) return;
  if (typeof value === 'string') {
    const one = foundIn(value, mime);
    if (one !== undefined && !found.has(one.text)) found.set(one.text, one);
    return;
  }
  if (Array.isArray(value)) {
    for (const item of value) collect(item, mime, depth + 1, found);
    return;
  }
  const object = asObject(value);
  if (object === undefined) return;
  const type = asText(object.content_type) ?? asText(object.mime_type) ?? '';
  for (const part of Object.values(object)) collect(part, type, depth + 1, found);
}

function foundIn(text: string, mime: string): Found | undefined {
  const url = asUrl(text);
  if (url !== undefined) return { source: { url, authenticated: false }, text, mime };
  const data = inlineData(text);
  return data === undefined ? undefined : { source: { base64: data.base64 }, text, mime: data.mime };
}

function isVideo({ text, mime }: Found): boolean {
  return mime.startsWith('video/') || (mime === '' && VIDEO_NAME.test(pathOf(text)));
}

function isNoVideo({ text, mime }: Found): boolean {
  return /^(?:image|audio|text)\//.test(mime) || (mime === '' && OTHER_NAME.test(pathOf(text)));
}

function pathOf(text: string): string {
  return URL.canParse(text) ? new URL(text).pathname : '';
}
