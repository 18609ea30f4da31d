/**
 * One command line, from its words to its exit code.
 *
 * Callers: main.ts, tests. Invariant: an error is one line on standard error, `holdfast: CODE: message`, or
 * one JSON object under `--json`; only a fault of holdfast itself shows its stack.
 */
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { errorToWire } from '../control/index.js';
import { isHoldfastError } from '../errors.js';
import { isPlainObject } from '../json.js';
import { actorsCommands } from './actors.js';
import { actsCommands } from './acts.js';
import { backupCommand } from './backup.js';
import { capsuleCommand, exportCommand, importCommand } from './capsule.js';
import { censusCommand } from './census.js';
import { chartCommand } from './chart.js';
import { completionCommand } from './completion.js';
import { demoCommand } from './demo/command.js';
import { doctorCommand } from './doctor.js';
import { exitCodeOf } from './exit.js';
import { inspectCommand } from './inspect.js';
import { jobsCommand } from './jobs.js';
import { logCommand } from './log.js';
import { providersCommand } from './providers.js';
import { quarantineCommand } from './quarantine.js';
import { restoreCommand } from './restore.js';
import { serveCommand } from './serve.js';
import { sessionsCommand } from './sessions.js';
import { simulatorCommand } from './simulator.js';
import { stepsCommand, storyCommand } from './steps.js';
import { tasksCommand } from './tasks.js';
import { plain, type Terminal } from './terminal.js';
import { watchCommand } from './watch-actor.js';
import { whyCommand } from './why.js';
import { workCommand } from './work.js';

/**
 * Runs `holdfast <words>`. Resolves with the exit code of an error; undefined when the command ended well.
 * `version` is what `--version` says, by default the package's.
 */
export async function runCommandLine(
  words: readonly string[],
  terminal: Terminal,
  version = packageVersion(),
): Promise<number | undefined> {
  try {
    await programOf(terminal, version).parseAsync(words, { from: 'user' });
    return undefined;
  } catch (error) {
    tell(error, words.includes('--json'), terminal);
    return exitCodeOf(error);
  }
}

function programOf(terminal: Terminal, version: string): Command {
  const program = new Command('holdfast')
    .description('a durable actor runtime for AI agent processes')
    .version(version)
    .exitOverride()
    // Commander's errors are told by `tell`, like all others; its help goes out as it is.
    .configureOutput({
      outputError: () => undefined,
      writeOut: (text) => terminal.out(text.trimEnd()),
      writeErr: (text) => terminal.err(text.trimEnd()),
      getOutHelpWidth: () => terminal.columns,
      getErrHelpWidth: () => terminal.columns,
    })
    // Arguments say enough of a command in a list; its options are in its own help.
    .configureHelp({ subcommandTerm: termOf })
    .showSuggestionAfterError();
  lookCommands(program, terminal);
  actCommands(program, terminal);
  program.commandsGroup('Of one kind:');
  jobsCommand(program, terminal);
  sessionsCommand(program, terminal);
  tasksCommand(program, terminal);
  workCommand(program, terminal);
  providersCommand(program, terminal);
  program.commandsGroup('A directory:');
  censusCommand(program, terminal);
  doctorCommand(program, terminal);
  backupCommand(program, terminal);
  restoreCommand(program, terminal);
  program.commandsGroup('Run:');
  demoCommand(program);
  simulatorCommand(program, terminal);
  serveCommand(program, terminal);
  program.commandsGroup('The command line:');
  completionCommand(program, terminal);
  program.helpCommand('help [command]', 'show how a command is called');
  return program;
}

function termOf(command: Command): string {
  const words = command.registeredArguments.map((argument) => {
    const name = `${argument.name()}${argument.variadic ? '...' : ''}`;
    return argument.required ? `<${name}>` : `[${name}]`;
  });
  return [command.name(), ...words].join(' ');
}

function lookCommands(program: Command, terminal: Terminal): void {
  program.commandsGroup('Look at actors, of every kind:');
  actorsCommands(program, terminal);
  whyCommand(program, terminal);
  logCommand(program, terminal);
  stepsCommand(program, terminal);
  storyCommand(program, terminal);
  watchCommand(program, terminal);
  chartCommand(program, terminal);
  inspectCommand(program, terminal);
}

function actCommands(program: Command, terminal: Terminal): void {
  program.commandsGroup('Act on one of them:');
  actsCommands(program, terminal);
  quarantineCommand(program, terminal);
  exportCommand(program, terminal);
  importCommand(program, terminal);
  capsuleCommand(program, terminal);
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
  const told = error instanceof Error ? error.message.replace(/^error: /, '') : String(error);
  const isUnknown = error instanceof CommanderError && error.code === 'commander.unknownCommand';
  const message = isUnknown ? `${told}; see holdfast --help` : told;
  return { code: error instanceof CommanderError ? 'USAGE' : 'INTERNAL', message, details: {} };
}

function packageVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  return isPlainObject(manifest) ? String(manifest['version']) : 'unknown';
}
