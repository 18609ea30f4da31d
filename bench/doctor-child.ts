/**
 * One examination of the directory given: prints how long it took, the most memory the process ever had, and
 * what was read and found. Started by doctor.ts.
 */
import { readFile } from 'node:fs/promises';
import { performance } from 'node:perf_hooks';
import { examine } from '../src/doctor.js';
import { sleeperKind, sleeperMachine } from './sleeper.js';

const KIB_A_MIB = 1_024;

/** The high-water mark of resident memory; NaN beside Linux. */
async function peakMiB(): Promise<number> {
  if (process.platform !== 'linux') return Number.NaN;
  const status = await readFile('/proc/self/status', 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) / KIB_A_MIB;
}

const [directory = ''] = process.argv.slice(2);
const startedAt = performance.now();
const machines = [{ kind: sleeperKind, machine: sleeperMachine, indexes: () => [] }];
const { findings, counts } = await examine({ directory, machines });
const seconds = (performance.now() - startedAt) / 1_000;
const { actors, rows } = counts;
console.log(JSON.stringify({ seconds, peakMiB: await peakMiB(), actors, rows, findings: findings.length }));
