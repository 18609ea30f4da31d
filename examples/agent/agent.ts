/**
 * An agent on the terminal. It listens while it works, orders films when told to "film ...", and may be
 * killed at any moment: started again, it goes on with everything.
 *
 *   npx tsx examples/agent/studio.ts     the provider, in a terminal of its own: it is not killed
 *   npx tsx examples/agent/agent.ts      the agent: talk to it, kill -9 it, start it again
 */
import { createInterface } from 'node:readline';
import { openRuntime, type Turn, type Work } from 'holdfast';
import type { Channel } from 'holdfast/channels';
import { openai } from 'holdfast/providers';
import { think, type Heard } from './model.js';

const {
  AGENT_DIRECTORY: directory = './.holdfast-agent',
  STUDIO_URL: studio = 'http://127.0.0.1:4100',
  AGENT_STEP_MS: stepMs = '1000',
} = process.env;

const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** Where answers and films go: at least once each, the same one under the same id. */
const terminal: Channel = (message, { deliveryId }) => {
  say(`agent> ${[message.text, ...message.files.map(({ path }) => path)].join(' ')}  #${deliveryId}`);
  return Promise.resolve({ said: true });
};

const runtime = await openRuntime({
  directory,
  providers: [openai({ baseUrl: `${studio}/openai/v1`, apiKey: 'any' })],
  channels: { terminal },
});
const chat = runtime.sessions.get('terminal');
const you = { channel: 'terminal', target: 'you' };

/** One turn: from what was said, or became of a film, to an answer that is on disk. */
async function answer(turn: Turn): Promise<void> {
  const first = heardIn(turn);
  say(`  turn begins: ${wordsOf(first)}`);
  const { text, films } = await think(
    first,
    { stepMs: Number(stepMs), signal: turn.signal },
    async (step) => {
      const more = heardIn(await turn.checkpoint());
      say(`  thought ${step}${more.length === 0 ? '' : `, heard: ${wordsOf(more)}`}`);
      return more;
    },
  );
  for (const { id, prompt } of films) {
    // Killed after this, the turn runs again and orders again: under this key it is the same order.
    await runtime.jobs.submit({
      ...{ provider: 'openai', prompt, sessionKey: chat.key, delivery: you, turn },
      idempotencyKey: `film:${id}`,
      poll: { everyMs: 1_000 },
    });
  }
  // The inputs, the answer and its delivery: one commit, or none.
  await turn.commit({
    history: [{ role: 'assistant', content: text }],
    deliveries: [{ ...you, deliveryId: turn.turnId, text }],
  });
}

function heardIn({ messages, turnCauses }: Work): readonly Heard[] {
  return [
    ...messages.map(({ id, content }) => ({ id, text: textOf(content), isNews: false })),
    ...turnCauses.map(({ id, eventType, text }) => ({ id, text: newsOf(eventType, text), isNews: true })),
  ];
}

/** Images come as parts beside the text. */
function textOf(content: Work['messages'][number]['content']): string {
  return typeof content === 'string' ? content : JSON.stringify(content);
}

/** All news here is of jobs: their wakes have a label. */
function newsOf(eventType: string, text: string): string {
  const { label } = JSON.parse(text) as { readonly label: string };
  return `${eventType}, ${label}`;
}

function wordsOf(heard: readonly Heard[]): string {
  return heard.map(({ text }) => JSON.stringify(text)).join(', ');
}

/** What was said before this process began, and what it found to do. */
async function lookBack(): Promise<void> {
  const { items } = await chat.history({ limit: 1_000 });
  for (const { entry } of items) {
    const { role, content } = entry as { readonly role: string; readonly content: unknown };
    say(`  before: ${role}: ${String(content)}`);
  }
  const { items: waiting } = await chat.list();
  say(`  ${items.length} entries so far, ${waiting.length} to be answered`);
}

await lookBack();
// Said while a turn runs, it is heard at the turn's next safe boundary, unless something waits before it.
await chat.mode({ mode: 'steer' });
const serving = runtime.sessions.serve(answer);
say('  ready: say something, or "film a lighthouse"');

for await (const line of createInterface({ input: process.stdin })) {
  if (line.trim() === '') continue;
  await chat.message(line);
  // On disk: from here on it is answered, whatever becomes of this process.
  say(`  noted: ${line}`);
}
await serving.close();
await runtime.close();
