/** `holdfast sessions` in its own process: beside a running runtime, and in a directory nobody holds. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { limits } from '../../src/limits.js';
import { openLevelStore } from '../../src/store/index.js';
import { newWorld, opened } from '../control/world.js';
import { field } from '../simulator/opened.js';
import { cli, startCli, told, type CliEnd, type CliProcess } from './run-cli.js';

const KEY = 'telegram:42/é 50%';

test('work is enqueued, shown, listed, cancelled and a mode is set through the socket', async () => {
  const { directory, runtime } = await newWorld();
  const dir = ['--dir', directory];
  const first = await told([
    'sessions',
    'enqueue',
    KEY,
    'draw a\u001b[31m cat\nin red',
    '--id',
    'm1',
    ...dir,
  ]);
  expect(first).toMatchObject({ code: 0, err: '' });
  expect(first.out).toMatch(/^bat_1_\S+ enqueued: ready\n$/);
  const again = await told(['sessions', 'enqueue', KEY, 'other', '--id', 'm1', ...dir]);
  expect(again.out).toMatch(/^bat_1_\S+ was there already, with OTHER content, which stays: ready\n$/);
  const policies = [
    ...['--deliver', 'earliest_safe_boundary', '--slot', 'join', '--group', 'g', '--source-key', 's'],
    ...['--at', '2100-01-31T08:00:00Z', '--json'],
  ];
  const later = await told(['sessions', 'enqueue', KEY, 'later', ...policies, ...dir]);
  expect(json(later)).toMatchObject({
    deduplicated: false,
    content_matches: true,
    batch: {
      deliver: 'earliest_safe_boundary',
      slot: 'join',
      merge: { group: 'g' },
      source_key: 's',
      available_at_ms: Date.UTC(2100, 0, 31, 8),
      state: 'future',
      items: [{ payload: { type: 'turn_input', items: [{ text: 'later' }] } }],
    },
  });
  await told(['sessions', 'enqueue', KEY, 'also', '--inject', '--id', 'i', ...dir]);
  await runtime.sessions.get('z').command({ kind: 'resetSession', reason: 'anew' }, 'k');
  await runtime.sessions.get('z').wake({ processId: 'job_1', sequence: 1, eventType: 'job.done', input: 1 });
  await runtime.sessions.get('z').enqueueDraft({
    payloads: [{ type: 'turnInput', items: [{ text: 'x'.repeat(300) }] }],
    merge: { group: 'with a long name that nobody could read beside anything' },
  });
  const other = lines(await cli(['sessions', 'show', 'z', ...dir], { columns: 80 })).slice(-3);
  expect(other.map((line) => line.replace(/^\S+ +/, ''))).toEqual([
    expect.stringMatching(/^1 +command +ready +A\/X\/N +0 +reset_sessi/) as string,
    expect.stringMatching(/^2 +wake +ready +E\/X\/N +0 +job\.done of/) as string,
    expect.stringMatching(/^3 +input +ready +A\/X\/G +0 +x+…$/) as string,
  ]);
  expect(Math.max(...other.map((line) => line.length))).toBe(80);

  const [list, shown, pending] = await Promise.all([
    cli(['sessions', 'list', ...dir], { columns: 80 }),
    cli(['sessions', 'show', KEY, ...dir], { columns: 80 }),
    cli(['sessions', 'pending', KEY, ...dir], { columns: 80 }),
  ]);
  expect(list).toMatchObject({ code: 0, err: '' });
  expect(lines(list)).toEqual([
    expect.stringMatching(/^KEY +STATE +PENDING +CLAIMED +DEAD +MODE$/) as string,
    expect.stringMatching(/^telegram:42\/é 50% +ready +3 +0 +0 +followup$/) as string,
    expect.stringMatching(/^z +ready +3 +0 +0 +followup$/) as string,
  ]);
  expect(shown.out).toContain('batches      3 pending, 0 claimed, 0 dead\n');
  expect(shown.out).toContain('mode         followup, cap 20, drop summarize, debounce 500 ms\n');
  expect(lines(pending)).toEqual([
    expect.stringMatching(/^ID +SEQ +KIND +STATE +POLICY +TRIES +TEXT$/) as string,
    expect.stringMatching(/^bat_1_\S{21} +1 +input +ready +A\/X\/N +0 +draw a \[31m cat$/) as string,
    expect.stringMatching(/^bat_2_\S{21} +2 +input +future +E\/J\/G +0 +later$/) as string,
    expect.stringMatching(/^bat_3_\S{21} +3 +input +ready +E\/J\/N +0 +also$/) as string,
  ]);
  for (const { out } of [list, shown, pending]) {
    expect(out).not.toContain('\u001b');
    expect(Math.max(...out.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  }

  const id = String(field(json(later), 'batch.batch_id'));
  const cancelled = await told(['sessions', 'cancel', KEY, id, ...dir]);
  expect(cancelled).toEqual({ code: 0, out: `${id} cancelled\n`, err: '' });
  const mode = ['sessions', 'mode', KEY];
  const set = await told([...mode, 'collect', '--cap', '3', '--debounce', '9', '--channel', 'tg', ...dir]);
  expect(set.out).toBe('collect, cap 3, drop summarize, debounce 9 ms\n');
  expect((await told([...mode, ...dir])).out).toMatch(/^followup, cap 20, /);
  expect(json(await told([...mode, '--channel', 'tg', '--json', ...dir]))).toEqual({
    ...{ mode: 'collect', cap: 3, drop: 'summarize', debounce_ms: 9 },
  });
  await told(['sessions', 'enqueue', KEY, 'hi', '--message', '--channel', 'tg', ...dir]);
  expect((await runtime.sessions.get(KEY).list()).items.at(-1)).toMatchObject({ channel: 'tg' });
  const view = json(await told(['sessions', 'show', KEY, '--json', ...dir]));
  expect(view).toMatchObject({ key: KEY, channels: { tg: { debounce_ms: 9 } }, counts: { cancelled: 1 } });
  expect(field(view, 'batches.0.batch_id')).toMatch(/^bat_1_/);
  const rested = await told(['sessions', 'resume', KEY, ...dir]);
  expect(rested).toMatchObject({ code: 0, out: `${KEY} ready\n` });
});

test('a closed directory is worked on as it is: no claim is freed and no generation begins', async () => {
  const { directory, runtime, options } = await newWorld();
  const session = runtime.sessions.get('s');
  const { batch: held } = await session.enqueue('first');
  const { batch: free } = await session.enqueue('second');
  await session.claim({ hold: 'lease' });
  await runtime.close();
  const dir = ['--dir', directory];

  const all = lines(await told(['sessions', 'pending', 's', '--all', ...dir]));
  expect(all[1]).toMatch(/ claimed /);
  expect(json(await told(['sessions', 'pending', 's', '--json', ...dir]))).toMatchObject({
    items: [{ batch_id: free.batchId }],
  });
  const refused = await told(['sessions', 'cancel', 's', held.batchId, '--json', ...dir]);
  expect(refused).toMatchObject({ code: 1, out: '' });
  expect(JSON.parse(refused.err)).toMatchObject({
    error: { code: 'BATCH_NOT_CANCELLABLE', details: { batch_id: held.batchId, state: 'claimed' } },
  });
  expect(await told(['sessions', 'cancel', 's', free.batchId, ...dir])).toMatchObject({ code: 0 });
  const put = await cli(['sessions', 'enqueue', 's', 'third', ...dir]);
  expect(put.out).toMatch(/^bat_3_\S+ enqueued: ready\n$/);
  expect(await told(['sessions', 'mode', 's', 'steer', ...dir])).toMatchObject({ code: 0 });

  const store = await openLevelStore({ directory, durability: 'process' });
  expect(store.generation).toBe(2);
  await store.close();
  const next = await opened(options);
  const again = next.sessions.get('s');
  expect((await again.list()).items.map(({ seq, state }) => [seq, state])).toEqual([
    [1, 'claimed'],
    [3, 'ready'],
  ]);
  expect(await again.mode()).toMatchObject({ mode: 'steer' });
});

test('a served session answers what the command line says, now or before its runtime opened', async () => {
  const { directory, runtime, options } = await newWorld();
  await runtime.close();
  const say = (text: string): Promise<CliEnd> => told(['sessions', 'enqueue', 's', text, '--dir', directory]);
  await say('while closed');
  const next = await opened(options);
  next.sessions.serve(async (turn) => turn.commit(`heard ${JSON.stringify(turn.messages.at(-1)?.content)}`));
  const follower = startCli(['sessions', 'tail', 's', '--follow', '--dir', directory]);
  const answered = printed(follower, 'heard "while open"');
  await say('while open');
  await answered;
  follower.child.kill('SIGINT');
  expect(lines(await follower.ended).map((line) => line.replace(/^\S+ +/, ''))).toEqual([
    ...['user: while closed', 'assistant: heard "while closed"'],
    ...['user: while open', 'assistant: heard "while open"'],
  ]);
});

test('a dead letter is retried, and what is none is refused', async () => {
  const { directory, runtime } = await newWorld({}, { sessions: { attemptsMax: 1 } });
  const session = runtime.sessions.get('s');
  const { batch } = await session.enqueue('poison');
  const words = ['sessions', 'retry', 's', batch.batchId, '--dir', directory];
  const early = await told(words);
  expect(early).toMatchObject({ code: 1, out: '' });
  expect(early.err).toMatch(/^holdfast: BATCH_NOT_RETRYABLE: batch \S+ of session s is ready\./);
  const claim = await session.claim();
  await claim.abandon({ reason: 'it throws' });
  expect((await told(['sessions', 'list', '--dir', directory])).out).toMatch(/^s +empty +0 +0 +1 /m);
  const shown = await told(['sessions', 'show', 's', '--dir', directory]);
  expect(shown.out).toMatch(/^given back +\d{4}-\S+Z, it throws$/m);
  expect(await told(words)).toEqual({ code: 0, out: `${batch.batchId} ready\n`, err: '' });
});

test('the tail of a conversation is printed, and followed until Ctrl-C', async () => {
  const { directory, runtime } = await newWorld();
  const session = runtime.sessions.get(KEY);
  const say = (...entries: readonly object[]) => session.settle([], { history: entries });
  await say({ role: 'user', content: 'one\nline' }, { toolCallId: 7, snake_case: 1 });
  await say({ role: 'assistant', content: 'two' });
  const words = ['sessions', 'tail', KEY, '--dir', directory];
  const two = lines(await told([...words, '--limit', '2']));
  expect(two).toEqual([
    expect.stringMatching(/^2\d{3}-.+Z {2}session\/telegram:42\/é 50%: \{"toolCallId":7/) as string,
    expect.stringMatching(/^2\d{3}-.+Z {2}assistant: two$/) as string,
  ]);
  const all = lines(await told([...words, '--json'])).map((line) => JSON.parse(line) as unknown);
  expect(all.map((each) => field(each, 'entry'))).toEqual([
    { role: 'user', content: 'one\nline' },
    { toolCallId: 7, snake_case: 1 },
    { role: 'assistant', content: 'two' },
  ]);

  const follower = startCli([...words, '--follow', '--limit', '1']);
  expect(await follower.firstLine).toMatch(/assistant: two$/);
  const later = printed(follower, 'five');
  await say({ role: 'user', content: 'three' }, { role: 'user', content: 'four' });
  await say({ role: 'user', content: 'five' });
  await later;
  follower.child.kill('SIGINT');
  const end = await follower.ended;
  expect(end).toMatchObject({ code: 130, err: '' });
  expect(lines(end).map((line) => line.split(': ').at(-1))).toEqual(['two', 'three', 'four', 'five']);
});

test.each([
  ['120', 120],
  ['150', 150],
  ['400', 150],
])('a follower that began with %s entries prints each of them once', async (limit, shown) => {
  const { directory, runtime } = await newWorld();
  const session = runtime.sessions.get('s');
  const said = (n: number): object => ({ role: 'user', content: `m${n}` });
  await session.settle([], { history: Array.from({ length: 150 }, (_, n) => said(n)) });
  const follower = startCli(['sessions', 'tail', 's', '--follow', '--limit', limit, '--dir', directory]);
  await follower.firstLine;
  const later = printed(follower, 'm402');
  for (const n of [400, 401, 402]) await session.settle([], { history: [said(n)] });
  await later;
  follower.child.kill('SIGINT');
  const contents = lines(await follower.ended).map((line) => line.split(': ').at(-1));
  expect(contents).toEqual([
    ...Array.from({ length: shown }, (_, n) => `m${150 - shown + n}`),
    ...['m400', 'm401', 'm402'],
  ]);
});

test('nobody is followed where nobody runs, and a follower hears of the end of its process', async () => {
  const { directory, runtime } = await newWorld();
  const session = runtime.sessions.get('s');
  await session.settle([], { history: [{ role: 'user', content: 'hello' }] });
  const follower = startCli(['sessions', 'tail', 's', '--follow', '--dir', directory]);
  await follower.firstLine;
  await runtime.close();
  const end = await follower.ended;
  expect(end.code).toBe(end.err.startsWith('holdfast: RUNTIME_CLOSED') ? 1 : 4);
  const alone = await told(['sessions', 'tail', 's', '--follow', '--dir', directory]);
  expect(alone).toMatchObject({ code: 4, out: '' });
  expect(alone.err).toMatch(/^holdfast: CONTROL_FAILED: no process runs /);
  expect((await told(['sessions', 'tail', 's', '--dir', directory])).out).toMatch(/user: hello\n$/);
});

test('a draft is read from a file, and a bad one is refused with its field', async () => {
  const { directory, runtime } = await newWorld();
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-draft-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const enqueued = async (content: string): Promise<CliEnd> => {
    const file = join(folder, 'draft.json');
    await writeFile(file, content);
    return told(['sessions', 'enqueue', 's', '--file', file, '--json', '--dir', directory]);
  };
  const wake = {
    ...{ type: 'process_wake', process_id: 'job_1', sequence: 1, event_type: 'job.done' },
    ...{ target_session_id: 's', input: { userKey: 1 } },
  };
  const good = await enqueued(JSON.stringify({ payloads: [wake], slot: 'join', merge: 'payload_default' }));
  expect(json(good)).toMatchObject({ batch: { merge: 'payload_default', items: [{ payload: wake }] } });

  const png =
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
  const seen = { type: 'turn_input', items: [{ image_ref: 'myCat' }], images: { myCat: { base64: png } } };
  const image = await enqueued(JSON.stringify({ payloads: [seen] }));
  const attachment = expect.stringMatching(/^[0-9a-f]{64}\.png$/) as string;
  expect(field(json(image), 'batch.items.0.payload.images')).toEqual({
    myCat: { attachment, mime: 'image/png', bytes: Buffer.from(png, 'base64').length },
  });

  const bad: readonly (readonly [content: string, field: string, message: RegExp])[] = [
    ['{"payloads":', 'file', /is not JSON/],
    [' '.repeat(limits.controlBodyBytesMax + 1), 'file', /is larger than 1048576 bytes/],
    [
      '{"payloads":[{"type":"turnInput"}]}',
      'payloads.0.type',
      /one of turn_input, process_wake, session_comm/,
    ],
    ['{"payloads":[],"colour":"red"}', 'colour', /known are payloads, deliver, merge, available_at_ms/],
    ['{"payloads":[],"sourceKey":"s"}', 'source_key', /"sourceKey": on the wire it is "source_key"/],
    ['{"payloads":[]}', 'payloads', /./],
  ];
  for (const [content, wrong, message] of bad) {
    const end = await enqueued(content);
    expect(end, content.slice(0, 80)).toMatchObject({ code: 2, out: '' });
    const { error } = JSON.parse(end.err) as { readonly error: unknown };
    expect(field(error, 'code')).toBe('INVALID_INPUT');
    expect(field(error, 'message')).toMatch(message);
    expect(field(error, 'details.field')).toBe(wrong);
  }
  const missing = await told([
    'sessions',
    'enqueue',
    's',
    '--file',
    join(folder, 'none'),
    '--dir',
    directory,
  ]);
  expect(missing).toMatchObject({ code: 2, out: '' });
  expect(missing.err).toMatch(/^holdfast: INVALID_INPUT: "file": \S+ cannot be read \(ENOENT\)/);
  expect((await runtime.sessions.get('s').list()).items).toHaveLength(2);
});

test('what is not there is exit code 3, a wrong command line 2 before a directory is opened', async () => {
  const { directory, runtime } = await newWorld();
  await runtime.sessions.get('s').enqueue('hello');
  const dir = ['--dir', directory];
  const none = [
    ['show', 'nobody'],
    ['pending', 'nobody'],
    ['mode', 'nobody'],
    ['tail', 'nobody'],
    ['resume', 'nobody'],
    ['cancel', 'nobody', 'bat_1_x'],
    ['retry', 'nobody', 'bat_1_x'],
    ['cancel', 's', 'bat_1_x'],
    ['retry', 's', 'bat_1_x'],
  ];
  for (const closed of [false, true]) {
    if (closed) await runtime.close();
    for (const words of none) {
      const end = await told(['sessions', ...words, ...dir]);
      expect(end, words.join(' ')).toMatchObject({ code: 3, out: '' });
      const code = words[1] === 's' ? 'BATCH_NOT_FOUND' : 'ACTOR_NOT_FOUND';
      expect(end.err, words.join(' ')).toMatch(new RegExp(`^holdfast: ${code}: [^\n]+\n$`));
    }
  }
  expect(await told(['sessions', 'mode', 'nobody', 'steer', '--cap', '0', ...dir])).toMatchObject({
    code: 2,
  });
  const nowhere = ['--dir', join(directory, 'nowhere')];
  const wrong = [
    ['enqueue', 's'],
    ['enqueue', 's', 'text', '--file', 'f'],
    ['enqueue', 's', 'text', '--deliver', 'now'],
    ['enqueue', 's', 'text', '--inject', '--slot', 'join'],
    ['enqueue', 's', 'text', '--message', '--inject'],
    ['enqueue', 's', 'text', '--group', 'g', '--merge', 'never'],
    ['enqueue', 's', 'text', '--channel', 'tg'],
    ['enqueue', 's', 'text', '--at', 'tomorrow'],
    ['mode', 's', 'loud'],
    ['mode', 's', '--cap', 'many'],
    ['pending', 's', '--limit', '0'],
  ];
  for (const words of wrong) {
    const end = await told(['sessions', ...words, ...nowhere]);
    expect(end, words.join(' ')).toMatchObject({ code: 2, out: '' });
    expect(end.err).toMatch(/^holdfast: (USAGE|INVALID_INPUT): [^\n]+\n$/);
  }
});

/** Resolves once the process has printed the text. */
function printed({ child }: CliProcess, text: string): Promise<void> {
  return new Promise((resolve) => {
    child.stdout.on('data', (chunk: string) => {
      if (chunk.includes(text)) resolve();
    });
  });
}

function json({ out }: CliEnd): unknown {
  return JSON.parse(out) as unknown;
}

function lines({ out }: CliEnd): readonly string[] {
  return out.trimEnd().split('\n');
}
