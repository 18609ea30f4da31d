/**
 * The receiver: the chat at the other end, in a process of its own. It takes webhook messages, looks at the
 * files they name, and writes down what it saw.
 *
 * Owns: the receiver's ledger. Callers: command.ts, as the hidden command `demo-receiver`. Invariants:
 *  1  `delivery.started` once the whole message is in, then `delivery.answered` or `delivery.dropped`,
 *     under one exchange number.
 *  2  It takes its time to answer, so that a kill can land in a delivery.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { z } from 'zod';
import { systemClock } from '../../clock.js';
import { limits } from '../../limits.js';
import { childSettings, serveDriver } from './child-door.js';
import { LedgerFile, type ReceiverEntry } from './facts.js';

export const receiverSettings = z.object({ ledgerFile: z.string(), latencyMs: z.int().min(0) });
export type ReceiverSettings = z.output<typeof receiverSettings>;

/** What the webhook channel posts, as far as it matters here. */
const message = z.object({
  delivery_id: z.string(),
  attempt: z.int(),
  files: z.array(z.object({ path: z.string() })),
  meta: z.object({ wanted: z.int().min(1) }),
});

export async function runReceiver(text: string): Promise<void> {
  const { ledgerFile, latencyMs } = childSettings(receiverSettings, text);
  const ledger = new LedgerFile<ReceiverEntry>(ledgerFile);
  let exchanges = 0;
  const server = createServer((request, response) => {
    exchanges += 1;
    const exchange = exchanges;
    receive(
      request,
      response,
      (entry) => ledger.append({ at: systemClock.now(), exchange, ...entry }),
      latencyMs,
    ).catch(
      // Only a sender that left in the middle of its request comes here: there is nobody to answer.
      () => response.destroy(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('a TCP server has a port');
  await serveDriver({ type: 'ready', url: `http://127.0.0.1:${address.port}` }, async () => {
    const closed = new Promise<void>((resolve) => {
      server.close(() => resolve());
    });
    server.closeAllConnections();
    await closed;
    ledger.close();
  });
}

type Note = (entry: Omit<ReceiverEntry, 'at' | 'exchange'>) => void;

async function receive(
  request: IncomingMessage,
  response: ServerResponse,
  note: Note,
  latencyMs: number,
): Promise<void> {
  const parsed = message.safeParse(await jsonBody(request));
  if (!parsed.success) {
    response.writeHead(400).end();
    return;
  }
  const { delivery_id: deliveryId, attempt, files, meta } = parsed.data;
  const seen = { deliveryId, attempt, job: meta.wanted, files: files.map(({ path }) => fileSeen(path)) };
  note({ event: 'delivery.started', ...seen });
  response.once('finish', () => note({ event: 'delivery.answered', ...seen }));
  response.once('close', () => {
    if (!response.writableFinished) note({ event: 'delivery.dropped', ...seen });
  });
  systemClock.schedule(latencyMs, () => {
    if (!response.destroyed) response.writeHead(204).end();
  });
}

async function jsonBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    const part: unknown = chunk;
    if (!(part instanceof Uint8Array)) throw new TypeError('a request body comes as bytes');
    bytes += part.length;
    if (bytes > limits.webhookBodyBytesMax) return undefined;
    chunks.push(part);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function fileSeen(path: string): ReceiverEntry['files'][number] {
  if (!existsSync(path)) return { path };
  const bytes = readFileSync(path);
  return { path, sha256: createHash('sha256').update(bytes).digest('hex'), bytes: bytes.length };
}
