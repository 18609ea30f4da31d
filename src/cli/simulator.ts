/**
 * `holdfast simulator`: all providers on loopback, until it is told to end.
 *
 * Callers: main.ts. Invariants: the URLs are printed once it listens, as a table or as one line of JSON;
 * SIGINT and SIGTERM end it with its ledger closed.
 */
import type { Command } from 'commander';
import { readScript, startSimulator } from '../simulator/index.js';
import type { Simulator } from '../simulator/index.js';
import { onInterrupt } from './interrupt.js';
import { portNumber, wholeNumber } from './numbers.js';
import { tableLines } from './table.js';
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
    .description('run every provider on this machine: their protocols, faults, webhooks, and bills to a file')
    .option('--port <port>', '0 for any free port', portNumber, 0)
    .option('--host <address>', 'where to listen', '127.0.0.1')
    .option('--script <file>', 'JSON: how tasks live and what goes wrong')
    .option('--ledger <file>', 'append every submit, bill, download and webhook to this file')
    .option('--seed <n>', 'decides artifacts and chances', wholeNumber, 1)
    .option('--json', 'print the URLs as JSON in one line')
    .action((options: SimulatorArguments) => simulate(options, terminal));
}

async function simulate(options: SimulatorArguments, terminal: Terminal): Promise<void> {
  const { port, host, script, ledger, seed, json } = options;
  const ended = new Promise<void>((resolve) => void onInterrupt(resolve));
  const simulator = await startSimulator({
    port,
    host,
    seed,
    ...(script === undefined ? {} : { script: readScript(script) }),
    ...(ledger === undefined ? {} : { ledgerFile: ledger }),
  });
  const { url, foreignUrl, baseUrls } = simulator;
  if (json === true) terminal.out(JSON.stringify({ url, port: simulator.port, foreignUrl, ...baseUrls }));
  else terminal.out([`simulator listens on ${url}`, ...baseUrlLines(terminal, baseUrls)].join('\n'));
  await ended;
  await simulator.close();
}

function baseUrlLines(terminal: Terminal, baseUrls: Simulator['baseUrls']): readonly string[] {
  const rows = Object.entries(baseUrls).toSorted(([one], [other]) => one.localeCompare(other));
  return tableLines(
    terminal,
    [
      { title: 'PROVIDER', cell: ([provider]) => provider, keep: true },
      { title: 'BASE URL', cell: ([, baseUrl]) => baseUrl, keep: true, paint: terminal.colours.cyan },
    ],
    rows,
  );
}
