/**
 * What the demo was asked to do, checked once: flags in, settings out.
 *
 * Callers: command.ts. Throws INVALID_INPUT for a bad number or prompt, INVALID_OPTIONS for flags that do not
 * go together, STORE_FOREIGN for a directory that has something in it. Invariant: nothing is on disk before
 * every flag was found good.
 */
import { randomInt } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { HoldfastError } from '../../errors.js';

/** The flags as commander gives them. */
export interface DemoFlags {
  readonly jobs?: string;
  readonly kills?: string;
  readonly seed?: string;
  readonly prompt?: string;
  readonly dir?: string;
  readonly provider?: string;
  readonly baseUrl?: string;
  readonly json?: boolean;
}

/** Where the work is paid for: at the simulator, or at a real endpoint with a key of the environment. */
export type Endpoint =
  | { readonly type: 'simulator' }
  | { readonly type: 'openai'; readonly baseUrl: string | undefined };

export interface DemoSettings {
  readonly jobs: number;
  readonly kills: number;
  readonly seed: number;
  readonly prompt: string | undefined;
  readonly directory: string;
  readonly endpoint: Endpoint;
  readonly json: boolean;
}

const JOBS_MAX = 500;
const KILLS_MAX = 500;
const SEED_MAX = 2 ** 31 - 1;
const PROMPT_CHARS_MAX = 2_000;

type Environment = Readonly<Record<string, string | undefined>>;

export function settingsOf(flags: DemoFlags, env: Environment): DemoSettings {
  const endpoint = endpointOf(flags, env);
  const isReal = endpoint.type !== 'simulator';
  // A real endpoint costs real money: one job and no kills unless asked for.
  const jobs = wholeNumber('jobs', flags.jobs, isReal ? 1 : 12, 0, JOBS_MAX);
  const kills = wholeNumber('kills', flags.kills, isReal || jobs === 0 ? 0 : 6, 0, KILLS_MAX);
  const seed = wholeNumber('seed', flags.seed, randomInt(1, 1_000_000), 0, SEED_MAX);
  if (jobs === 0 && kills > 0) {
    throw new HoldfastError(
      'INVALID_OPTIONS',
      '--kills needs --jobs: there is nothing to kill in the middle of',
    );
  }
  const prompt = promptOf(flags.prompt);
  const directory = directoryOf(flags.dir);
  return { jobs, kills, seed, prompt, directory, endpoint, json: flags.json === true };
}

function wholeNumber(
  name: string,
  text: string | undefined,
  otherwise: number,
  min: number,
  max: number,
): number {
  if (text === undefined) return otherwise;
  const value = /^\d{1,10}$/.test(text.trim()) ? Number(text) : NaN;
  if (value >= min && value <= max) return value;
  throw new HoldfastError(
    'INVALID_INPUT',
    `--${name} ${JSON.stringify(text)} is not a whole number from ${min} to ${max}`,
    { details: { field: name } },
  );
}

function promptOf(prompt: string | undefined): string | undefined {
  if (prompt === undefined) return undefined;
  const wrong = prompt.trim() === '' || prompt.length > PROMPT_CHARS_MAX || /\0/.test(prompt);
  if (!wrong && prompt.isWellFormed()) return prompt.trim();
  throw new HoldfastError('INVALID_INPUT', `--prompt has 1 to ${PROMPT_CHARS_MAX} characters of text`, {
    details: { field: 'prompt' },
  });
}

function endpointOf(flags: DemoFlags, env: Environment): Endpoint {
  const wrong = (message: string): HoldfastError => new HoldfastError('INVALID_OPTIONS', message);
  const { provider, baseUrl } = flags;
  if (provider === undefined) {
    if (baseUrl !== undefined) throw wrong('--base-url goes with --provider openai');
    return { type: 'simulator' };
  }
  if (provider !== 'openai') {
    throw wrong(
      `--provider ${JSON.stringify(provider)} is unknown here: "openai", or no flag for the simulator`,
    );
  }
  const protocol = baseUrl !== undefined && URL.canParse(baseUrl) ? new URL(baseUrl).protocol : undefined;
  if (baseUrl !== undefined && protocol !== 'http:' && protocol !== 'https:') {
    throw wrong(`--base-url ${JSON.stringify(baseUrl)} is no http(s) URL`);
  }
  if ((env['OPENAI_API_KEY'] ?? '').trim() === '') {
    throw wrong('--provider openai needs a key in the environment variable OPENAI_API_KEY');
  }
  return { type: 'openai', baseUrl };
}

/** An empty directory, made if need be. The control socket's path must stay short, so it is resolved here. */
function directoryOf(dir: string | undefined): string {
  if (dir === undefined) return realpathSync(mkdtempSync(join(tmpdir(), 'holdfast-demo-')));
  const directory = resolve(dir);
  if (existsSync(directory)) {
    const isEmpty = statSync(directory).isDirectory() && readdirSync(directory).length === 0;
    if (!isEmpty) throw new HoldfastError('STORE_FOREIGN', `--dir ${directory} is not an empty directory`);
    return directory;
  }
  try {
    mkdirSync(directory, { recursive: true });
  } catch (cause) {
    throw new HoldfastError('STORE_UNWRITABLE', `--dir ${directory} cannot be made`, { cause });
  }
  return directory;
}
