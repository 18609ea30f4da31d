/**
 * What a runtime is opened with, and the check of it at the door.
 *
 * Callers: the assembly, and users through it. Invariant: an option that is wrong is named, before anything
 * is opened or made.
 */
import type { JobOptions } from './actors/jobs.js';
import type { EffectHook, MemoryLimits } from './actors/kernel/index.js';
import type { SessionDefaults } from './actors/session/desk.js';
import type { TasksOptions } from './actors/tasks/face.js';
import { checkTasksOptions } from './actors/tasks/options.js';
import type { WorkOptions } from './actors/work/face.js';
import { checkWorkOptions } from './actors/work/options.js';
import type { TelemetryOptions } from './actors/telemetry/telemetry.js';
import { checkTelemetryOptions } from './actors/telemetry/options.js';
import type { Channel } from './channels/index.js';
import type { Clock } from './clock.js';
import { HoldfastError } from './errors.js';
import { isPlainObject } from './json.js';
import type { Logger } from './log.js';
import type { ProviderAdapter } from './providers/index.js';
import type { Store } from './store/index.js';

export interface RuntimeOptions {
  /** Where everything durable lives; made when it does not exist. */
  readonly directory: string;
  readonly providers?: readonly ProviderAdapter[];
  readonly channels?: Readonly<Record<string, Channel>>;
  /** Defaults for every job. */
  readonly jobs?: JobOptions;
  /** Defaults for every session's queue. */
  readonly sessions?: SessionDefaults;
  /** Kinds of work items, and the door for workers elsewhere. */
  readonly work?: WorkOptions;
  /** Who runs background tasks, and their defaults. */
  readonly tasks?: TasksOptions;
  /**
   * `power` (default): acknowledged work survives a power cut (one fsync a commit). `process`: it survives a
   * crash of the process, and a power cut may cost the last moments.
   */
  readonly durability?: 'power' | 'process';
  /**
   * How many actors with nothing to do stay in memory: `actorsMax` (default 10,000) of them, and `bytesMax`
   * (default 64 MiB) of their records as JSON text. The least recently used go first; they cost a read when
   * they are needed again.
   */
  readonly memory?: MemoryLimits;
  /** Serve `<directory>/control.sock` for the CLI; default true. */
  readonly control?: boolean;
  /**
   * What references to tasks are sealed and hooks are named with: 32 characters or more, the same at every
   * open. Default: the file `secret` of the directory, made when it is first needed.
   */
  readonly secret?: string;
  /** How providers reach this runtime; absent: they are polled alone. */
  readonly webhooks?: WebhookOptions;
  /** Who makes spans and takes metrics; default: the global providers of `@opentelemetry/api`. */
  readonly telemetry?: TelemetryOptions;
  readonly log?: Logger;
  /** Default: the machine's. For tests. */
  readonly clock?: Clock;
  /** Wraps the store that was opened. For tests: faults and kills are injected here. */
  readonly wrapStore?: (store: Store) => Store;
}

export interface WebhookOptions {
  /** What providers reach `/hooks` of this runtime below, such as `https://agent.example.com`. */
  readonly publicUrl: string;
}

export type { EffectHook, PerformedEffect, RunOutcome } from './actors/kernel/index.js';

const SECRET_CHARS_MIN = 32;

/** Every name there is: what JavaScript misspells would be left out in silence. */
const NAMES: Readonly<Record<keyof RuntimeOptions, true>> = {
  directory: true,
  providers: true,
  channels: true,
  jobs: true,
  sessions: true,
  work: true,
  tasks: true,
  durability: true,
  memory: true,
  control: true,
  secret: true,
  webhooks: true,
  telemetry: true,
  log: true,
  clock: true,
  wrapStore: true,
};
const JOB_NAMES: Readonly<Record<keyof JobOptions, true>> = {
  timeoutMs: true,
  submitByMs: true,
  reconcileAfterMs: true,
  graceMs: true,
  retentionMs: true,
  poll: true,
};
const POLL_NAMES: Readonly<Record<keyof NonNullable<JobOptions['poll']>, true>> = {
  everyMs: true,
  slowMs: true,
  fastPolls: true,
};

/** What a test puts in place of chance and of the world. */
export interface Doubles {
  /** Makes the ids that nobody gave; default `newId` of ids.ts. */
  readonly newId?: (prefix: string) => string;
  readonly hook?: EffectHook;
  /** False: the directory is only looked at. Default true. */
  readonly live?: boolean;
}

/** Refuses what cannot work, at the door. Throws INVALID_OPTIONS. */
export function checkOptions(options: RuntimeOptions): void {
  const wrong = (message: string): never => {
    throw new HoldfastError('INVALID_OPTIONS', message);
  };
  if (typeof options.directory !== 'string' || options.directory === '') wrong('directory: name a directory');
  checkPorts(options, wrong);
  const { secret, webhooks } = options;
  if (secret !== undefined && (typeof secret !== 'string' || secret.length < SECRET_CHARS_MIN))
    wrong(`secret: fewer than ${SECRET_CHARS_MIN} characters`);
  if (webhooks !== undefined) checkPublicUrl(webhooks.publicUrl, wrong);
  checkWorkOptions(options.work);
  checkTasksOptions(options.tasks);
  checkTelemetryOptions(options.telemetry);
  const { durability, jobs, memory, sessions } = options;
  if (durability !== undefined && durability !== 'power' && durability !== 'process') {
    wrong(`durability: "${String(durability)}" is neither "power" nor "process"`);
  }
  if (memory !== undefined && !isPlainObject(memory)) wrong('memory: not an object of bounds');
  for (const [name, value] of Object.entries({ ...memory })) {
    if (name !== 'actorsMax' && name !== 'bytesMax') wrong(`memory.${name}: there is no such bound`);
    if (value !== undefined && !(Number.isSafeInteger(value) && Number(value) >= 1))
      wrong(`memory.${name}: not a whole number of 1 or more`);
  }
  const sessionBounds: Readonly<Record<string, number>> = { attemptsMax: 1_000, claimTtlMs: 86_400_000 };
  for (const [name, value] of Object.entries({ ...sessions })) {
    const max = sessionBounds[name];
    if (max === undefined) wrong(`sessions.${name}: there is no such default`);
    if (value !== undefined && !(Number.isSafeInteger(value) && value >= 1 && value <= (max ?? 0)))
      wrong(`sessions.${name}: not a whole number from 1 to ${max}`);
  }
  for (const [name, value] of Object.entries({ ...jobs, ...jobs?.poll })) {
    if (name === 'poll' || value === undefined) continue;
    if (typeof value !== 'number' || !Number.isFinite(value) || value < 0)
      wrong(`jobs.${name}: not a number of 0 or more`);
  }
}

/** The same at the users' door, where names are checked, too. Throws INVALID_OPTIONS. */
export function checkGiven(options: RuntimeOptions): void {
  const known = (prefix: string, given: unknown, names: Readonly<Record<string, true>>): void => {
    if (given === undefined) return;
    const what = prefix === '' ? 'options' : prefix.slice(0, -1);
    if (!isPlainObject(given)) throw new HoldfastError('INVALID_OPTIONS', `${what}: not an object`);
    const unknown = Object.keys(given).find((name) => !Object.hasOwn(names, name));
    if (unknown === undefined) return;
    const message = `${prefix}${unknown}: no such option; there are ${Object.keys(names).join(', ')}`;
    throw new HoldfastError('INVALID_OPTIONS', message);
  };
  known('', Object(options) === options ? options : null, NAMES);
  known('webhooks.', options.webhooks, { publicUrl: true });
  known('jobs.', options.jobs, JOB_NAMES);
  known('jobs.poll.', options.jobs?.poll, POLL_NAMES);
  checkOptions(options);
}

function checkPublicUrl(text: unknown, wrong: (message: string) => never): void {
  const url = typeof text === 'string' && URL.canParse(text) ? new URL(text) : undefined;
  const isHttp = url?.protocol === 'https:' || url?.protocol === 'http:';
  if (url === undefined || !isHttp || url.username !== '' || url.search !== '' || url.hash !== '')
    wrong('webhooks.publicUrl: not an http(s) URL without user, query and fragment');
}

/** What is called later must be there to be called: found missing then, it would fail half of a start. */
function checkPorts(options: RuntimeOptions, wrong: (message: string) => never): void {
  const { providers = [], channels = {}, clock } = options;
  if (!Array.isArray(providers)) wrong('providers: not a list of adapters, such as [kling()]');
  providers.forEach((adapter: unknown, at) => {
    const { id, aliases } = Object(adapter) as { readonly id?: unknown; readonly aliases?: unknown };
    if (typeof id !== 'string' || !Array.isArray(aliases)) wrong(`providers[${at}]: not an adapter`);
  });
  if (!isPlainObject(channels)) wrong('channels: not an object of channels by name');
  for (const [name, channel] of Object.entries(channels)) {
    const send: unknown =
      typeof channel === 'function' ? channel : (Object(channel) as { readonly send?: unknown }).send;
    if (typeof send !== 'function') wrong(`channels.${name}: neither a function nor an object with "send"`);
  }
  for (const name of ['now', 'monotonicMs', 'schedule', 'soon'] as const) {
    if (clock !== undefined && typeof Reflect.get(Object(clock) as object, name) !== 'function')
      wrong(`clock.${name}: not a function`);
  }
}
