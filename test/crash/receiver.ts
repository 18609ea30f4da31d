/**
 * Where messages arrive: an HTTP server that writes down each one before it answers.
 *
 * Callers: world.ts. It lives in the test's process, which nobody kills.
 */
import { createServer } from 'node:http';
import { once } from 'node:events';
import { z } from 'zod';

const receipt = z.object({
  deliveryId: z.string(),
  attempt: z.number(),
  jobId: z.string(),
  text: z.string(),
  paths: z.array(z.string()).readonly(),
});

export type Receipt = z.infer<typeof receipt>;

export interface Receiver {
  readonly url: string;
  readonly receipts: readonly Receipt[];
  /** Settles with the next message, which is answered only when `release` is called. */
  readonly holdNext: () => { readonly arrived: Promise<Receipt>; readonly release: () => void };
  readonly close: () => Promise<void>;
}

interface Hold {
  readonly arrive: (receipt: Receipt) => void;
  readonly released: Promise<void>;
}

export async function startReceiver(): Promise<Receiver> {
  const receipts: Receipt[] = [];
  let hold: Hold | undefined;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const received = receipt.parse(JSON.parse(Buffer.concat(chunks).toString()));
      receipts.push(received);
      const held = hold;
      hold = undefined;
      held?.arrive(received);
      void (held?.released ?? Promise.resolve()).then(() => response.end('taken'));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('a TCP server has a port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    receipts,
    holdNext: () => {
      let release = (): void => undefined;
      const released = new Promise<void>((resolve) => {
        release = resolve;
      });
      const arrived = new Promise<Receipt>((resolve) => {
        hold = { arrive: resolve, released };
      });
      return { arrived, release };
    },
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
