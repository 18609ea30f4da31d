/**
 * `holdfast simulator`: a provider on loopback, until it is told to end.
 *
 * Callers: main.ts. Invariants: the line with the URLs is printed once it listens; SIGINT and SIGTERM end it
 * with its ledger closed.
 */
import { InvalidArgumentError, type Command } from 'commander';
import { readScript, startSimulator } from '../simulator/index.js';
import { onInterrupt } from './interrupt.js';
import type { Terminal } from './terminal.js';

interface SimulatorArguments {
  readonly port: number;
  readonly host: string;
  readonly script?: string;
  readonly ledger?: string;
  readonly seed: number;
  readonly json?: boolean;
}

export function simulatorCommand(program: Command, terminal: Terminal): void {
  program
    .command('simulator')
    .description(
      'run a provider on this machine that speaks OpenAI’s and Kling’s protocols, and bills to a file',
    )
    .option('--port <port>', '0 for any free port', portNumber, 0)
    .option('--host <address>', 'where to listen', '127.0.0.1')
    .option('--script <file>', 'JSON: how tasks live and what goes wrong')
    .option('--ledger <file>', 'append every submit, bill and download to this file')
    .option('--seed <n>', 'decides artifacts and chances', wholeNumber, 1)
    .option('--json', 'print the URLs as JSON in one line')
    .action((options: SimulatorArguments) => simulate(options, terminal));
}

async function simulate(options: SimulatorArguments, { out, colours }: Terminal): Promise<void> {
  const { port, host, script, ledger, seed, json } = options;
  const ended = new Promise<void>((resolve) => void onInterrupt(resolve));
  const simulator = await startSimulator({
    port,
    host,
    seed,
    ...(script === undefined ? {} : { script: readScript(script) }),
    ...(ledger === undefined ? {} : { ledgerFile: ledger }),
  });
  const { url } = simulator;
  const urls = { url, port: simulator.port, openai: `${url}/openai/v1`, kling: `${url}/kling` };
  const text = `simulator listens: openai ${colours.cyan(urls.openai)}  kling ${colours.cyan(urls.kling)}`;
  out(json === true ? JSON.stringify(urls) : text);
  await ended;
  await simulator.close();
}

function portNumber(text: string): number {
  const port = wholeNumber(text);
  if (port <= 65_535) return port;
  throw new InvalidArgumentError('It is 0 to 65535.');
}

function wholeNumber(text: string): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(value)) return value;
  throw new InvalidArgumentError('It is a whole number of 0 or more.');
}
