/**
 * A fresh directory for one measurement, removed after it; and what LevelDB wrote into it.
 *
 * Callers: the benchmarks. Invariant: nothing is left behind, whether the measurement ends or throws.
 */
import { mkdtemp, readFile, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Where the databases lie: `HOLDFAST_BENCH_DIR`, else the system's temporary directory. */
export function benchRoot(): string {
  return process.env['HOLDFAST_BENCH_DIR'] ?? tmpdir();
}

export async function inFreshDirectory<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(benchRoot(), 'holdfast-bench-'));
  try {
    return await work(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Bytes this process has passed to `write` so far, LevelDB's compactions included; NaN beside Linux. */
export async function bytesWritten(): Promise<number> {
  if (process.platform !== 'linux') return Number.NaN;
  const text = await readFile('/proc/self/io', 'utf8');
  return Number(/^wchar: (\d+)$/m.exec(text)?.[1]);
}

/** The name of the file system under `path`; a number in hexadecimal when it is none of the usual ones. */
export async function fileSystemOf(path: string): Promise<string> {
  const { type } = await statfs(path);
  return fileSystems[type] ?? `0x${type.toString(16)}`;
}

/** By the magic numbers of Linux. */
const fileSystems: Readonly<Record<number, string>> = {
  0xef53: 'ext4',
  0x58465342: 'xfs',
  0x9123683e: 'btrfs',
  0x01021994: 'tmpfs',
  0x794c7630: 'overlayfs',
};
