/**
 * The demo's commands alone, as a program: what cli/main.ts starts, bundled.
 *
 * Callers: the tests beside it, which start it in a child process; and it starts itself, as the demo does.
 */
import { Command } from 'commander';
import { demoCommand } from '../../../src/cli/demo/command.js';
import { isHoldfastError } from '../../../src/errors.js';

const program = new Command('holdfast');
demoCommand(program);
try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`${isHoldfastError(error) ? `${error.code}: ${error.message}` : String(error)}\n`);
  process.exitCode = isHoldfastError(error) ? 2 : 1;
}
