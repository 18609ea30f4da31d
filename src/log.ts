/**
 * The log: a port of six methods, and pino behind it.
 *
 * Owns: the only place that writes to standard error unasked, and the list of field names that are never
 * shown. Callers: every room takes a `Logger`; only `assembly.ts`, the doors and users make one. A pino
 * logger is a `Logger`.
 *
 * Invariants:
 *  1  A field whose name is in `SECRET_FIELDS` is shown as `[redacted]`, at the top level and two levels
 *     below.
 *     Of an error, what looks like a secret is, too: user code and providers throw what they like.
 *  2  Standard output is never written to: it belongs to the program.
 *  3  A line that cannot be written (a full disk) is lost, and stops nobody; the next one that can be says
 *     how many were.
 */
import { writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { pino, stdSerializers } from 'pino';
import type { Clock } from './clock.js';
import { systemClock } from './clock.js';
import { HoldfastError } from './errors.js';
import { environment } from './options.js';
import { withoutSecrets } from './secret-shapes.js';

export type LogFields = Readonly<Record<string, unknown>>;
/** Fields first, then a short constant message such as `clock.jump`; an error goes under `err`. */
export type LogMethod = (fields: LogFields, message: string) => void;

export interface Logger {
  readonly trace: LogMethod;
  readonly debug: LogMethod;
  readonly info: LogMethod;
  readonly warn: LogMethod;
  readonly error: LogMethod;
  /** A logger that adds `bindings` to every line. */
  readonly child: (bindings: Record<string, unknown>) => Logger;
}

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent';

export interface LoggerOptions {
  /** Default `info`; `debug` when `NODE_DEBUG` names `holdfast` or `holdfast:*`. */
  readonly level?: LogLevel;
  /**
   * `json`: one object a line. `line`: aligned text for people. Default `json`; `line` under `NODE_DEBUG`.
   */
  readonly format?: 'json' | 'line';
  /** Further field names to hide, each a pino redaction path. */
  readonly redact?: readonly string[];
  /** Gets each line with its newline. Default: standard error. When it throws, the line is lost. */
  readonly write?: (line: string) => void;
  readonly clock?: Clock;
}

const LEVELS: readonly LogLevel[] = ['trace', 'debug', 'info', 'warn', 'error', 'silent'];
const STANDARD_ERROR = 2;
const SECRET_FIELDS = [
  'apiKey',
  'api_key',
  'authorization',
  'Authorization',
  'cookie',
  'credential',
  'password',
  'secret',
  'token',
  'x-api-key',
  'x-goog-api-key',
] as const;

/** Makes a logger. Throws `INVALID_OPTIONS` for an unknown level. */
export function createLogger(options: LoggerOptions = {}): Logger {
  const debugging = namesHoldfast(environment()['NODE_DEBUG'] ?? '');
  const level = options.level ?? (debugging ? 'debug' : 'info');
  if (!LEVELS.includes(level)) {
    throw new HoldfastError(
      'INVALID_OPTIONS',
      `log level ${JSON.stringify(level)} is none of ${LEVELS.join(', ')}`,
    );
  }
  const clock = options.clock ?? systemClock;
  const format = options.format ?? (debugging ? 'line' : 'json');
  const shownAs = (json: string): string => (format === 'json' ? json : alignedLine(json));
  const lost = (lines: number): string =>
    shownAs(`{"level":"warn","time":${clock.now()},"lines":${lines},"msg":"log.lost"}\n`);
  const write = surviving(options.write ?? toStandardError, lost);
  return pino(
    {
      level,
      base: null,
      timestamp: () => `,"time":${clock.now()}`,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: (error: unknown) => errorShown(error, 0) },
      redact: { paths: [...secretPaths(), ...(options.redact ?? [])], censor: '[redacted]' },
    },
    { write: (json: string) => write(shownAs(json)) },
  );
}

/** Errors have errors within them, and fields of their own; deeper ones are not worth a walk. */
const ERROR_DEPTH_MAX = 3;

function errorShown(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return withoutSecrets(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth > ERROR_DEPTH_MAX) return '[deeper]';
  if (Array.isArray(value)) return value.map((each) => errorShown(each, depth + 1));
  const told: object = value instanceof Error ? stdSerializers.err(value) : value;
  const members = Object.entries(told).map(([name, each]) => [name, errorShown(each, depth + 1)]);
  return Object.fromEntries(members) as unknown;
}

/** Writes as `write` does, and goes on when it throws. */
function surviving(write: (line: string) => void, lost: (lines: number) => string): (line: string) => void {
  let lines = 0;
  return (line) => {
    try {
      // What was written of a lost line ends here.
      if (lines > 0) write(`\n${lost(lines)}`);
      lines = 0;
      write(line);
    } catch {
      lines += 1;
    }
  };
}

/**
 * Node ends a program whose standard error is a file on a full disk: its stream for files tells of ENOSPC by
 * an event that nobody hears, and writes nothing afterwards. So a file is written to directly.
 */
function toStandardError(line: string): void {
  // Its type knows terminals and pipes alone.
  const stream: unknown = process.stderr;
  if (stream instanceof Socket) {
    stream.write(line);
    return;
  }
  const bytes = Buffer.from(line);
  for (let from = 0; from < bytes.length;) from += writeSync(STANDARD_ERROR, bytes, from);
}

/** A logger that says nothing. */
export const silentLogger: Logger = {
  trace: () => undefined,
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLogger,
};

function namesHoldfast(sections: string): boolean {
  return sections.split(',').some((section) => /^(\*|holdfast(:.*)?)$/i.test(section.trim()));
}

function secretPaths(): readonly string[] {
  return SECRET_FIELDS.flatMap((name) => [`["${name}"]`, `*["${name}"]`, `*.*["${name}"]`]);
}

/** `05:45:01.123 warn  clock.jump               jumpMs=7200000` */
function alignedLine(json: string): string {
  const parsed: unknown = JSON.parse(json);
  const { level, time, msg, ...fields } = Object(parsed) as Readonly<Record<string, unknown>>;
  const clockTime = typeof time === 'number' ? new Date(time).toISOString().slice(11, 23) : '';
  const pairs = Object.entries(fields).map(([name, value]) => `${name}=${shown(value)}`);
  return (
    `${clockTime} ${String(level).padEnd(5)} ${String(msg).padEnd(24)} ${pairs.join(' ')}`.trimEnd() + '\n'
  );
}

function shown(value: unknown): string {
  return typeof value === 'string' && /^[\w./:@+-]+$/.test(value) ? value : JSON.stringify(value);
}
