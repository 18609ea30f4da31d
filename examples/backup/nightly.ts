/** Backups from inside the program that runs, and the way back: docs/guide-backup.md tells the story. */
import { join } from 'node:path';
import { restore, type Runtime } from 'holdfast';

/** Copies this moment of the runtime's directory into a new one on the shelf. */
export async function backUp(runtime: Runtime, shelf: string, name: string): Promise<string> {
  const report = await runtime.backup(join(shelf, name), { signal: AbortSignal.timeout(3_600_000) });
  const { damagedRows, missingFiles } = report;
  if (damagedRows > 0 || missingFiles > 0) {
    throw new Error(`backed up, but ${damagedRows} rows are damaged and ${missingFiles} files missing`);
  }
  return report.directory;
}

/** Makes a directory of a backup; the runtime that was backed up must not run any more. */
export async function goBackTo(backup: string, directory: string): Promise<number> {
  const { effects } = await restore(backup, directory);
  return effects;
}
