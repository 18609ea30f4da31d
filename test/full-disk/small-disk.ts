/**
 * A disk of 48 MiB for one child program, which says what it met there.
 *
 * The disk is a tmpfs in a mount namespace of the child's own: nobody else sees it, and it goes with the
 * child, however that ends. Where mounting is not allowed the child's files may not grow beyond 2 MiB
 * instead: a refused write of another kind (`File too large`), but refused by the system all the same.
 * Callers: the tests of this folder.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { bundled } from '../bundled.js';

const PROGRAM = bundled('test/full-disk/children/tenant.ts');
const MOUNT = 'mount -t tmpfs -o size=48m holdfast "$0" && exec "$@"';
const LIMIT = 'ulimit -f 2048; exec "$@"';
/** As root; as a user who may have a namespace of his own. */
const NAMESPACES = [['--mount'], ['--mount', '--map-root-user']] as const;

export type DiskKind = 'tmpfs' | 'file size limit';

export interface Tenancy {
  readonly disk: DiskKind;
  /** The facts of the program, by name, as JSON gave them back. */
  readonly facts: Readonly<Record<string, unknown>>;
}

/** Runs `children/tenant.ts` with this errand on a small disk. Throws when it did not end well. */
export async function rent(errand: string): Promise<Tenancy> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-full-disk-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const namespace = NAMESPACES.find((flags) => mayMount(flags, directory));
  const disk = namespace === undefined ? 'file size limit' : 'tmpfs';
  const [program, ...words] =
    namespace === undefined
      ? ['bash', '-c', LIMIT, 'bash']
      : ['unshare', ...namespace, 'sh', '-c', MOUNT, directory];
  const child = spawn(program, [...words, process.execPath, PROGRAM, directory, disk, errand], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  const code = await new Promise((resolve) => child.once('close', resolve));
  if (code !== 0) throw new Error(`${errand} ended with ${String(code)} on a ${disk}, after: ${said}`);
  process.stdout.write(`${errand}: on a ${disk}\n`);
  const lines = said.trim().split('\n');
  return { disk, facts: Object.fromEntries(lines.map((line) => JSON.parse(line) as [string, unknown])) };
}

function mayMount(flags: readonly string[], directory: string): boolean {
  const tried = spawnSync('unshare', [...flags, 'sh', '-c', MOUNT, directory, 'true'], { stdio: 'ignore' });
  return tried.status === 0;
}
