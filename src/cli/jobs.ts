/**
 * `holdfast jobs list|show|cancel|retry`: the jobs of a directory, whoever holds it.
 *
 * Callers: main.ts. Invariant: with `--json` standard output is one JSON value in one line, in the wire's
 * snake_case.
 */
import { Option, type Command } from 'commander';
import { systemClock } from '../clock.js';
import { JOB_STATUSES } from '../control/index.js';
import type { JobView, ListJobs } from '../index.js';
import { limits } from '../limits.js';
import { leafOf, LIMIT_DEFAULT, moreLines, say, wholeLimit, type Common } from './answer.js';
import { atDesk } from './desk.js';
import { jobLines, JOB_TONES } from './job-text.js';
import { statusColumns } from './status.js';
import { tableLines, type Column } from './table.js';
import { plain, type Terminal } from './terminal.js';

interface ListOptions extends Common {
  readonly status?: JobView['status'];
  readonly provider?: string;
  readonly session?: string;
  readonly kind?: 'video' | 'image';
  readonly limit: number;
  readonly cursor?: string;
}

export function jobsCommand(program: Command, terminal: Terminal): void {
  const jobs = program.command('jobs').description('look at the jobs of a directory and act on them');
  const leaf = (usage: string, description: string): Command => leafOf(jobs, usage, description);
  leaf('list', 'list jobs, newest first')
    .addOption(new Option('--status <status>', 'only jobs in this status').choices(JOB_STATUSES))
    .option('--provider <name>', 'only jobs of this provider')
    .option('--session <key>', 'only jobs of this session')
    .addOption(new Option('--kind <kind>', 'only jobs of this kind').choices(['video', 'image']))
    .option('--limit <n>', `how many at most, up to ${limits.scanPageRows}`, wholeLimit, LIMIT_DEFAULT)
    .option('--cursor <cursor>', 'continue an earlier list')
    .action((options: ListOptions) => list(options, terminal));
  leaf('show <id>', 'show one job').action(async (id: string, options: Common) => {
    const job = await atDesk(options.dir, (desk) => desk.view(id));
    const { colours } = terminal;
    say(options, terminal, job, () => jobLines(job, colours).join('\n'));
  });
  leaf('cancel <id>', 'cancel a job that has not settled')
    .option('--reason <text>', 'why; it is kept with the job')
    .action(async (id: string, options: Common & { readonly reason?: string }) => {
      const job = await atDesk(options.dir, (desk) => desk.cancel(id, options.reason));
      const word = job.status === 'cancelled' ? 'cancelled' : `cancel noted, now ${job.status}`;
      say(options, terminal, job, () => `${job.id} ${word}`);
    });
  leaf('retry <id>', 'fetch again what was rendered, or deliver again what was not delivered').action(
    async (id: string, options: Common) => {
      const job = await atDesk(options.dir, (desk) => desk.retry(id));
      say(
        options,
        terminal,
        job,
        () => `${job.id} tried again: ${job.status}, delivery ${job.deliveryStatus}`,
      );
    },
  );
}

async function list(options: ListOptions, terminal: Terminal): Promise<void> {
  const { status, provider, session, kind, limit, cursor } = options;
  const filter: ListJobs = { status, provider, sessionKey: session, kind, limit, cursor, newestFirst: true };
  const page = await atDesk(options.dir, (desk) => desk.list(filter));
  say(options, terminal, page, () => {
    if (page.items.length === 0) return 'no jobs';
    return [...tableLines(terminal, columnsOf(terminal), page.items), ...moreLines(page, terminal)].join(
      '\n',
    );
  });
}

function columnsOf({ colours }: Terminal): readonly Column<JobView>[] {
  const now = systemClock.now();
  return [
    ...statusColumns<JobView['status'], JobView>(JOB_TONES, colours, ({ submittedAt }) => now - submittedAt),
    { title: 'DELIVERY', cell: ({ deliveryStatus }) => deliveryStatus },
    { title: 'PROVIDER', cell: ({ provider }) => plain(provider) },
    { title: 'KIND', cell: ({ kind }) => kind },
    { title: 'PROMPT', cell: ({ request }) => plain(request?.prompt ?? '').slice(0, 500) },
  ];
}
