/**
 * A capsule as a test: a vitest file that fails on the machine as it is, for the reason the actor failed.
 *
 * Callers: capsule.ts. Invariant: what is written was tried: it fails now, and its title says why.
 */
import { basename, dirname, join, relative, sep } from 'node:path';
import { matchesState, type StateValue } from 'xstate';
import { mendCapsule, type Capsule, type MendReport } from '../actors/index.js';
import { HoldfastError } from '../errors.js';
import { isPlainObject } from '../json.js';
import type { FoundMachine } from './capsule-machine.js';
import { stateText } from './capsule-text.js';
import { plain } from './terminal.js';

export interface TestWish {
  readonly capsule: Capsule;
  /** Where the capsule is. */
  readonly file: string;
  readonly found: FoundMachine;
  readonly module: string;
  readonly state?: string;
  readonly out?: string;
}

export interface WrittenTest {
  readonly path: string;
  readonly title: string;
  readonly text: string;
}

/** What oxfmt breaks lines at, in this house. */
const COLUMNS = 110;
const TITLE_CHARS_MAX = COLUMNS - `test('', () => {`.length;

/** Throws INVALID_INPUT when the machine takes the incident well, and for a state that is none. */
export function testOf({ capsule, file, found, module, state: wanted, out }: TestWish): WrittenTest {
  const { kind, id, exportedAt } = capsule;
  const path = out ?? join(dirname(file), `${fileName(`${kind}-${id}`)}.test.ts`);
  const state = wanted === undefined ? undefined : stateOf(wanted);
  const title = titleOf(capsule, mendCapsule(found.machine, capsule), state);
  const [name = '', ...members] = found.path;
  const machine = name + members.map(memberText).join('');
  const options = state === undefined ? '' : `, { state: ${literal(state)} }`;
  const link = importPath(path, file);
  const text = [
    `/** What happened to ${comment(capsule.address)}, exported ${new Date(exportedAt).toISOString()}. */`,
    `import { expectMended, readCapsule } from 'holdfast/testing';`,
    `import { test } from 'vitest';`,
    `import { ${name} } from ${quoted(importPath(path, module).replace(/\.(c|m)?ts$/, '.$1js'))};`,
    ``,
    ...fileLines(link),
    ``,
    `test(${quoted(title)}, () => {`,
    ...call(machine, options),
    `});`,
    ``,
  ].join('\n');
  return { path, title, text };
}

/** What is wrong now, in one line. */
function titleOf({ address }: Capsule, report: MendReport, state: StateValue | undefined): string {
  const { failure, value } = report;
  if (failure !== undefined) {
    const { seq, event, error } = failure;
    return short(`${address}, step ${seq} (${event.type}): ${errorText(error)}`);
  }
  const ends = JSON.stringify(value);
  if (state === undefined) {
    const message = `"state": the machine takes every event of ${address} and ends in ${ends}`;
    throw wrong(`${message}; name the state it should have ended in`);
  }
  if (value !== undefined && matchesState(state, value as StateValue))
    throw wrong(`"state": the machine takes ${address} to ${ends} already: there is nothing to reproduce`);
  return short(`${address} ends in ${stateText(state)}, where it ended in ${stateText(value)}`);
}

function stateOf(text: string): StateValue {
  if (!text.startsWith('{')) return text;
  try {
    const value: unknown = JSON.parse(text);
    if (isStateValue(value)) return value;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw wrong(`"state": ${text} is neither the name of a state nor a state value as JSON`);
}

function isStateValue(value: unknown): value is StateValue {
  return typeof value === 'string' || (isPlainObject(value) && Object.values(value).every(isStateValue));
}

function wrong(message: string): HoldfastError {
  return new HoldfastError('INVALID_INPUT', message, { details: { field: 'state' } });
}

function fileLines(link: string): readonly string[] {
  const line = `const file = new URL(${quoted(link)}, import.meta.url);`;
  return line.length <= COLUMNS
    ? [line]
    : [`const file = new URL(`, `  ${quoted(link)},`, `  import.meta.url,`, `);`];
}

function call(machine: string, options: string): readonly string[] {
  const line = `  expectMended(${machine}, readCapsule(file)${options});`;
  if (line.length <= COLUMNS) return [line];
  return [`  const capsule = readCapsule(file);`, `  expectMended(${machine}, capsule${options});`];
}

function literal(state: StateValue | undefined): string {
  if (typeof state === 'string') return quoted(state);
  const members = Object.entries(state ?? {}).map(([name, inner]) => `${keyText(name)}: ${literal(inner)}`);
  return `{ ${members.join(', ')} }`;
}

function keyText(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : quoted(name);
}

function memberText(name: string): string {
  if (/^\d+$/.test(name)) return `[${name}]`;
  return /^[A-Za-z_$][\w$]*$/.test(name) ? `.${name}` : `[${quoted(name)}]`;
}

/** As oxfmt would quote it. */
function quoted(text: string): string {
  const json = JSON.stringify(text);
  const singles = text.split(`'`).length;
  const doubles = text.split(`"`).length;
  if (singles > doubles) return json;
  return `'${json
    .slice(1, -1)
    .replaceAll(String.raw`\"`, '"')
    .replaceAll(`'`, String.raw`\'`)}'`;
}

function importPath(from: string, to: string): string {
  const path = relative(dirname(from), to).split(sep).join('/');
  return path.startsWith('.') ? path : `./${path}`;
}

function fileName(text: string): string {
  return basename(text.replaceAll(/[^\w.@-]+/g, '-')).slice(0, 100);
}

function errorText(error: unknown): string {
  const { name, message } = Object(error) as { readonly name?: unknown; readonly message?: unknown };
  return typeof message === 'string' ? `${String(name)}: ${message}` : String(JSON.stringify(error));
}

function comment(text: string): string {
  return plain(text).replaceAll('*/', '* /');
}

function short(text: string): string {
  const title = plain(text);
  if (title.length <= TITLE_CHARS_MAX) return title;
  return `${title.slice(0, TITLE_CHARS_MAX - 1).toWellFormed()}…`;
}
