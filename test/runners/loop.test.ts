/** The loop of model and tools: what goes over the wire, and what is on disk when. */
import { tool } from 'ai';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { aiSdkRunner, idempotent, type AiSdkRunnerOptions } from '../../src/runners/ai-sdk/index.js';
import { startOpenAi, type ChatRequest, type Reply } from './openai-server.js';
import { hastyClock, Killed, TaskRecord } from './task-record.js';

const search = idempotent(
  tool({
    description: 'Looks it up.',
    inputSchema: z.object({ query: z.string() }),
    execute: ({ query }) => `about ${query}`,
  }),
);
const note = tool({
  inputSchema: z.object({ text: z.string() }),
  execute: ({ text }) => ({ noted: text }),
});
const tools = { search, note };

const TALK: readonly Reply[] = [
  {
    text: 'I look.',
    calls: [
      { id: 'call_a', name: 'search', input: { query: 'bees' } },
      { id: 'call_b', name: 'note', input: { text: 'bees dance' } },
    ],
  },
  { calls: [{ id: 'call_c', name: 'search', input: { query: 'wasps' } }] },
  { text: 'Bees dance, wasps do not.' },
];

const lastMessages = (requests: readonly ChatRequest[]): ChatRequest['messages'] =>
  requests.at(-1)?.messages ?? [];

async function withModel(script: readonly Reply[], options: Omit<AiSdkRunnerOptions, 'model'> = {}) {
  const server = await startOpenAi(script);
  return { server, runner: aiSdkRunner({ model: server.model, clock: hastyClock(), ...options }) };
}

test.each([[false], [true]])(
  'asks, runs the tools, says what came of them, until the model has an answer (streamed: %s)',
  async (stream) => {
    const { server, runner } = await withModel(TALK, { tools, stream, system: 'Be brief.' });
    const record = new TaskRecord();
    expect(await record.run(runner)).toEqual({ output: 'Bees dance, wasps do not.' });
    expect(server.requests().map((request) => request.stream ?? false)).toEqual([stream, stream, stream]);
    const call = (id: string, name: string, input: object): object => ({
      ...{ id, type: 'function' },
      function: { name, arguments: JSON.stringify(input) },
    });
    const [first, second] = [
      call('call_a', 'search', { query: 'bees' }),
      call('call_b', 'note', { text: 'bees dance' }),
    ];
    expect(lastMessages(server.requests())).toEqual([
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'find out' },
      { role: 'assistant', content: 'I look.', tool_calls: [first, second] },
      { role: 'tool', tool_call_id: 'call_a', content: 'about bees' },
      { role: 'tool', tool_call_id: 'call_b', content: '{"noted":"bees dance"}' },
      { role: 'assistant', content: null, tool_calls: [call('call_c', 'search', { query: 'wasps' })] },
      { role: 'tool', tool_call_id: 'call_c', content: 'about wasps' },
    ]);
    expect(record.facts).toEqual([
      ...['iteration 1', 'usage 15', 'checkpoint'],
      ...['started call_a', 'started call_b', 'ended call_a', 'ended call_b', 'checkpoint'],
      ...['iteration 2', 'usage 15', 'checkpoint', 'started call_c', 'ended call_c', 'checkpoint'],
      ...['iteration 3', 'usage 15', 'checkpoint'],
    ]);
  },
);

test('killed after any fact, it goes on from there, and asks for no answer that was kept', async () => {
  const whole = await withModel(TALK, { tools });
  const uninterrupted = new TaskRecord();
  await uninterrupted.run(whole.runner);
  for (const [index, fact] of uninterrupted.facts.entries()) {
    const lost = fact.startsWith('usage') ? 1 : 0;
    const answersKept = uninterrupted.facts
      .slice(0, index + 1)
      .filter((one) => one.startsWith('usage')).length;
    const script =
      lost === 0 ? TALK : TALK.toSpliced(answersKept - 1, 0, ...TALK.slice(answersKept - 1, answersKept));
    const { server, runner } = await withModel(script, { tools, idempotentTools: ['note'] });
    const record = new TaskRecord();
    await expect(record.run(runner, { killAt: index + 1 }), fact).rejects.toThrow(Killed);
    expect(await record.run(runner), fact).toEqual({ output: 'Bees dance, wasps do not.' });
    expect(server.requests(), fact).toHaveLength(TALK.length + lost);
    expect(record.checkpoint, fact).toEqual(uninterrupted.checkpoint);
    const ends = record.facts.filter((one) => one.startsWith('ended'));
    expect(ends.toSorted(), fact).toEqual(['ended call_a', 'ended call_b', 'ended call_c']);
  }
});

test('what somebody decided about a tool that was cut off is what the model reads', async () => {
  const script = [TALK[0] ?? {}, { text: 'done' }];
  for (const [decision, content] of [
    ['it was sent', 'it was sent'],
    [{ sent: true }, '{"sent":true}'],
  ] as const) {
    const { server, runner } = await withModel(script, { tools });
    const record = new TaskRecord();
    await expect(record.run(runner, { killAt: 5 })).rejects.toThrow(Killed);
    expect(record.undecided()).toEqual(['call_b']);
    record.decide('call_b', decision);
    expect(await record.run(runner)).toEqual({ output: 'done' });
    expect(lastMessages(server.requests()).at(-1)).toMatchObject({ tool_call_id: 'call_b', content });
  }
});

test('results stand in the order of the calls, in whatever order they came', async () => {
  const ended: string[] = [];
  const opens = new Map<string, () => void>();
  // The third ends at once, and each lets the one before it end.
  const wait = tool({
    inputSchema: z.object({ name: z.string() }),
    execute: async ({ name }) => {
      if (name !== '3') await new Promise<void>((resolve) => opens.set(name, resolve));
      ended.push(name);
      opens.get(String(Number(name) - 1))?.();
      return name;
    },
  });
  const calls = ['1', '2', '3'].map((name) => ({ id: `c${name}`, name: 'wait', input: { name } }));
  const { server, runner } = await withModel([{ calls }, { text: 'ok' }], { tools: { wait } });
  await new TaskRecord().run(runner);
  expect(ended).toEqual(['3', '2', '1']);
  const results = lastMessages(server.requests()).filter(({ role }) => role === 'tool');
  expect(results.map(({ content }) => content)).toEqual(['1', '2', '3']);
});

test('a call of no tool, one with a wrong input and one that throws are answered to the model', async () => {
  const broken = tool({
    inputSchema: z.object({}),
    execute: (): string => {
      throw new Error('the disk is full');
    },
  });
  const calls = [
    { id: 'c1', name: 'fly', input: {} },
    { id: 'c2', name: 'search', input: { query: 7 } },
    { id: 'c3', name: 'search', input: '{"query": "be' },
    { id: 'c4', name: 'broken', input: {} },
    { id: 'c5', name: 'search', input: { query: 'ants' } },
  ];
  const { server, runner } = await withModel([{ calls }, { text: 'ok' }], { tools: { search, broken } });
  const record = new TaskRecord();
  expect(await record.run(runner)).toEqual({ output: 'ok' });
  const results = lastMessages(server.requests()).filter(({ role }) => role === 'tool');
  expect(results.map(({ tool_call_id }) => tool_call_id)).toEqual(['c1', 'c2', 'c3', 'c4', 'c5']);
  expect(results.map(({ content }) => content)).toEqual([
    "Model tried to call unavailable tool 'fly'. Available tools: search, broken.",
    expect.stringContaining('Invalid input for tool search'),
    expect.stringContaining('Invalid input for tool search'),
    'the disk is full',
    'about ants',
  ]);
  expect(record.facts.filter((fact) => fact.startsWith('started'))).toEqual(['started c4', 'started c5']);
});

test('calls that a server numbers anew in every answer are told apart, also by the server', async () => {
  const calls = (query: string) => ({ calls: [{ id: 'call_0', name: 'search', input: { query } }] });
  const script = [calls('one'), calls('two'), calls('three'), { text: 'ok' }];
  const { server, runner } = await withModel(script, { tools });
  const record = new TaskRecord();
  await record.run(runner);
  const results = lastMessages(server.requests()).filter(({ role }) => role === 'tool');
  expect(results.map(({ tool_call_id, content }) => [tool_call_id, content])).toEqual([
    ['call_0', 'about one'],
    ['call_0~2', 'about two'],
    ['call_0~3', 'about three'],
  ]);
  const asked = lastMessages(server.requests()).flatMap(({ tool_calls = [] }) => tool_calls);
  expect(asked.map(({ id }) => id)).toEqual(['call_0', 'call_0~2', 'call_0~3']);
});

test('reasoning is said back as it was, also after a restart', async () => {
  const first = { reasoning: 'bees first', calls: [{ id: 'c1', name: 'search', input: { query: 'bees' } }] };
  const { server, runner } = await withModel([first, { text: 'ok' }], { tools });
  const record = new TaskRecord();
  await expect(record.run(runner, { killAt: 6 })).rejects.toThrow(Killed);
  await record.run(runner);
  expect(lastMessages(server.requests())[1]).toMatchObject({ reasoning_content: 'bees first' });
});

test('settings go along, and a task’s own system prompt comes before the runner’s', async () => {
  const settings = { temperature: 0.2, maxOutputTokens: 99, providerOptions: { local: { user: 'u1' } } };
  const { server, runner } = await withModel([{ text: 'ok' }], { settings, system: 'The runner’s.' });
  await new TaskRecord({ systemPrompt: 'The task’s.' }).run(runner);
  const [request] = server.requests();
  expect(request).toMatchObject({ temperature: 0.2, max_tokens: 99, user: 'u1' });
  expect(request?.messages[0]).toEqual({ role: 'system', content: 'The task’s.' });
});

test('text is heard as it comes, with what it is of', async () => {
  const heard: unknown[] = [];
  const { runner } = await withModel([{ text: 'one two three' }], {
    onText: (delta, origin) => heard.push([delta, origin]),
  });
  await new TaskRecord().run(runner);
  const origin = { taskId: 'task_1', iteration: 1, attempt: 1 };
  expect(heard).toEqual([
    ['one ', origin],
    ['two ', origin],
    ['three', origin],
  ]);
});

test('shows its model, and refuses what cannot work when it is made', async () => {
  const { server, runner } = await withModel([]);
  expect(runner).toMatchObject({ provider: 'local.chat', model: 'scripted' });
  const { model } = server;
  const { execute: _execute, ...aside } = search;
  const asking = tool({ inputSchema: z.object({}), needsApproval: true, execute: () => 1 });
  for (const [options, words] of [
    [{ tools: { aside: aside as typeof search } }, /"aside" has no execute/],
    [{ tools: { asking } }, /"asking" asks for approval/],
    [{ idempotentTools: ['fly'] }, /names "fly", which is no tool/],
    [{ maxIterations: 0 }, /maxIterations is a whole number from 1 to 10000, not 0/],
    [{ tokenBudget: 0.5 }, /tokenBudget/],
    [{ retries: 21 }, /retries/],
    [{ callTimeoutMs: 0 }, /callTimeoutMs/],
    [{ maxRetries: 3 }, /no option "maxRetries"/],
    [{ stream: 'yes' as never }, /stream is of type boolean/],
    [{ settings: null as never }, /settings is of type object/],
    [{ idempotentTools: new Set(['search']) as never }, /idempotentTools is of type list/],
    [{ model: undefined as never }, /model is a language model/],
    [{ model: '' }, /model is a language model/],
  ] as const) {
    expect(() => aiSdkRunner({ model, ...options })).toThrow(words);
  }
  expect(() => aiSdkRunner(undefined as never)).toThrow(/model is a language model/);
});
