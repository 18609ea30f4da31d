/**
 * How the commands that copy a directory tell what they copied.
 *
 * Pure. Callers: backup.ts, restore.ts.
 */
import type { CopyReport } from '../index.js';
import { plain } from './terminal.js';

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

type Told = Omit<CopyReport, 'damagedRows' | 'damaged'>;

export function copyLines(what: string, report: Told): readonly string[] {
  const { directory, commit, generation, actors, rows, artifacts, attachments, bytes } = report;
  const { missingFiles, missingArtifacts, missingAttachments } = report;
  const missing = [...missingArtifacts, ...missingAttachments];
  return [
    `${what} ${plain(directory)}`,
    `moment     commit ${commit}, generation ${generation}`,
    `actors     ${actors}`,
    `rows       ${rows}`,
    `artifacts  ${artifacts}`,
    `attached   ${attachments}`,
    `size       ${bytesText(bytes)}`,
    ...(missingFiles === 0 ? [] : [`missing    ${missingFiles} files`]),
    ...missing.map((name) => `           ${plain(name)}`),
  ];
}

function bytesText(bytes: number): string {
  let size = bytes;
  let unit = 0;
  while (size >= 1_024 && unit < UNITS.length - 1) {
    size /= 1_024;
    unit += 1;
  }
  return `${unit === 0 ? size : size.toFixed(1)} ${UNITS[unit]}`;
}
