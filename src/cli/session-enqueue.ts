/**
 * `holdfast sessions enqueue`: work for a session, from a text or from a file.
 *
 * Callers: sessions.ts. Invariant: what the options ask for is one of three things, and what does not go
 * together is refused: work with policies, an injection, or a message under the session's queue mode.
 */
import { readFile, stat } from 'node:fs/promises';
import { Option, type Command } from 'commander';
import { enqueuedWire, workFrom, type ControlSessions } from '../control/index.js';
import { HoldfastError } from '../errors.js';
import type { Enqueued } from '../index.js';
import { limits } from '../limits.js';
import { sayWire, type Common } from './answer.js';
import { wrong } from './given.js';
import { timeOf } from './numbers.js';
import { atSessions } from './in-directory.js';
import type { Terminal } from './terminal.js';

interface EnqueueOptions extends Common {
  readonly deliver?: string;
  readonly slot?: string;
  readonly merge?: string;
  readonly group?: string;
  readonly sourceKey?: string;
  readonly at?: number;
  readonly id?: string;
  readonly inject?: boolean;
  readonly message?: boolean;
  readonly channel?: string;
  readonly file?: string;
}

const POLICIES = ['deliver', 'slot', 'merge', 'group', 'sourceKey', 'at'];

/** Gives the command its options and what it does. */
export function enqueueOptions(command: Command, terminal: Terminal): void {
  const boundaries = ['earliest_safe_boundary', 'after_current_turn_commit'];
  const option = (flags: string, description: string): Option => new Option(flags, description);
  command
    .addOption(option('--deliver <when>', 'when it may enter').choices(boundaries))
    .addOption(option('--slot <slot>', 'with its like, or alone').choices(['join', 'exclusive']))
    .addOption(option('--merge <rule>', 'what it joins').choices(['never', 'payload_default']))
    .addOption(option('--group <name>', 'it joins others of this group').conflicts('merge'))
    .option('--source-key <key>', 'what it is known by while it waits')
    .option('--at <time>', 'not before: 2026-01-31T08:00:00Z, or ms since 1970', timeOf)
    .option('--id <id>', 'known by host:ID (injection:ID) while it waits')
    .addOption(option('--inject', 'for the running turn, at its next boundary').conflicts(POLICIES))
    .addOption(option('--message', 'under the session’s queue mode').conflicts([...POLICIES, 'inject']))
    .option('--channel <name>', 'the channel of the message')
    .addOption(
      option('--file <file>', 'JSON, work as the wire has it').conflicts([
        ...POLICIES,
        ...['id', 'inject', 'message', 'channel'],
      ]),
    )
    .action(async (key: string, text: string | undefined, options: EnqueueOptions) => {
      const put = await putting(key, text, options);
      const done = await atSessions(options.dir, put);
      sayWire(
        options,
        terminal,
        () => enqueuedWire.toWire(done),
        () => doneText(done),
      );
    });
}

type Put = (sessions: ControlSessions) => Promise<Enqueued>;

/** What is to be done, checked before any directory is opened. */
async function putting(key: string, text: string | undefined, options: EnqueueOptions): Promise<Put> {
  const { file, message = false, channel, id } = options;
  if ((text === undefined) === (file === undefined))
    throw wrong('text', 'give a text, or --file, and not both');
  if (channel !== undefined && !message) throw wrong('channel', 'it is the channel of a --message');
  if (file !== undefined) {
    const work = workFrom(await jsonFile(file));
    return (sessions) => sessions.enqueue(key, work);
  }
  const said = { text: text ?? '', ...(id === undefined ? {} : { id }) };
  if (message)
    return (sessions) => sessions.message(key, { ...said, ...(channel === undefined ? {} : { channel }) });
  const work = workFrom({ ...said, ...wirePolicies(options) });
  return (sessions) => sessions.enqueue(key, work);
}

function wirePolicies({ deliver, slot, merge, group, sourceKey, at, inject }: EnqueueOptions): object {
  const all = {
    ...{ deliver, slot, merge: group === undefined ? merge : { group } },
    ...{ source_key: sourceKey, available_at_ms: at, inject },
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

function doneText({ batch, deduplicated, contentMatches }: Enqueued): string {
  if (!deduplicated) return `${batch.batchId} enqueued: ${batch.state}`;
  const content = contentMatches ? 'the same content' : 'OTHER content, which stays';
  return `${batch.batchId} was there already, with ${content}: ${batch.state}`;
}

async function jsonFile(path: string): Promise<unknown> {
  const max = limits.controlBodyBytesMax;
  let text: string;
  try {
    if ((await stat(path)).size > max) throw wrong('file', `${path} is larger than ${max} bytes`);
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof HoldfastError) throw error;
    const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
    throw wrong('file', `${path} cannot be read (${String(code)})`, error);
  }
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw wrong('file', `${path} is not JSON`, error);
  }
}
