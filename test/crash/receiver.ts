/**
 * Where messages arrive: an HTTP server that writes down each one before it answers.
 *
 * Callers: world.ts. It lives in the test's process, which nobody kills. What is not signed is not taken.
 */
import { createServer } from 'node:http';
import { once } from 'node:events';
import { Webhook } from 'standardwebhooks';
import { z } from 'zod';

/** What the signed channel of the agent signs with. */
export const CHANNEL_SECRET = `whsec_${Buffer.from('agent and receiver know it').toString('base64')}`;

const message = z.object({
  delivery_id: z.string(),
  attempt: z.number(),
  job_id: z.string(),
  text: z.string(),
  files: z.array(z.object({ path: z.string() })),
});

const signature = z.object({
  'webhook-id': z.string(),
  'webhook-timestamp': z.string(),
  'webhook-signature': z.string(),
});

export interface Receipt {
  readonly deliveryId: string;
  readonly attempt: number;
  readonly jobId: string;
  readonly text: string;
  readonly paths: readonly string[];
  /** Epoch seconds, as the signature says. */
  readonly signedAt: number;
}

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
      const received = receiptOf(Buffer.concat(chunks).toString(), request.headers);
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

/** Throws for what is not signed. The agent's clock is fast: how old a signature is, its test says. */
function receiptOf(body: string, headers: unknown): Receipt {
  const signed = signature.parse(headers);
  const signedAt = Number(signed['webhook-timestamp']);
  const right = new Webhook(CHANNEL_SECRET).sign(signed['webhook-id'], new Date(signedAt * 1_000), body);
  if (signed['webhook-signature'] !== right) throw new Error('the message is not signed by the agent');
  const { delivery_id: deliveryId, job_id: jobId, attempt, text, files } = message.parse(JSON.parse(body));
  if (signed['webhook-id'] !== deliveryId) throw new Error('the message has the signature of another');
  return { deliveryId, attempt, jobId, text, paths: files.map(({ path }) => path), signedAt };
}
