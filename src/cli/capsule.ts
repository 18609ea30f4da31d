/**
 * `holdfast capsule export|show|verify|replay|import|to-test`, and `holdfast export|import`: one actor as a
 * file, from an incident to a test.
 *
 * Callers: run.ts. Invariants:
 *  1  A file is written whole or not at all, and none is overwritten without `--force`.
 *  2  Only `export` and `import` touch a directory; `import` needs one that nobody holds.
 */
import { readCapsule, replayCapsule, type Capsule } from '../actors/index.js';
import type { Command } from 'commander';
import type { ControlClient } from '../control/index.js';
import { HoldfastError } from '../errors.js';
import { openOffline, silentLogger, type OfflineRuntime } from '../index.js';
import { onActor } from './address.js';
import { leafOf, say, type Common } from './answer.js';
import { capsuleLines, divergenceLines, timelineLines } from './capsule-text.js';
import { testOf } from './capsule-test.js';
import { machineOf } from './capsule-machine.js';
import { inDirectory } from './in-directory.js';
import { writeNew } from './new-file.js';
import { wholeSeq } from './numbers.js';
import { plain, type Terminal } from './terminal.js';

interface Target {
  readonly out?: string;
  readonly force?: boolean;
}

interface ExportOptions extends Common, Target {
  /** False under `--no-redact`. */
  readonly redact: boolean;
}

interface ImportOptions extends Common {
  readonly id?: string;
  readonly acceptStandIns?: boolean;
  readonly failChildren?: boolean;
}

interface Shown {
  readonly json?: boolean;
}

interface MachineOptions extends Shown {
  readonly module: string;
  readonly export?: string;
}

interface ReplayOptions extends MachineOptions {
  readonly to?: number;
}

interface TestOptions extends MachineOptions, Target {
  readonly state?: string;
}

export function capsuleCommand(program: Command, terminal: Terminal): void {
  const group = program.command('capsule').description('one actor as a file: export, look, replay, test');
  exportCommand(group, terminal);
  importCommand(group, terminal);
  fileCommand(group, 'show <file>', 'show what happened').action((file: string, options: Shown) => {
    const capsule = readCapsule(file);
    say({ ...options, dir: '' }, terminal, { capsule }, () =>
      [...capsuleLines(capsule), '', ...timelineLines(capsule, terminal)].join('\n'),
    );
  });
  fileCommand(group, 'verify <file>', 'check that it is as it was exported').action(
    (file: string, options: Shown) => {
      const { address, journal } = readCapsule(file);
      say({ ...options, dir: '' }, terminal, { address, entries: journal.length }, () => {
        return `${plain(address)}: ${journal.length} steps, as they were exported`;
      });
    },
  );
  machineCommand(group, 'replay <file>', 'take its steps again and compare them')
    .option('--to <seq>', 'stop after that step', wholeSeq)
    .action((file: string, options: ReplayOptions) => replay(file, options, terminal));
  machineCommand(group, 'to-test <file>', 'write a vitest file that fails until the machine is mended')
    .option('--state <state>', 'where it should have ended: a name, or a state value as JSON')
    .option('--out <file>', 'default: <kind>-<id>.test.ts beside the capsule')
    .option('--force', 'overwrite the file')
    .action((file: string, options: TestOptions) => toTest(file, options, terminal));
}

/** `capsule export`, and `export` by itself. */
export function exportCommand(parent: Command, terminal: Terminal): void {
  leafOf(parent, 'export <address>', 'export an actor, from the process that runs it or from its directory')
    .option('--out <file>', 'where to write it; default: standard output')
    .option('--no-redact', 'take nothing out, secrets included')
    .option('--force', 'overwrite the file')
    .action((address: string, options: ExportOptions) => exportActor(address, options, terminal));
}

/** `capsule import`, and `import` by itself. */
export function importCommand(parent: Command, terminal: Terminal): void {
  leafOf(parent, 'import <file>', 'put the actor into a directory that nobody holds, standing still')
    .option('--id <id>', 'under another id')
    .option('--accept-stand-ins', 'it may be resumed although secrets were taken out')
    .option('--fail-children', 'it hears, once resumed, that its children failed')
    .action((file: string, options: ImportOptions) => importActor(file, options, terminal));
}

function fileCommand(group: Command, usage: string, description: string): Command {
  return group.command(usage).description(description).option('--json', 'print JSON in one line');
}

function machineCommand(group: Command, usage: string, description: string): Command {
  return fileCommand(group, usage, description)
    .requiredOption('--module <file>', 'a JavaScript module that exports the machine')
    .option('--export <name>', 'the export; default: the one of the capsule’s kind');
}

async function exportActor(given: string, options: ExportOptions, terminal: Terminal): Promise<void> {
  const { dir, out, force } = options;
  const wish = options.redact ? {} : { redact: false as const };
  const exported = (desk: ControlClient | OfflineRuntime): Promise<Capsule> =>
    onActor(desk.inspection, given, (address) => desk.export(address, wish));
  const capsule = await inDirectory(dir, { running: exported, closed: exported });
  const { address } = capsule;
  const text = JSON.stringify(capsule, undefined, 2);
  if (out === undefined) {
    terminal.out(options.json === true ? JSON.stringify({ capsule }) : text);
    return;
  }
  await writeNew(out, `${text}\n`, force === true);
  say(options, terminal, { address, file: out }, () =>
    [`wrote ${plain(out)}`, ...capsuleLines(capsule)].join('\n'),
  );
}

async function importActor(file: string, options: ImportOptions, terminal: Terminal): Promise<void> {
  const { dir: directory, id, acceptStandIns, failChildren } = options;
  const capsule = readCapsule(file);
  const offline = await openOffline({ directory, log: silentLogger });
  try {
    const address = await offline.import(capsule, {
      id,
      standIns: acceptStandIns === true ? 'accept' : 'refuse',
      children: failChildren === true ? 'failed' : 'refuse',
    });
    say(options, terminal, { address }, () => `${plain(address)} was imported and stands still`);
  } finally {
    await offline.close();
  }
}

async function replay(file: string, options: ReplayOptions, terminal: Terminal): Promise<void> {
  const capsule = readCapsule(file);
  const { machine } = await machineOf(capsule, options);
  const { divergence, steps, sameStructure } = replayCapsule(machine, capsule, { to: options.to });
  const { address } = capsule;
  const told = { address, steps: steps.length, sameStructure, divergence };
  say({ ...options, dir: '' }, terminal, told, () =>
    divergence === undefined
      ? `${plain(address)}: ${steps.length} steps, as the journal says`
      : divergenceLines(address, divergence).join('\n'),
  );
  if (divergence === undefined) return;
  const where = `${address} differs at step ${divergence.seq}: ${divergence.what}`;
  throw new HoldfastError('REPLAY_DIVERGED', where, { details: { address, seq: divergence.seq } });
}

async function toTest(file: string, options: TestOptions, terminal: Terminal): Promise<void> {
  const capsule = readCapsule(file);
  const found = await machineOf(capsule, options);
  const { path, text, title } = testOf({ capsule, file, found, ...options });
  await writeNew(path, text, options.force === true);
  say(
    { ...options, dir: '' },
    terminal,
    { file: path, title },
    () => `wrote ${plain(path)}: ${plain(title)}`,
  );
}
