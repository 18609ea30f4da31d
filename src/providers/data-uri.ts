/**
 * Data URIs with base64, the form in which an image is part of a request.
 *
 * Callers: the adapters. Invariant: nothing is decoded; what is not base64 is not a data URI here.
 */

export interface InlineData {
  readonly mime: string;
  readonly base64: string;
}

const HEAD = /^data:([\w.+-]+\/[\w.+-]+)(?:;[^,;]*)*?;base64,/i;
const HEAD_CHARS_MAX = 256;

/** The parts of `data:<mime>;base64,<data>`; undefined when the text is anything else. */
export function inlineData(text: string): InlineData | undefined {
  const head = HEAD.exec(text.slice(0, HEAD_CHARS_MAX));
  const mime = head?.[1];
  if (head === null || mime === undefined) return undefined;
  const base64 = text.slice(head[0].length);
  return base64 === '' ? undefined : { mime: mime.toLowerCase(), base64 };
}
