/**
 * `holdfast providers`, `providers check NAME`, `providers resume NAME`: who is registered, what they can do,
 * whether they know the account, and the way on for one that was held back.
 *
 * Callers: run.ts. Invariants:
 *  1  The process that holds the directory is asked; where nobody does, a module with the options of the
 *     runtime is: its adapters are what there is to look at. A directory without a store is left alone.
 *  2  No key is printed. A check that finds fault ends with the exit code of an error.
 */
import { access, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { connectControl } from '../control/index.js';
import { HoldfastError } from '../errors.js';
import { openOffline, openRuntime, silentLogger } from '../index.js';
import type { ProviderCheck, ProviderView, Runtime, RuntimeOptions } from '../index.js';
import { say, type Common } from './answer.js';
import { optionsIn } from './serve.js';
import { tableLines, type Column } from './table.js';
import { plain, type Terminal } from './terminal.js';

interface Options extends Common {
  readonly module?: string;
}

interface AccountOptions extends Options {
  readonly credential?: string;
}

interface Desk {
  list(): Promise<readonly ProviderView[]>;
  check(name: string, credential: string | undefined): Promise<ProviderCheck>;
  close(): Promise<void>;
}

export function providersCommand(program: Command, terminal: Terminal): void {
  const group = program.command('providers').description('look at the providers of a runtime and check keys');
  const leaf = (command: Command, description: string): Command =>
    command
      .description(description)
      .option('--dir <directory>', 'the directory of the runtime', './.holdfast')
      .option('--json', 'print JSON in one line');
  const module = ['--module <file>', 'the module of `holdfast serve`, for when no runtime runs'] as const;
  leaf(group.command('list', { isDefault: true }), 'show what is registered, its accounts and its jobs')
    .option(...module)
    .action((options: Options) => list(options, terminal));
  leaf(group.command('check <name>'), 'make one authenticated call that changes nothing')
    .option('--credential <alias>', 'whose key; default: default')
    .option(...module)
    .action((name: string, options: AccountOptions) => check(name, options, terminal));
  leaf(group.command('resume <name>'), 'open a paused account again, and wake the jobs that wait for it')
    .option('--credential <alias>', 'whose account', 'default')
    .action((name: string, options: AccountOptions) => resume(name, options, terminal));
}

async function list(options: Options, terminal: Terminal): Promise<void> {
  const items = await atDesk(options, (desk) => desk.list());
  say(options, terminal, { items }, () => {
    if (items.length === 0) return 'no providers are registered';
    const rows = items.flatMap((view) =>
      view.accounts.map((account, at) => ({ view, account, first: at === 0 })),
    );
    const jobs = items.map((view) => `${plain(view.id)}: ${jobsText(view)}`);
    const messages = rows.flatMap(({ account }) =>
      account.message === undefined || account.status === 'open'
        ? []
        : [`${plain(account.provider)}:${plain(account.credential)}: ${plain(account.message)}`],
    );
    return [...tableLines(terminal, columnsOf(terminal), rows), ...messages, ...jobs].join('\n');
  });
}

async function check(name: string, options: AccountOptions, terminal: Terminal): Promise<void> {
  const found = await atDesk(options, (desk) => desk.check(name, options.credential));
  const who = `${plain(found.provider)}:${plain(found.credential)}`;
  const { outcome, error } = found;
  if (outcome === 'ok') return say(options, terminal, found, () => `${who} is known to its provider`);
  const why = {
    noKey: 'has no key here',
    unsupported: 'cannot be checked: its provider has no call for that',
    failed: `failed: ${error?.class ?? ''} ${plain(error?.code ?? '')}: ${plain(error?.message ?? '')}`,
  }[outcome];
  throw new HoldfastError('PROVIDER_CHECK_FAILED', `${who} ${why}`, {
    details: { provider: found.provider, credential: found.credential, outcome, class: error?.class },
  });
}

async function resume(name: string, options: AccountOptions, terminal: Terminal): Promise<void> {
  const { dir, credential = 'default' } = options;
  const client = await connectControl(dir);
  if (client === undefined) throw nobody(dir, 'an account is resumed by the process that runs its jobs');
  try {
    const account = await client.resumeAccount({ provider: name, credential });
    say(options, terminal, account, () => `${plain(name)}:${plain(credential)} is ${account.status}`);
  } finally {
    await client.close();
  }
}

async function atDesk<T>(options: Options, work: (desk: Desk) => Promise<T>): Promise<T> {
  const desk = (await runningDesk(options.dir)) ?? (await moduleDesk(options));
  try {
    return await work(desk);
  } finally {
    await desk.close();
  }
}

async function runningDesk(directory: string): Promise<Desk | undefined> {
  const client = await connectControl(directory);
  return (
    client && {
      list: () => client.listProviders(),
      check: (name, credential) => client.checkProvider(name, credential),
      close: () => client.close(),
    }
  );
}

async function moduleDesk({ dir, module }: Options): Promise<Desk> {
  if (module === undefined) throw nobody(dir, 'name the module with its options (--module)');
  const { directory, providers = [] } = await optionsIn(module);
  if (!(await hasStore(directory))) return scratchDesk(providers);
  const offline = await openOffline({ directory, providers, log: silentLogger });
  return deskOf(offline, () => offline.close());
}

/** Of a directory that was never run: its keys can be looked at before the first start. */
async function scratchDesk(providers: NonNullable<RuntimeOptions['providers']>): Promise<Desk> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-providers-'));
  const removed = (): Promise<void> => rm(directory, { recursive: true, force: true });
  try {
    const runtime = await openRuntime({ directory, providers, control: false, log: silentLogger });
    return deskOf(runtime, async () => {
      await runtime.close();
      await removed();
    });
  } catch (error) {
    await removed();
    throw error;
  }
}

function deskOf({ providers }: Pick<Runtime, 'providers'>, close: () => Promise<void>): Desk {
  return {
    list: () => providers.list(),
    check: (name, credential) => providers.check(name, { credential }),
    close,
  };
}

async function hasStore(directory: string): Promise<boolean> {
  return await access(join(directory, 'holdfast.json')).then(
    () => true,
    () => false,
  );
}

function nobody(directory: string, what: string): HoldfastError {
  return new HoldfastError('INVALID_INPUT', `no runtime runs in ${directory}: start it, or ${what}`, {
    details: { field: 'dir' },
  });
}

interface Row {
  readonly view: ProviderView;
  readonly account: ProviderView['accounts'][number];
  readonly first: boolean;
}

function columnsOf({ colours }: Terminal): readonly Column<Row>[] {
  const once =
    (cell: (view: ProviderView) => string) =>
    ({ view, first }: Row): string =>
      first ? cell(view) : '';
  return [
    { title: 'PROVIDER', cell: once(({ id }) => plain(id)), keep: true },
    { title: 'ACCOUNT', cell: ({ account }) => plain(account.credential), keep: true },
    {
      title: 'KEY',
      cell: ({ account }) => (account.hasKey ? 'present' : 'missing'),
      paint: (text, { account }) => (account.hasKey ? text : colours.yellow(text)),
      keep: true,
    },
    {
      title: 'HEALTH',
      cell: ({ account }) => healthText(account),
      paint: (text, { account }) => (account.status === 'open' ? text : colours.red(text)),
      keep: true,
    },
    { title: 'LIMITS', cell: once(({ limits }) => limitsText(limits)) },
    { title: 'RECONCILE', cell: once(({ reconcile }) => reconcile) },
    { title: 'WEBHOOK', cell: once(({ webhook }) => webhook) },
    { title: 'CANCEL', cell: once(({ cancel }) => cancel) },
    { title: 'KINDS', cell: once(({ kinds }) => kinds.join(', ')) },
    { title: 'URL', cell: once(({ baseUrl }) => plain(baseUrl)) },
  ];
}

function healthText({ status, reason }: Row['account']): string {
  return reason === undefined ? status : `${status} (${reason})`;
}

function limitsText({ concurrent, perMinute }: ProviderView['limits']): string {
  return perMinute === undefined ? `${concurrent} at once` : `${concurrent} at once, ${perMinute}/min`;
}

function jobsText({ jobs }: ProviderView): string {
  const counts = Object.entries(jobs).map(([status, count]) => `${count} ${status}`);
  return counts.length === 0 ? 'no jobs' : counts.join(', ');
}
