/** A message and its context, for the channel tests: what a test sets is what it is about. */
import type { Message, SendContext } from '../../src/channels/index.js';

export const exampleMessage: Message = {
  channel: 'chat',
  target: '42',
  isGroup: false,
  text: '[video] a cat',
  files: [{ name: 'cat.mp4', mime: 'video/mp4', path: '/artifacts/cat.mp4' }],
  images: [],
};

export function exampleContext(part: Partial<SendContext> = {}): SendContext {
  return { deliveryId: 'dlv_1', attempt: 1, signal: new AbortController().signal, ...part };
}
