/** The log: what it shows, what it hides, and that pino itself fits the port. */
import { spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { pino } from 'pino';
import { afterEach, expect, test, vi } from 'vitest';
import type { Clock } from '../src/clock.js';
import { systemClock } from '../src/clock.js';
import type { Logger, LoggerOptions, LogLevel } from '../src/log.js';
import { createLogger, silentLogger } from '../src/log.js';
import { bundled } from './bundled.js';

const noon: Clock = { ...systemClock, now: () => Date.UTC(2026, 10, 22, 12) };

function recorded(options: LoggerOptions = {}): { readonly log: Logger; readonly lines: string[] } {
  const lines: string[] = [];
  return { log: createLogger({ clock: noon, write: (line) => void lines.push(line), ...options }), lines };
}

afterEach(() => {
  vi.unstubAllEnvs();
});

test('writes one JSON object a line, with level, time, fields and message', () => {
  const { log, lines } = recorded();
  log.info({ jumpMs: 7 }, 'clock.jump');
  expect(lines).toHaveLength(1);
  expect(lines[0]?.endsWith('\n')).toBe(true);
  expect(JSON.parse(lines[0] ?? '')).toEqual({
    level: 'info',
    time: noon.now(),
    jumpMs: 7,
    msg: 'clock.jump',
  });
});

test('says nothing below its level', () => {
  const { log, lines } = recorded({ level: 'warn' });
  log.trace({}, 'a');
  log.debug({}, 'b');
  log.info({}, 'c');
  log.warn({}, 'd');
  expect(lines).toHaveLength(1);
});

test('hides secrets at the top level and two levels below', () => {
  const { log, lines } = recorded({ redact: ['pin'] });
  const secret = 'sk-very-secret';
  log.info(
    {
      authorization: secret,
      apiKey: secret,
      pin: secret,
      request: { token: secret, headers: { authorization: secret, 'x-api-key': secret, cookie: secret } },
    },
    'call',
  );
  expect(lines.join()).not.toContain(secret);
  expect(lines.join().match(/\[redacted\]/g)).toHaveLength(7);
});

test('keeps the message, the stack and the cause of an error under err', () => {
  const { log, lines } = recorded();
  log.error({ err: new Error('outer', { cause: new Error('inner') }) }, 'effect.failed');
  expect(lines.join()).toContain('outer');
  expect(lines.join()).toContain('inner');
});

test('what an error says is shown without what looks like a secret, however deep it lies', () => {
  const { log, lines } = recorded();
  const key = 'sk-live0123456789abcdef';
  const inner = Object.assign(new Error(`no ${key}`), { url: `https://h.example/a?sig=${key}`, code: 7 });
  log.error({ err: new AggregateError([inner], `for ${key}`, { cause: inner }) }, 'effect.failed');
  log.warn({ err: { name: 'Error', message: `not ${key}` } }, 'effect.probe.failed');
  log.warn({ err: `not even an error: ${key}` }, 'effect.failed');
  expect(lines.join()).not.toContain(key);
  expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
    {
      err: {
        message: expect.stringContaining('for [redacted]') as string,
        aggregateErrors: [{ message: 'no [redacted]', url: 'https://h.example/a?[redacted]', code: 7 }],
      },
    },
    { err: { message: 'not [redacted]' } },
    { err: 'not even an error: [redacted]' },
  ]);
});

test('an error that holds itself is a line of the log', () => {
  const { log, lines } = recorded();
  const ring: Error & { self?: unknown } = new Error('round');
  ring.self = { ring };
  log.error({ err: ring }, 'effect.failed');
  expect(lines).toHaveLength(1);
});

test('a child adds its bindings to every line', () => {
  const { log, lines } = recorded();
  log.child({ room: 'kernel' }).warn({ n: 1 }, 'x');
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ room: 'kernel', n: 1 });
});

test('the line format is aligned text with the fields behind the message', () => {
  const { log, lines } = recorded({ format: 'line' });
  log.warn({ jumpMs: 7, why: 'two words' }, 'clock.jump');
  expect(lines).toEqual(['12:00:00.000 warn  clock.jump               jumpMs=7 why="two words"\n']);
});

test.each(['holdfast', 'holdfast:*', 'http,holdfast:kernel', '*'])(
  'NODE_DEBUG=%s shows debug lines',
  (sections) => {
    vi.stubEnv('NODE_DEBUG', sections);
    const { log, lines } = recorded();
    log.debug({ seq: 3 }, 'step');
    expect(lines).toEqual(['12:00:00.000 debug step                     seq=3\n']);
  },
);

test('NODE_DEBUG for something else changes nothing', () => {
  vi.stubEnv('NODE_DEBUG', 'http,holdfaster');
  const { log, lines } = recorded();
  log.debug({}, 'step');
  expect(lines).toEqual([]);
});

test('an unknown level is refused with INVALID_OPTIONS', () => {
  const loud: unknown = 'loud';
  expect(() => createLogger({ level: loud as LogLevel })).toThrow(
    expect.objectContaining({ code: 'INVALID_OPTIONS' }),
  );
});

test('a pino logger is a Logger, and the silent one takes everything', () => {
  const loggers: readonly Logger[] = [pino({ level: 'silent' }), silentLogger];
  for (const log of loggers) {
    for (const method of ['trace', 'debug', 'info', 'warn', 'error'] as const) {
      expect(() => log.child({ a: 1 })[method]({ b: 2 }, 'quiet')).not.toThrow();
    }
  }
});

test('goes on when a line cannot be written, and then says how many were lost', () => {
  const lines: string[] = [];
  let full = true;
  const write = (line: string): void => {
    if (full) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
    lines.push(line);
  };
  const log = createLogger({ clock: noon, write });
  log.info({}, 'a');
  log.child({ room: 'store' }).info({}, 'b');
  full = false;
  log.info({}, 'c');
  log.info({}, 'd');
  const said = lines.join('').trim().split('\n');
  expect(said.map((line): unknown => JSON.parse(line))).toMatchObject([
    { msg: 'log.lost', level: 'warn', lines: 2 },
    { msg: 'c' },
    { msg: 'd' },
  ]);
});

test('a program whose standard error is on a full disk goes on', () => {
  const program = bundled('src/log.ts');
  const script = `
    const { createLogger } = await import(${JSON.stringify(pathToFileURL(program).href)});
    const log = createLogger();
    log.warn({}, 'a');
    setImmediate(() => { log.warn({}, 'b'); setImmediate(() => process.stdout.write('alive')); });`;
  const full = openSync('/dev/full', 'w');
  try {
    const { stdout, status } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', full],
      encoding: 'utf8',
    });
    expect({ stdout, status }).toEqual({ stdout: 'alive', status: 0 });
  } finally {
    closeSync(full);
  }
});
