/**
 * A model that needs no key: a server that speaks as OpenAI's does, and knows one piece of research by heart.
 *
 * It keeps nothing: what it says next depends on what it is told alone, as with any model.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text as bodyOf } from 'node:stream/consumers';

interface Told {
  readonly messages: readonly { readonly role: string; readonly content?: unknown }[];
}

export interface Model {
  readonly url: string;
  /** How often it was asked. */
  asked(): number;
  close(): void;
}

export async function openModel(): Promise<Model> {
  let asked = 0;
  const server = createServer((request, response) => {
    void bodyOf(request).then((body) => {
      asked += 1;
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(completion(JSON.parse(body) as Told)));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/v1`,
    asked: () => asked,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

const STEPS = [
  { id: 'call_1', name: 'search', input: { words: 'honeybees winter' } },
  { id: 'call_2', name: 'search', input: { words: 'hive honey' } },
  {
    id: 'call_3',
    name: 'writeNote',
    input: { text: 'Honeybees winter awake, on twenty kilograms of honey.' },
  },
];

function completion({ messages }: Told): object {
  const results = messages.filter(({ role }) => role === 'tool');
  const step = STEPS[results.length];
  const message =
    step === undefined
      ? { role: 'assistant', content: `Honeybees stay awake. (${results.length} tools were used.)` }
      : {
          ...{ role: 'assistant', content: null },
          tool_calls: [
            {
              ...{ id: step.id, type: 'function' },
              function: { name: step.name, arguments: JSON.stringify(step.input) },
            },
          ],
        };
  return {
    ...{ id: 'chatcmpl-1', object: 'chat.completion', created: 1, model: 'by-heart' },
    choices: [{ index: 0, message, finish_reason: step === undefined ? 'stop' : 'tool_calls' }],
    usage: { prompt_tokens: 100, completion_tokens: 20, total_tokens: 120 },
  };
}
