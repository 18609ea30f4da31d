/**
 * `holdfast demo`: kill an agent again and again, and count what it paid and delivered.
 *
 * Callers: cli/main.ts. Exit codes: 0 nothing lost and nothing billed twice; 1 otherwise; 2 for flags that
 * make no sense (thrown as HoldfastError, shown by main); 130 after Ctrl-C. Invariant: the hidden commands
 * serve the demo's own processes and nobody else.
 */
import { isatty } from 'node:tty';
import type { Command } from 'commander';
import { environment } from '../../options.js';
import { EXIT_INTERRUPTED } from '../interrupt.js';
import { runAgent } from './agent-process.js';
import { runDemo } from './driver.js';
import { runReceiver } from './receiver-process.js';
import { Screen } from './screen.js';
import { settingsOf, type DemoFlags } from './settings.js';
import { runSimulator } from './simulator-process.js';

const EXIT_BAD = 1;
/** Of a terminal that does not say. */
const COLUMNS_DEFAULT = 80;

export function demoCommand(program: Command): void {
  program
    .command('demo')
    .description(
      'kill an agent process in the middle of paid work, and show that nothing is lost or paid twice',
    )
    .option('--jobs <n>', 'how many videos and images to ask for (default 12; 1 at a real endpoint)')
    .option('--kills <n>', 'how often to send SIGKILL to the agent (default 6; 0 at a real endpoint)')
    .option('--seed <n>', 'decides prompts, latencies and moments (default: drawn, and printed)')
    .option('--prompt <text>', 'ask for this instead of the built-in prompts')
    .option('--dir <directory>', 'where everything is written; empty or new (default: a fresh temporary one)')
    .option('--provider <id>', 'openai: pay at a real endpoint, with the key in OPENAI_API_KEY')
    .option('--base-url <url>', 'the real endpoint (default: OPENAI_BASE_URL, else the OpenAI API)')
    .option('--json', 'print the closing JSON line alone')
    .action((flags: DemoFlags) => demo(flags));
  hidden(program, 'demo-agent', runAgent);
  hidden(program, 'demo-provider', runSimulator);
  hidden(program, 'demo-receiver', runReceiver);
}

function hidden(program: Command, name: string, run: (settings: string) => Promise<void>): void {
  program.command(`${name} <settings>`, { hidden: true }).action((settings: string) => run(settings));
}

async function demo(flags: DemoFlags): Promise<void> {
  const settings = settingsOf(flags, environment());
  const { stdout } = process;
  const isTerminal = isatty(stdout.fd) && environment()['TERM'] !== 'dumb';
  const screen = new Screen({
    write: (text) => void stdout.write(text),
    isTerminal,
    colour: isTerminal && (environment()['NO_COLOR'] ?? '') === '',
    quiet: settings.json,
    columns: () => (stdout.columns > 0 ? stdout.columns : COLUMNS_DEFAULT),
  });
  const stop = new AbortController();
  const interrupt = (): void => stop.abort();
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  try {
    const verdict = await runDemo(settings, screen, stop.signal);
    if (!verdict.good) process.exitCode = EXIT_BAD;
    if (stop.signal.aborted) process.exitCode = EXIT_INTERRUPTED;
  } finally {
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
  }
}
