/**
 * `holdfast census`: may this build be deployed on that directory? Counts, by state, the actors that would
 * be safe, would migrate or would be blocked.
 *
 * Callers: main.ts. Invariants:
 *  1  Nothing in the directory changes, whoever holds it.
 *  2  It ends well only when no actor would be blocked and no tried migration failed.
 */
import type { Command } from 'commander';
import { HoldfastError } from '../errors.js';
import { censusFrom } from '../index.js';
import type { Census, CensusRow, StoredCount, Trial } from '../index.js';
import { inDirectory } from './in-directory.js';
import { machinesOf, type ModuleMachine } from './module-machines.js';
import { withProgress } from './progress.js';
import { tableLines, type Column } from './table.js';
import { plain, type Terminal } from './terminal.js';

interface Options {
  readonly module: string;
  readonly dir: string;
  readonly deep?: boolean;
  readonly json?: boolean;
}

interface Result {
  readonly items: readonly Census[];
  /** Stored kinds that the module has no machine for: their actors would be parked. */
  readonly parked: readonly { readonly kind: string; readonly count: number }[];
}

export function censusCommand(program: Command, terminal: Terminal): void {
  program
    .command('census')
    .description('say what a build’s machines would make of the stored actors, before it is deployed')
    .requiredOption('--module <file>', 'a JavaScript module that exports the machines')
    .option('--dir <directory>', 'the directory of the runtime', './.holdfast')
    .option('--deep', 'try every migration in memory; needs a directory that nobody holds')
    .option('--json', 'print JSON in one line')
    .action((options: Options) => census(options, terminal));
}

async function census(options: Options, terminal: Terminal): Promise<void> {
  const machines = await machinesOf(options.module);
  const result = await withProgress(options, terminal, 'counting', (tell) => taken(machines, options, tell));
  terminal.out(
    options.json === true ? JSON.stringify(result) : textOf(result, terminal, options.deep === true),
  );
  const blocked = result.items.reduce((sum, each) => sum + each.blocked, 0);
  const failed = result.items.reduce((sum, each) => sum + (each.trial?.failed ?? 0), 0);
  if (blocked === 0 && failed === 0) return;
  const failing = failed === 0 ? '' : `, and ${failed} would fail to migrate`;
  throw new HoldfastError('CENSUS_BLOCKED', `${blocked} actors would be blocked${failing}`, {
    details: { blocked, failed },
  });
}

async function taken(
  machines: readonly ModuleMachine[],
  { dir, deep = false }: Options,
  tell: (howFar: string) => void,
): Promise<Result> {
  const others = machines.map(({ kind }) => kind);
  return await inDirectory(dir, {
    running: async (client) => {
      if (deep) throw busy(dir);
      const counts = await client.counts();
      const items = machines.map(({ machine, kind, options: own }) =>
        censusFrom(counts, machine, { ...own, kind, others }),
      );
      return { items, parked: parkedOf(counts, items) };
    },
    closed: async (offline) => {
      const items: Census[] = [];
      for (const { machine, kind, options: own } of machines) {
        const onProgress = (tried: number): void => tell(`${kind}: ${tried} migrations tried`);
        items.push(await offline.census(machine, { ...own, kind, others, deep, onProgress }));
      }
      return { items, parked: parkedOf(offline.counts(), items) };
    },
  });
}

function busy(directory: string): HoldfastError {
  return new HoldfastError('STORE_LOCKED', `--deep reads every actor, and a process holds ${directory}`);
}

function parkedOf(counts: readonly StoredCount[], items: readonly Census[]): Result['parked'] {
  const seen = new Set(items.flatMap(({ kind, rows }) => [kind, ...rows.map((row) => row.kind)]));
  const parked = new Map<string, number>();
  for (const { kind, count, house, finished } of counts)
    if (!seen.has(kind) && !house && !finished) parked.set(kind, (parked.get(kind) ?? 0) + count);
  return Array.from(parked, ([kind, count]) => ({ kind, count }));
}

function textOf({ items, parked }: Result, terminal: Terminal, deep: boolean): string {
  const rows = items.flatMap((each) => each.rows);
  const table = rows.length === 0 ? [] : tableLines(terminal, columnsOf(terminal), rows);
  const sums = items.map(({ kind, version, safe, migrates, blocked }) => {
    return `${kind} of version ${version}: ${safe} safe, ${migrates} migrate, ${blocked} blocked`;
  });
  const trials = deep ? items.flatMap(({ kind, trial }) => trialLines(kind, trial)) : [];
  const absent = parked.map(
    ({ kind, count }) => `${kind}: ${count} stored, and no machine in the module; they would wait, parked`,
  );
  return [...table, ...reasonsOf(rows), ...sums, ...trials, ...absent]
    .map((line) => line.trimEnd())
    .join('\n');
}

function columnsOf({ colours }: Terminal): readonly Column<CensusRow>[] {
  return [
    { title: 'KIND', cell: ({ kind }) => plain(kind), keep: true },
    { title: 'VERSION', cell: ({ version }) => plain(version), keep: true },
    { title: 'COUNT', cell: ({ count }) => String(count), keep: true },
    {
      title: 'VERDICT',
      cell: ({ verdict }) => verdict,
      paint: (text, { verdict }) => {
        if (verdict === 'blocked') return colours.red(text);
        return verdict === 'migrates' ? colours.yellow(text) : colours.dim(text);
      },
      keep: true,
    },
    { title: 'STATE', cell: ({ state }) => plain(stateText(state)) },
  ];
}

/** What to do about the blocked ones: one line for all of a version that are blocked alike. */
function reasonsOf(rows: readonly CensusRow[]): readonly string[] {
  const lines = rows.flatMap(({ kind, version, reason }) =>
    reason === undefined ? [] : [`${plain(kind)} of version ${plain(version)}: ${plain(reason)}`],
  );
  return [...new Set(lines)];
}

function trialLines(kind: string, trial: Trial | undefined): readonly string[] {
  if (trial === undefined) return [];
  const { tried, failed, failures } = trial;
  return [
    `${kind}: ${tried} migrations tried, ${failed} failed`,
    ...failures.map(({ address, message }) => `  ${plain(address)}: ${plain(message)}`),
  ];
}

function stateText(state: CensusRow['state']): string {
  return typeof state === 'string' ? state : JSON.stringify(state);
}
