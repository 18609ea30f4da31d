/**
 * `holdfast backup TARGET`: a copy of this moment of a directory, whether or not a process runs it.
 *
 * Callers: run.ts. Invariant: what is damaged or missing in the directory is told with the copy, and stops
 * nothing; the exit code is 0 when there is a copy.
 */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { connectControl } from '../control/index.js';
import { openOffline, silentLogger, type CopyReport } from '../index.js';
import { leafOf, say, type Common } from './answer.js';
import { copyLines } from './copy-text.js';
import { plain, type Terminal } from './terminal.js';

export function backupCommand(program: Command, terminal: Terminal): void {
  leafOf(program, 'backup <target>', 'copy a directory as it is now, while it runs or lies still').action(
    async (target: string, options: Common) => {
      const report = await taken(options.dir, resolve(target));
      say(options, terminal, report, () => reportLines(report).join('\n'));
    },
  );
}

async function taken(directory: string, target: string): Promise<CopyReport> {
  const desk = (await connectControl(directory)) ?? (await openOffline({ directory, log: silentLogger }));
  try {
    return await desk.backup(target);
  } finally {
    await desk.close();
  }
}

function reportLines(report: CopyReport): readonly string[] {
  const { damagedRows, damaged } = report;
  return [
    ...copyLines('backed up in', report),
    ...(damagedRows === 0
      ? []
      : [`damaged    ${damagedRows} rows, copied as they are; see "holdfast doctor"`]),
    ...damaged.map((key) => `           ${plain(key)}`),
  ];
}
