/**
 * The command line of a user without rights: it loads as who it was, then becomes `HOLDFAST_UID`, then runs.
 *
 * Callers: run-cli.ts. A root user may write anywhere, so a test of an unwritable directory needs somebody
 * else, who may have no right to read the checkout: nothing may be loaded after the change.
 */
import { runCommandLine } from '../../../src/cli/run.js';
import { processTerminal } from '../../../src/cli/terminal.js';

const uid = process.env['HOLDFAST_UID'];
if (uid !== undefined) {
  process.setgid?.(Number(uid));
  process.setuid?.(Number(uid));
}
const exitCode = await runCommandLine(process.argv.slice(2), processTerminal(), 'unread');
if (exitCode !== undefined) process.exitCode = exitCode;
