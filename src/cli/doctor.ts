/**
 * `holdfast doctor`: is this directory whole? Says what is damaged, lost or left lying, and repairs it on
 * request.
 *
 * Callers: run.ts. Invariants:
 *  1  Without `--repair` the directory is as it was.
 *  2  It ends well only when nothing is damaged or lost, or no longer is.
 */
import type { Command } from 'commander';
import { HoldfastError } from '../errors.js';
import {
  examine,
  findingKinds,
  type DoctorReport,
  type Finding,
  type FindingCode,
  type Health,
  type Severity,
  type Stage,
} from '../index.js';
import { leafOf, say, type Common } from './answer.js';
import { machinesOf } from './module-machines.js';
import { withProgress } from './progress.js';
import { plain, type Terminal } from './terminal.js';

interface Options extends Common {
  readonly repair?: boolean;
  readonly deep?: boolean;
  readonly module?: string;
}

const SEVERITIES = ['loss', 'damage', 'litter'] as const;

export function doctorCommand(program: Command, terminal: Terminal): void {
  leafOf(program, 'doctor', 'say whether a directory that nobody runs is whole, and repair it')
    .option('--repair', 'mend what can be mended, after copying the whole directory')
    .option('--deep', 'also read every artifact, and replay every journal whose machine is known')
    .option('--module <file>', 'a JavaScript module that exports the machines of your own kinds')
    .action((options: Options) => doctor(options, terminal));
}

async function doctor(options: Options, terminal: Terminal): Promise<void> {
  const machines = await machinesIn(options.module);
  const report = await withProgress(options, terminal, 'examining', (tell) => {
    let now: Stage = 'holding';
    return examine({
      directory: options.dir,
      repair: options.repair === true,
      deep: options.deep === true,
      machines,
      onStage: (stage) => tell((now = stage)),
      onProgress: (rows) => tell(`${now}, ${rows} rows`),
    });
  });
  say(options, terminal, report, () => textOf(report, terminal).join('\n'));
  if (report.verdict === 'healthy' || report.verdict === 'litter') return;
  throw new HoldfastError('DIRECTORY_DAMAGED', `${options.dir} is ${report.verdict}`, {
    details: { verdict: report.verdict, repaired: report.repaired },
  });
}

async function machinesIn(module: string | undefined) {
  if (module === undefined) return [];
  return (await machinesOf(module)).map(({ machine, kind, options }) => ({ machine, kind, ...options }));
}

function textOf(report: DoctorReport, terminal: Terminal): readonly string[] {
  const { before, copy, counts, verdict } = report;
  const left = [...findingLines(report, terminal, before === undefined), verdictLine(verdict, counts)];
  if (before === undefined) return left;
  const found = [...findingLines(before, terminal, true), verdictLine(before.verdict, before.counts)];
  return [...found, `repaired; the directory as it was is ${plain(copy ?? '')}`, ...left];
}

function verdictLine(verdict: Health['verdict'], { actors, rows }: Health['counts']): string {
  return `${verdict}: ${actors} actors, ${rows} rows`;
}

function findingLines(health: Health, terminal: Terminal, advise: boolean): readonly string[] {
  return SEVERITIES.flatMap((severity) =>
    codesOf(health, severity).flatMap((code) => codeLines(health, code, terminal, advise)),
  );
}

function codesOf({ byCode }: Health, severity: Severity): readonly FindingCode[] {
  return codes().filter((code) => byCode[code] !== undefined && findingKinds[code].severity === severity);
}

function codes(): readonly FindingCode[] {
  return Object.keys(findingKinds) as FindingCode[];
}

/** What was found under one code: what it is, what to do, and a line for each. */
function codeLines(
  { byCode, findings }: Health,
  code: FindingCode,
  { colours }: Terminal,
  advise: boolean,
): readonly string[] {
  const kind: { readonly severity: Severity; readonly repair?: string } = findingKinds[code];
  const paint = kind.severity === 'litter' ? colours.dim : colours.red;
  const kept = findings.filter((finding) => finding.code === code);
  const count = byCode[code] ?? 0;
  const head = paint(`${kind.severity} ${code}${count > 1 ? ` (${count})` : ''}`);
  return [
    advise ? `${head}: ${adviceOf(kind)}` : head,
    ...kept.map((finding) => `  ${lineOf(finding)}`),
    ...(count > kept.length ? [`  and ${count - kept.length} more`] : []),
  ];
}

function adviceOf({ severity, repair }: { readonly severity: Severity; readonly repair?: string }): string {
  if (repair !== undefined) return `with --repair, ${repair}`;
  return severity === 'litter' ? 'it does no harm' : 'only a backup has it';
}

function lineOf({ what, address, key }: Finding): string {
  const of = address ?? key;
  return plain(of === undefined || what.includes(of) ? what : `${of}: ${what}`);
}
