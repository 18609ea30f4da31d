/**
 * `holdfast backup TARGET`: a copy of this moment of a directory, whether or not a process runs it.
 *
 * Callers: run.ts. Invariant: what is damaged or missing in the directory is told with the copy, and stops
 * nothing; the exit code is 0 when there is a copy.
 */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { CopyReport } from '../index.js';
import { leafOf, say, type Common } from './answer.js';
import { copyLines } from './copy-text.js';
import { inDirectory } from './in-directory.js';
import { withProgress } from './progress.js';
import { plain, type Terminal } from './terminal.js';

export function backupCommand(program: Command, terminal: Terminal): void {
  leafOf(program, 'backup <target>', 'copy a directory as it is now, while it runs or lies still').action(
    async (target: string, options: Common) => {
      const path = resolve(target);
      const report = await withProgress(options, terminal, 'copying', (tell) =>
        inDirectory(options.dir, {
          running: (client) => client.backup(path),
          closed: (offline) => offline.backup(path, { onProgress: (rows) => tell(`${rows} rows`) }),
        }),
      );
      say(options, terminal, report, () => reportLines(report).join('\n'));
    },
  );
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
