/**
 * `content[]`, as Ark and MiniMax's v2 want it: a text, media with roles.
 *
 * Callers: the dialects of both. Invariant: pure.
 */
import { isPlainObject } from '../../json.js';

const MEDIA = ['image_url', 'video_url', 'audio_url'];
const ROLES = /^(first_frame|last_frame|reference_(image|video|audio))$/;

/** The text of the content, or what is wrong with it. */
export function contentOf(content: unknown): string | { readonly wrong: string } {
  if (!Array.isArray(content) || content.length === 0) return { wrong: 'items' };
  const roles: string[] = [];
  let text: string | undefined;
  for (const item of content) {
    if (!isPlainObject(item)) return { wrong: 'type' };
    if (item.type === 'text' && typeof item.text === 'string' && item.text !== '') text = item.text;
    else if (item.type === 'draft_task' && isPlainObject(item.draft_task)) continue;
    else if (!isMedia(item)) return { wrong: 'type' };
    else if (item.role !== undefined) roles.push(typeof item.role === 'string' ? item.role : '');
  }
  if (!roles.every((role) => ROLES.test(role))) return { wrong: 'role' };
  const frames = roles.filter((role) => role.endsWith('_frame'));
  if (frames.length > 0 && frames.length < roles.length) return { wrong: 'role' };
  return text ?? { wrong: 'text' };
}

function isMedia(item: Readonly<Record<string, unknown>>): boolean {
  const media = MEDIA.includes(String(item.type)) ? item[String(item.type)] : undefined;
  return isPlainObject(media) && typeof media.url === 'string' && media.url !== '';
}
