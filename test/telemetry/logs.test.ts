import { expect, test } from 'vitest';
import { codeOf, sourceOf, sourcesIn, type Source } from '../tidy/sources.js';

interface Told {
  readonly name: string;
  /** Undefined where the code decides. */
  readonly level: string | undefined;
  readonly path: string;
}

/**
 * Where a name is not written in the call: what it may be there. Emitted events are logged under their
 * type.
 */
const DECIDED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'src/actors/accounts.ts': { 'account.paused': 'error', 'account.resumed': 'info' },
  'src/actors/deliveries.ts': { 'delivery.exhausted': 'error', 'delivery.dismissed': 'error' },
  'src/actors/work.ts': { 'work.failed': 'error' },
  'src/actors/kernel/after-commit.ts': { 'listener.failed': 'error', 'action.failed': 'error' },
  'src/actors/session/serve.ts': { 'sessions.unreadable': 'warn', 'turn.not_begun': 'warn' },
  // Written by the log itself, when it can write again.
  'src/log.ts': { 'log.lost': 'warn' },
};

const CALL = /\blog\??(?:\.(trace|debug|info|warn|error)|\[[^\]]*\])\(/g;

const rooms = sourcesIn('src').filter(({ path }) => !path.startsWith('src/inspector/page/'));
const documented = new Map(
  [...sourceOf('docs/logs.md').text.matchAll(/^\| `([^`]+)` \| ([a-z, ]+) \|/gm)].map(
    ([, name = '', levels = '']) => [name, levels.split(', ')] as const,
  ),
);

test('every message of the log is on the page, with its level, and nothing else is', () => {
  const told = rooms.flatMap(toldIn);
  expect(told.length).toBeGreaterThan(60);
  const wrong = told.filter(({ name, level }) => {
    const levels = documented.get(name);
    return levels === undefined || (level !== undefined && !levels.includes(level));
  });
  expect(wrong).toEqual([]);
  const names = new Set(told.map(({ name }) => name));
  expect([...documented.keys()].filter((name) => !names.has(name))).toEqual([]);
  expect([...documented.keys()]).toEqual([...documented.keys()].toSorted());
});

function toldIn(source: Source): readonly Told[] {
  const { path } = source;
  const code = codeOf(source);
  const decided = DECIDED[path] ?? {};
  const calls = [...code.matchAll(CALL)].map((call) => ({
    level: call[1],
    name: lastText(argumentsFrom(code, call.index + call[0].length)),
  }));
  const written = calls.flatMap(({ level, name }) => (name === undefined ? [] : [{ name, level, path }]));
  if (calls.length > written.length && Object.keys(decided).length === 0)
    return [...written, { name: `a name that ${path} decides`, level: undefined, path }];
  return [...written, ...Object.entries(decided).map(([name, level]) => ({ name, level, path }))];
}

/** The text of a call's arguments, up to its closing parenthesis. */
function argumentsFrom(code: string, start: number): string {
  let depth = 1;
  let end = start;
  for (; depth > 0 && end < code.length; end += 1) {
    if ('([{'.includes(code.charAt(end))) depth += 1;
    if (')]}'.includes(code.charAt(end))) depth -= 1;
  }
  return code.slice(start, end - 1);
}

function lastText(given: string): string | undefined {
  return /,\s*'([^']+)',?\s*$/.exec(given)?.[1];
}
