#!/usr/bin/env node
/**
 * `holdfast`, the program.
 *
 * Owns: the process's exit code. Invariant: the process ends by itself, when everything it opened is closed,
 * so that what was printed is never cut off.
 */
import { exitCodes } from './exit.js';
import { runCommandLine } from './run.js';
import { processTerminal } from './terminal.js';

// A reader that has seen enough, such as `head`, is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(exitCodes.ok);
});
const exitCode = await runCommandLine(process.argv.slice(2), processTerminal());
// A command that ended well may have set a code of its own.
if (exitCode !== undefined) process.exitCode = exitCode;
