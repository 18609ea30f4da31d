/**
 * `holdfast chart [MACHINE]`: a machine's statechart as a picture, as Mermaid, or as the config it is made
 * of.
 *
 * Callers: run.ts. Invariants:
 *  1  The runtime's own charts and a module's need no directory; all others are what a directory keeps.
 *  2  The chart of an actor is that of its version, not of the newest.
 *  3  A name that there is not is an error that names those there are.
 */
import { Option, type Command } from 'commander';
import { chartViewOf, houseCharts } from '../actors/index.js';
import type { ControlInspection } from '../control/index.js';
import { chartModel, layoutOf, mermaidOf, svgOf } from '../drawing/index.js';
import { HoldfastError, isHoldfastError } from '../errors.js';
import type { ChartView } from '../index.js';
import type { JsonObject } from '../json.js';
import { onActor } from './address.js';
import { leafOf, sayWire, type Common } from './answer.js';
import { wrong } from './given.js';
import { atActors } from './in-directory.js';
import { machinesOf } from './module-machines.js';
import { writeNew } from './new-file.js';
import { didYouMean, nearNames } from './suggest.js';
import type { Terminal } from './terminal.js';

type Format = 'svg' | 'mermaid' | 'json';

interface Options extends Common {
  readonly format: Format;
  readonly kind?: string;
  readonly module?: string;
  readonly out?: string;
  readonly force?: boolean;
}

export function chartCommand(program: Command, terminal: Terminal): void {
  leafOf(program, 'chart [machine]', 'draw the statechart of a machine, a kind or an actor')
    .addOption(
      new Option('--format <format>', 'a picture, a diagram’s text, or what createMachine takes')
        .choices(['svg', 'mermaid', 'json'])
        .default('mermaid'),
    )
    .option('--kind <kind>', 'the chart of this kind that the directory has')
    .option('--module <file>', 'a JavaScript module that exports the machine')
    .option('--out <file>', 'write it there')
    .option('--force', 'overwrite the file')
    .action((machine: string | undefined, options: Options) => chart(machine, options, terminal));
}

async function chart(name: string | undefined, options: Options, terminal: Terminal): Promise<void> {
  const view = await found(name, options);
  const { kind, version, hash, config } = view;
  const { format, out } = options;
  const text = await drawn(view, format);
  if (out !== undefined) await writeNew(out, text, options.force === true);
  const shown = format === 'json' ? { config } : { text };
  sayWire(
    options,
    terminal,
    () => ({ kind, version, hash, format, ...(out === undefined ? shown : { out }) }),
    () => (out === undefined ? text.trimEnd() : `${out} written`),
  );
}

async function drawn({ config }: ChartView, format: Format): Promise<string> {
  if (format === 'json') return `${jsonText(config)}\n`;
  const model = chartModel(config);
  if (format === 'mermaid') return `${mermaidOf(model)}\n`;
  return svgOf(await layoutOf(model), { standalone: true });
}

/** Without the control signs that JSON leaves as they are, for a terminal would do as they say. */
function jsonText(config: JsonObject): string {
  const text = JSON.stringify(config, undefined, 2);
  return text.replace(/(?!\n)\p{Control}/gu, (sign) => `\\u00${sign.charCodeAt(0).toString(16)}`);
}

async function found(name: string | undefined, options: Options): Promise<ChartView> {
  const { dir, kind, module } = options;
  if (kind !== undefined && (name !== undefined || module !== undefined))
    throw wrong('kind', 'is the whole of what is asked for: give no machine and no module beside it');
  if (module !== undefined) return ofModule(module, name);
  if (kind !== undefined) return atActors(dir, (actors) => ofKind(actors, kind));
  const house = houseCharts();
  const own = house.find((each) => each.kind === name);
  if (own !== undefined) return own;
  if (name === undefined) throw unknown(name, house.map(kindOf));
  try {
    return await atActors(dir, (actors) =>
      name.includes('/') ? ofActor(actors, name) : ofKind(actors, name),
    );
  } catch (error) {
    if (!isHoldfastError(error, 'INVALID_OPTIONS')) throw error;
    throw unknown(name, house.map(kindOf), `; ${dir} holds no store that could have more`);
  }
}

async function ofModule(module: string, name: string | undefined): Promise<ChartView> {
  const machines = await machinesOf(module);
  const fitting = machines.filter((each) => name === undefined || each.kind === name || each.name === name);
  const [one, ...others] = fitting;
  if (one === undefined || others.length > 0) throw unknown(name, machines.map(kindOf));
  return chartViewOf(one.kind, one.machine, one.options.version);
}

async function ofActor(actors: ControlInspection, given: string): Promise<ChartView> {
  const { kind, version, hash } = await onActor(actors, given, (address) => actors.actor(address));
  return actors.chart(kind, version, hash);
}

async function ofKind(actors: ControlInspection, kind: string): Promise<ChartView> {
  try {
    return await actors.chart(kind);
  } catch (error) {
    if (!isHoldfastError(error, 'CHART_UNKNOWN') && !isHoldfastError(error, 'INVALID_ID')) throw error;
    const { kinds } = await actors.population();
    // It is there, and has none: an older holdfast kept no charts.
    if (kinds.some((each) => each.kind === kind && each.count > 0)) throw error;
    throw unknown(kind, [...kinds.map(kindOf), ...houseCharts().map(kindOf)]);
  }
}

function kindOf({ kind }: { readonly kind: string }): string {
  return kind;
}

function unknown(name: string | undefined, names: readonly string[], more = ''): HoldfastError {
  const known = [...new Set(names)].toSorted();
  const asked =
    name === undefined
      ? 'name the machine to draw'
      : `there is no chart ${JSON.stringify(name)}${didYouMean(nearNames(name, known))}`;
  return new HoldfastError('CHART_UNKNOWN', `${asked}; there are ${known.join(', ')}${more}`, {
    details: name === undefined ? {} : { kind: name },
  });
}
