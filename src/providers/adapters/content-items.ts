/**
 * The `content` of a request as Ark writes it, and MiniMax after it: items with a type and a role.
 *
 * Callers: seedance-body.ts, minimax-body.ts. Invariant: the prompt comes first, then the first frame, then
 * what `extra.content` adds.
 */
import type { Json, JsonObject } from '../../json.js';
import type { ProviderRequest } from '../port.js';
import { asList, asObject, asText } from '../wire.js';

export function contentItems({ prompt, image, extra }: ProviderRequest): readonly JsonObject[] {
  const firstFrame = { type: 'image_url', image_url: { url: image }, role: 'first_frame' };
  // Checked by `refuseContent`.
  const more = asList(extra?.content) as readonly JsonObject[];
  return [{ type: 'text', text: prompt }, ...(image === undefined ? [] : [firstFrame]), ...more];
}

/** What is wrong with `extra.content`; undefined when nothing is, or when there is none. */
export function refuseContent(request: ProviderRequest): string | undefined {
  const more: Json | undefined = request.extra?.content;
  if (more === undefined) return undefined;
  const items = asList(more).map(asObject);
  if (!Array.isArray(more) || items.some((item) => asText(item?.type) === undefined)) {
    return 'extra.content must be a list of objects with a type';
  }
  const roles = contentItems(request).map((item) => asText(item.role) ?? '');
  if (roles.filter((role) => role === 'first_frame').length > 1) {
    return 'extra.content must not have a second first_frame';
  }
  const hasFrames = roles.some((role) => role.endsWith('_frame'));
  const hasReferences = roles.some((role) => role.startsWith('reference_'));
  if (hasFrames && hasReferences) return 'frames and references (roles in content) exclude each other';
  if (roles.includes('last_frame') && !roles.includes('first_frame')) {
    return 'a last_frame needs a first_frame';
  }
  return undefined;
}
