/** A channel of one's own: what to return, and how to say that trying again is of no use. */
import { permanent, type Channel } from 'holdfast/channels';

type Post = (url: string, body: object, signal: AbortSignal) => Promise<{ status: number; id: string }>;

/** Stands for the client of your chat service. */
const post: Post = (_url, _body, signal) => {
  signal.throwIfAborted();
  return Promise.resolve({ status: 201, id: 'm1' });
};

export const myChannel: Channel = async (message, { deliveryId, signal }) => {
  const answer = await post('https://chat.example/messages', { ...message, deliveryId }, signal);
  if (answer.status === 404) throw permanent(new Error('that chat is gone'));
  return { id: answer.id };
};
