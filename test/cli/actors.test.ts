/** The commands about actors of any kind: beside a running runtime, and in a directory nobody holds. */
import { execFile } from 'node:child_process';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { widthOf } from '../../src/cli/terminal.js';
import { openRuntime, silentLogger } from '../../src/index.js';
import { bundled } from '../bundled.js';
import { newDirectory } from '../control/world.js';
import { orderMachine } from '../inspection/orders.js';
import { field } from '../simulator/opened.js';
import { startCli, told } from './run-cli.js';

const EVIL = 'a \u001b[31mred\u001b[0m\u202e bicycle';

/** `order/red77` has taken three steps, and stands in `cart`. */
async function orders() {
  const directory = await newDirectory();
  const runtime = await openRuntime({ directory, durability: 'process', log: silentLogger });
  onTestFinished(() => runtime.close({ timeoutMs: 1_000 }));
  const kind = runtime.define(orderMachine);
  const order = await kind.create({ id: 'red77', input: { title: EVIL } });
  await order.send({ type: 'add', line: 'bell' });
  await order.send({ type: 'add', line: 'lamp' });
  return { runtime, kind, order, dir: ['--dir', directory] as const };
}

test('looks are the same beside a running process and in a directory that nobody holds', async () => {
  const { dir, runtime } = await orders();
  const looks = [['ps'], ['list'], ['show', 'order/red77'], ['why', 'red77'], ['log', 'order/red7']];
  const more = [
    ['steps', 'red77'],
    ['steps', 'red77', '--from', '1'],
    ['story', 'red77'],
    ['acts', 'red77'],
  ];
  for (const isClosed of [false, true]) {
    if (isClosed) await runtime.close();
    for (const words of [...looks, ...more]) {
      for (const columns of [40, 80, 200]) {
        const end = await told([...words, ...dir], '', columns);
        expect(end, words.join(' ')).toMatchObject({ code: 0, err: '' });
        for (const steering of ['\u001b', '\u202e']) expect(end.out).not.toContain(steering);
        const isTable = ['ps', 'list', 'log'].includes(words[0] ?? '');
        if (isTable && columns >= 80)
          for (const line of end.out.split('\n')) expect(widthOf(line)).toBeLessThanOrEqual(columns);
      }
      const json = await told([...words, '--json', ...dir]);
      expect(json.out.trimEnd().split('\n'), words.join(' ')).toHaveLength(1);
      expect(JSON.parse(json.out)).toBeTypeOf('object');
    }
  }
});

test('what is shown is where actors are, what steps did, and why', async () => {
  const { dir } = await orders();
  expect((await told(['ps', ...dir])).out).toMatch(/^order +cart +1\b/m);
  expect((await told(['list', ...dir])).out).toMatch(/^order\/red77 +cart +\d+s +3 +a +\[31mred/m);
  const shown = await told(['show', 'red77', ...dir]);
  expect(shown.out).toMatch(/^state +cart$/m);
  expect(shown.out).toMatch(/^timer +patience: .* in \d+/m);
  expect(shown.out).toContain('    "bell",\n');
  expect((await told(['why', 'red77', ...dir])).out).toMatch(/^add +caller +cart/m);
  const log = (await told(['log', 'red77', ...dir])).out.trimEnd().split('\n');
  expect(log).toHaveLength(3);
  expect(log.at(-1)).toMatch(/^ {2}3 {2}2\S+Z {2}add +cart +user/);
  const older = await told(['log', 'red77', '--limit', '1', '--before', '3', ...dir]);
  expect(older.out).toMatch(/^older: --before 2\n {2}2 /);
  const step = await told(['steps', 'red77', '--seq', '2', ...dir]);
  expect(step.out).toContain('  + /lines/0  "bell"\n');
  expect(step.out).toMatch(/^commit +\d+, written 2\S+Z$/m);
  const range = JSON.parse((await told(['steps', 'red77', '--to', '2', '--json', ...dir])).out) as unknown;
  expect([field(range, 'items.0.seq'), field(range, 'items.1.seq')]).toEqual([1, 2]);
  expect((await told(['story', 'red77', '--format', 'mermaid', ...dir])).out).toMatch(/^sequenceDiagram\n/);
});

test('an event is sent in the operator’s name; what cannot be done is refused with what can', async () => {
  const { dir, runtime } = await orders();
  const words = ['send', 'order/red77', 'add', '--data', '-', '--operator', 'ann'];
  const sent = await told([...words, ...dir], '{"line":"horn"}');
  expect(sent).toEqual({ code: 0, out: 'order/red77 took add: now cart\n', err: '' });
  expect((await told(['log', 'red77', ...dir])).out).toMatch(/^ {2}4 .* operator:ann/m);
  const called = ['send', 'red77', 'add', '--data', '{"line":"bell"}', '--id', 'once', '--seen', '4'];
  expect(await told([...called, ...dir])).toMatchObject({ code: 0 });
  expect(await told([...called, ...dir])).toMatchObject({ code: 0 });
  expect((await runtime.inspection.actor('order/red77')).seq).toBe(5);
  const late = await told(['send', 'red77', 'add', '--seen', '9', ...dir]);
  expect(late).toMatchObject({ code: 1, err: expect.stringMatching(/^holdfast: ACT_STALE: /) as string });
  const unknown = await told(['send', 'red77', 'drop', ...dir]);
  expect(unknown).toMatchObject({ code: 1, err: expect.stringContaining('send:add') as string });
  expect(unknown.err).toMatch(/^holdfast: ACT_UNKNOWN: /);
  expect(await told(['cancel', 'red77', ...dir])).toMatchObject({ code: 1 });
  expect(await told(['retry', 'red77', '--input', '{}', ...dir])).toMatchObject({ code: 1 });
  const done = await told(['act', 'red77', 'send:note', '--input', '{"text":"x"}', '--json', ...dir]);
  expect(JSON.parse(done.out)).toMatchObject({ address: 'order/red77', status: 'active', value: 'cart' });
  await runtime.close();
  const alone = await told(['send', 'red77', 'add', '--data', '{"line":"x"}', ...dir]);
  expect(alone).toMatchObject({ code: 1, err: expect.stringMatching(/KIND_UNKNOWN: .*"order"/) as string });
});

test('an id or its beginning is enough; several are named, and near ones where there is none', async () => {
  const { dir, kind } = await orders();
  await kind.create({ id: 'red78', input: { title: 'b' } });
  expect(await told(['show', 'red77', ...dir])).toMatchObject({ code: 0 });
  const several = await told(['show', 'order/red7', ...dir]);
  expect(several).toMatchObject({ code: 2 });
  expect(several.err).toContain('"order/red7" may be order/red77, order/red78');
  const short = await told(['show', 'red', ...dir]);
  expect(short).toMatchObject({ code: 3 });
  const near = await told(['why', 'order/rde77', ...dir]);
  expect(near.code).toBe(3);
  expect(near.err).toMatch(/^holdfast: ACTOR_NOT_FOUND: .*did you mean order\/red77.*\? Check the id/);
});

test('filters by kinds and states that there are not name those there are', async () => {
  const { dir } = await orders();
  const kind = await told(['list', '--kind', 'ordre', ...dir]);
  expect(kind).toMatchObject({ code: 2, err: expect.stringContaining('did you mean order?') as string });
  const state = await told(['list', '--kind', 'order', '--state', 'crat', ...dir]);
  expect(state).toMatchObject({ code: 2, err: expect.stringContaining('paying.charging') as string });
  expect(await told(['list', '--state', 'paying', ...dir])).toMatchObject({ code: 0, out: 'no actors\n' });
  expect(await told(['list', '--older', '2h', ...dir])).toMatchObject({ code: 0, out: 'no actors\n' });
  const wrong = [
    ['list', '--limit', '0'],
    ['list', '--status', 'over'],
    ['list', '--kind', ''],
    ['list', '--older', '5'],
    ['list', '--cursor', 'x'],
    ['log', 'red77', '--limit', 'x'],
    ['log', 'red77', '--before', '0'],
    ['steps', 'red77', '--seq', '1', '--from', '1'],
    ['steps', 'red77', '--from', '9'],
    ['story', 'red77', '--format', 'svg'],
    ['send', 'red77', 'add', '--data', '[1]'],
    ['send', 'red77', 'add', '--data', '{'],
    ['act', 'red77', 'send:add', '--operator', ''],
    ['act', 'red77', 'send:add', '--id', ''],
    ['act', 'red77', 'send:add', '--seen', '0'],
    ['completion', 'csh'],
  ];
  for (const words of wrong) {
    const end = await told(words[0] === 'completion' ? words : [...words, ...dir]);
    expect(end, words.join(' ')).toMatchObject({ code: 2, out: '' });
    expect(end.err).toMatch(/^holdfast: (USAGE|INVALID_INPUT|INVALID_OPTIONS): [^\n]+\n$/);
  }
  expect(await told(['steps', 'red77', '--seq', '9', ...dir])).toMatchObject({ code: 1 });
});

test('a watcher tells each change of state until the end; a follower each step', async () => {
  const { dir, order, runtime } = await orders();
  const follower = startCli(['log', 'red77', '--follow', '--limit', '1', ...dir]);
  const watcher = startCli(['watch', 'red77', ...dir]);
  await Promise.all([follower.firstLine, watcher.firstLine]);
  await order.send({ type: 'add', line: 'x' });
  await order.send({ type: 'pay', amount: 20 });
  await order.waitFor(({ value }) => JSON.stringify(value).includes('charged'));
  await order.send({ type: 'drop' });
  const [followed, watched] = await Promise.all([follower.ended, watcher.ended]);
  expect(followed).toMatchObject({ code: 0, err: '' });
  expect(followed.out.trimEnd().split('\n')).toHaveLength(5);
  expect(watched).toMatchObject({ code: 0, err: '' });
  const states = watched.out
    .trimEnd()
    .split('\n')
    .map((line) => /(cart|paying\S+|gone \(done\))/.exec(line)?.[1]);
  expect(states).toEqual(['cart', 'paying.charging', 'paying.charged', 'gone (done)']);
  await runtime.close();
  expect(await told(['watch', 'red77', ...dir])).toMatchObject({ code: 0 });
  expect(await told(['log', 'red77', '--follow', ...dir])).toMatchObject({ code: 4 });
});

test('a watcher has seen the end of a work item that is settled, though it is kept for a while', async () => {
  const { dir, runtime } = await orders();
  const { id } = await runtime.work.enqueue('chunk', {});
  const watcher = startCli(['watch', `work/${id}`, ...dir]);
  await watcher.firstLine;
  const claim = await runtime.work.claimNext('chunk');
  await runtime.work.done(claim?.token ?? '');
  expect(await watcher.ended).toMatchObject({ code: 0, err: '' });
  const other = await runtime.work.enqueue('chunk', {});
  await runtime.work.cancel(other.id);
  await runtime.close();
  const cancelled = await told(['watch', `work/${other.id}`, ...dir]);
  expect(cancelled).toMatchObject({ code: 1 });
  expect(cancelled.err).toContain('ACTOR_FAILED');
  expect(cancelled.err).toContain('is cancelled');
});

test('Ctrl-C ends the watching, and a process that ends is told', async () => {
  const { dir, runtime } = await orders();
  const stopped = startCli(['watch', 'red77', ...dir]);
  await stopped.firstLine;
  stopped.child.kill('SIGINT');
  expect(await stopped.ended).toMatchObject({ code: 130 });
  const left = startCli(['watch', 'red77', ...dir]);
  await left.firstLine;
  await runtime.close();
  expect(await left.ended).toMatchObject({
    code: 4,
    err: expect.stringContaining('CONTROL_FAILED') as string,
  });
});

test('an actor is exported by its id, and a capsule imported, without the word capsule', async () => {
  const { dir, runtime } = await orders();
  const file = join(await newDirectory(), 'one.json');
  expect((await told(['export', 'red77', '--out', file, ...dir])).out).toContain(`wrote ${file}`);
  await runtime.close();
  const end = await told(['import', file, '--id', 'copy', ...dir]);
  expect(end).toEqual({ code: 0, out: 'order/copy was imported and stands still\n', err: '' });
});

test('bash completes commands, flags, choices, addresses and events', async () => {
  const { dir } = await orders();
  const script = (await told(['completion', 'bash'])).out;
  const bin = await newDirectory();
  const program = join(bin, 'holdfast');
  await writeFile(program, `#!/bin/sh\nexec '${process.execPath}' '${bundled('src/cli/main.ts')}' "$@"\n`);
  await chmod(program, 0o755);
  await writeFile(join(bin, 'completion.sh'), script);
  const asked = ['wh', 'list --sta', 'list --status d', `show ${dir.join(' ')} order/re`];
  const lines = [...asked, `send ${dir.join(' ')} order/red77 a`].map((line) => `holdfast ${line}`);
  const run = lines
    .map((line) => `COMP_LINE='${line}'; COMP_POINT=\${#COMP_LINE}; _holdfast; echo "\${COMPREPLY[*]}"`)
    .join('\n');
  const env = { ...process.env, PATH: `${bin}:${process.env['PATH'] ?? ''}` };
  const words = ['--norc', '-c', `source '${join(bin, 'completion.sh')}'\n${run}`];
  const { stdout } = await promisify(execFile)('bash', words, { env });
  expect(stdout.trimEnd().split('\n')).toEqual(['why', '--state --status', 'done', 'order/red77', 'add']);
  expect(await told(['complete', '--', 'show', '--dir', '/none', 'x'])).toMatchObject({ code: 0, out: '' });
});

test('kinds are completed, and ids where only those of one kind can be meant', async () => {
  const { dir, runtime } = await orders();
  await runtime.sessions.get('chat:1').enqueue({ text: 'hello' });
  const item = await runtime.work.enqueue('index', {});
  const after = async (...words: readonly string[]): Promise<string> =>
    (await told(['complete', '--', ...words])).out.trimEnd();
  expect(await after('list', ...dir, '--kind', 'o')).toBe('order');
  expect(await after('sessions', 'show', ...dir, 'ch')).toBe('chat:1');
  expect(await after('work', 'cancel', ...dir, 'one', 'work_')).toBe(item.id);
  expect(await after('work', 'list', ...dir, '--kind', '')).toBe('');
});

test('zsh and fish ask with the words up to the cursor, and offer files where nothing fits', async () => {
  const zsh = (await told(['completion', 'zsh'])).out;
  expect(zsh).toMatch(/^#compdef holdfast\n/);
  expect(zsh).toContain('$(holdfast complete -- "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2> /dev/null)');
  expect(zsh).toContain(`compadd -S '' -- "\${(@M)found:#*/}"\n`);
  expect(zsh).toMatch(/ {2}else\n {4}_files\n {2}fi\n\}\ncompdef _holdfast holdfast\n$/);
  const fish = (await told(['completion', 'fish'])).out;
  const current = String.raw`(commandline -ct | string trim --left --chars '"\'')`;
  expect(fish).toContain(`set -l words (commandline -opc) ${current}\n`);
  expect(fish).toContain('(holdfast complete -- $words[2..-1] 2> /dev/null)\n');
  expect(fish).toContain('__fish_complete_path (commandline -ct)\n');
  expect(fish).toContain("complete -c holdfast -f -a '(__holdfast_complete)'\n");
});
