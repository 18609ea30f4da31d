#!/usr/bin/env node
/**
 * `holdfast`: reads the command line, runs one command, says how it ended.
 *
 * Owns: the process's exit code. Invariants:
 *  1  An error is one line on standard error, `holdfast: CODE: message`, or one JSON object under `--json`; only a
 *     fault of holdfast itself shows its stack.
 *  2  The process ends by itself, when everything it opened is closed; what was printed is never cut off.
 */
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { errorToWire } from '../control/index.js';
import { isHoldfastError } from '../errors.js';
import { isPlainObject } from '../json.js';
import { demoCommand } from './demo/command.js';
import { exitCodeOf, exitCodes } from './exit.js';
import { jobsCommand } from './jobs.js';
import { simulatorCommand } from './simulator.js';
import { plain, processTerminal, type Terminal } from './terminal.js';

function programOf(terminal: Terminal): Command {
  const program = new Command('holdfast')
    .description('a durable actor runtime for AI agent processes')
    .version(packageVersion())
    .exitOverride()
    // Commander's errors are told by `tell`, like all others; its help goes out as it is.
    .configureOutput({ outputError: () => undefined, getOutHelpWidth: () => terminal.columns })
    .showSuggestionAfterError();
  demoCommand(program);
  simulatorCommand(program, terminal);
  jobsCommand(program, terminal);
  return program;
}

async function main(argv: readonly string[]): Promise<void> {
  const terminal = processTerminal();
  // A reader that has seen enough, such as `head`, is no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(exitCodes.ok);
  });
  try {
    await programOf(terminal).parseAsync(argv);
  } catch (error) {
    process.exitCode = exitCodeOf(error);
    tell(error, argv.includes('--json'), terminal);
  }
}

function tell(error: unknown, json: boolean, { err }: Terminal): void {
  if (error instanceof CommanderError && (error.exitCode === 0 || error.code === 'commander.help')) return;
  const told = toldOf(error);
  err(json ? JSON.stringify({ error: told }) : `holdfast: ${told.code}: ${plain(told.message)}`);
  const isBug = !isHoldfastError(error) && !(error instanceof CommanderError);
  if (isBug && error instanceof Error) err(error.stack ?? '');
}

function toldOf(error: unknown): ReturnType<typeof errorToWire> {
  if (isHoldfastError(error)) return errorToWire(error);
  const message = error instanceof Error ? error.message.replace(/^error: /, '') : String(error);
  return { code: error instanceof CommanderError ? 'USAGE' : 'INTERNAL', message, details: {} };
}

function packageVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  return isPlainObject(manifest) ? String(manifest['version']) : 'unknown';
}

await main(process.argv);
