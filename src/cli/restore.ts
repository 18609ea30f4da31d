/**
 * `holdfast restore BACKUP`: makes a directory that can be run of a backup.
 *
 * Callers: run.ts. Invariant: it makes a whole directory or none.
 */
import type { Command } from 'commander';
import { restore } from '../index.js';
import { leafOf, say, type Common } from './answer.js';
import { copyLines } from './copy-text.js';
import { withProgress } from './progress.js';
import type { Terminal } from './terminal.js';

export function restoreCommand(program: Command, terminal: Terminal): void {
  leafOf(program, 'restore <backup>', 'make a directory that can be run of a backup').action(
    async (backup: string, options: Common) => {
      const report = await withProgress(options, terminal, 'copying', (tell) =>
        restore(backup, options.dir, { onProgress: (rows) => tell(`${rows} rows`) }),
      );
      const { effects } = report;
      const lines = copyLines('restored in', report);
      const asked = `effects    ${effects} outstanding: what became of them since is asked, not assumed`;
      say(options, terminal, report, () => [...lines, asked].join('\n'));
    },
  );
}
