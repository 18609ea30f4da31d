/**
 * `holdfast work schedules [list|show|pause|resume|trigger|remove]`: what is enqueued again and again.
 *
 * Callers: work.ts. Invariant: with `--json` standard output is one JSON value in one line, in the wire's
 * snake_case.
 */
import type { Command } from 'commander';
import { systemClock } from '../clock.js';
import { scheduleRunWire, scheduleWire, type WorkActs } from '../control/index.js';
import type { ScheduleView } from '../index.js';
import { limits } from '../limits.js';
import { leafOf, LIMIT_DEFAULT, sayPage, sayWire, wholeLimit, type Common } from './answer.js';
import { timeText } from './facts.js';
import { plain, type Terminal } from './terminal.js';
import { atWork } from './in-directory.js';
import { scheduleLines, scheduleTable } from './work-text.js';

interface ListOptions extends Common {
  readonly limit: number;
  readonly cursor?: string;
}

type Act = (work: WorkActs, name: string) => Promise<ScheduleView>;

const ACTS: readonly (readonly [name: string, description: string, done: string, act: Act])[] = [
  ['pause', 'let no run become due', 'paused', (work, name) => work.pauseSchedule(name)],
  ['resume', 'let runs become due again', 'resumed', (work, name) => work.resumeSchedule(name)],
  ['trigger', 'one run now, paused or not', 'triggered', (work, name) => work.triggerSchedule(name)],
];

export function schedulesCommand(work: Command, terminal: Terminal): void {
  const group = work.command('schedules').description('look at what is enqueued again and again');
  const leaf = (usage: string, description: string): Command => leafOf(group, usage, description);
  leafOf(group, 'list', 'list schedules, by name', { isDefault: true })
    .option('--limit <n>', `how many at most, up to ${limits.scanPageRows}`, wholeLimit, LIMIT_DEFAULT)
    .option('--cursor <cursor>', 'continue an earlier list')
    .action((options: ListOptions) => list(options, terminal));
  leaf('show <name>', 'show one schedule, and its last runs').action((name: string, options: Common) =>
    show(name, options, terminal),
  );
  for (const [action, description, done, act] of ACTS) {
    leaf(`${action} <name>`, description).action(async (name: string, options: Common) => {
      const schedule = await atWork(options.dir, (at) => act(at, name));
      const next = schedule.nextAt === undefined ? '' : `, next ${timeText(schedule.nextAt)}`;
      sayWire(
        options,
        terminal,
        () => scheduleWire.toWire(schedule),
        () => `${plain(name)} ${done}: ${schedule.status}${next}`,
      );
    });
  }
  leaf('remove <name>', 'remove a schedule; what it has enqueued stays').action(
    async (name: string, options: Common) => {
      await atWork(options.dir, (at) => at.removeSchedule(name));
      sayWire(
        options,
        terminal,
        () => ({ name }),
        () => `${plain(name)} removed`,
      );
    },
  );
}

async function list(options: ListOptions, terminal: Terminal): Promise<void> {
  const { limit, cursor } = options;
  const page = await atWork(options.dir, (work) => work.schedules({ limit, cursor }));
  sayPage(options, terminal, page, {
    wire: scheduleWire,
    none: 'no schedules',
    lines: (items) => scheduleTable(terminal, items, systemClock.now()),
  });
}

async function show(name: string, options: Common, terminal: Terminal): Promise<void> {
  const [schedule, history] = await atWork(options.dir, async (work) => [
    await work.schedule(name),
    await work.scheduleHistory(name),
  ]);
  sayWire(
    options,
    terminal,
    () => ({ ...Object(scheduleWire.toWire(schedule)), history: history.map(scheduleRunWire.toWire) }),
    () => scheduleLines(schedule, history, terminal).join('\n'),
  );
}
