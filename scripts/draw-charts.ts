/**
 * Draws every chart of the machines room: `npx tsx scripts/draw-charts.ts` writes docs/charts/<name>.md.
 *
 * Owns: the files in docs/charts. Callers: a person after changing a chart; test/machines/charts.test.ts.
 * Invariant: a page depends on the chart alone, so that an unchanged chart gives an unchanged file.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  deliveryMachine,
  jobMachine,
  parkedEventMachine,
  providerAccountMachine,
  scheduleMachine,
  sessionMachine,
  supervisorMachine,
  taskMachine,
  workItemMachine,
} from '../src/machines/index.js';

interface Edge {
  readonly eventType: string;
  readonly target: readonly ChartNode[] | undefined;
  readonly guard?: unknown;
  readonly actions: readonly unknown[];
}

interface ChartNode {
  readonly key: string;
  readonly path: readonly string[];
  readonly type: string;
  readonly description?: string | undefined;
  readonly states: Readonly<Record<string, ChartNode>>;
  readonly initial: { readonly target: readonly ChartNode[] };
  readonly transitions: ReadonlyMap<string, readonly Edge[]>;
  readonly always?: readonly Edge[] | undefined;
  readonly invoke: readonly { readonly id: string; readonly src: unknown }[];
}

interface Chart {
  readonly id: string;
  readonly version?: string | undefined;
  readonly root: ChartNode;
}

/** Charts whose file has another name. */
const files: Readonly<Record<string, string>> = { session: 'session-queue' };

/** File name → text of the page, for every chart. */
export function chartPages(): ReadonlyMap<string, string> {
  const charts: readonly (readonly [string, Chart])[] = [
    ['job', jobMachine],
    ['delivery', deliveryMachine],
    ['provider-account', providerAccountMachine],
    ['parked-event', parkedEventMachine],
    ['supervisor', supervisorMachine],
    ['session', sessionMachine],
    ['task', taskMachine],
    ['schedule', scheduleMachine],
    ['work-item', workItemMachine],
  ];
  return new Map(charts.map(([name, chart]) => [`${name}.md`, page(name, chart)]));
}

function page(name: string, chart: Chart): string {
  const { root, version = 'none' } = chart;
  const file = files[name] ?? name;
  const lines = [
    `# The ${name} chart`,
    '',
    `${root.description ?? ''} Version ${version}.`,
    `Drawn from \`src/machines/${file}.ts\` by \`npx tsx scripts/draw-charts.ts\`; do not edit.`,
    '',
    '```mermaid',
    'stateDiagram-v2',
    ...inside(root, 1),
    ...below(root).flatMap((node) => edges(node)),
    '```',
    '',
    '| state | what it is | asks for | without leaving, it hears |',
    '| --- | --- | --- | --- |',
    ...below(root).map(row),
    '',
  ];
  return lines.join('\n');
}

function below(node: ChartNode): readonly ChartNode[] {
  return Object.values(node.states).flatMap((child) => [child, ...below(child)]);
}

function nameOf(node: ChartNode): string {
  return node.path.join('_');
}

function inside(node: ChartNode, depth: number): readonly string[] {
  const indent = '  '.repeat(depth);
  const children = Object.values(node.states);
  const blocks = children.map((child) => block(child, depth));
  if (node.type === 'parallel')
    return blocks.flatMap((lines, at) => (at === 0 ? lines : [`${indent}--`, ...lines]));
  const first = node.initial.target.map((target) => `${indent}[*] --> ${nameOf(target)}`);
  const last = children
    .filter(({ type }) => type === 'final')
    .map((child) => `${indent}${nameOf(child)} --> [*]`);
  return [...blocks.flat(), ...first, ...last];
}

function block(node: ChartNode, depth: number): readonly string[] {
  const indent = '  '.repeat(depth);
  const title = `${indent}state "${node.key}" as ${nameOf(node)}`;
  if (Object.keys(node.states).length === 0) return [title];
  return [`${title} {`, ...inside(node, depth + 1), `${indent}}`];
}

/** One line a target: all the ways there, in the order the chart tries them. */
function edges(node: ChartNode): readonly string[] {
  const ways = new Map<string, string[]>();
  for (const edge of leaving(node)) {
    for (const target of edge.target ?? []) {
      const arrow = `  ${nameOf(node)} --> ${nameOf(target)}`;
      ways.set(arrow, [...(ways.get(arrow) ?? []), label(edge)]);
    }
  }
  return [...ways].map(([arrow, labels]) => `${arrow} : ${[...new Set(labels)].join(', ')}`);
}

function leaving(node: ChartNode): readonly Edge[] {
  return [...(node.always ?? []), ...[...node.transitions.values()].flat()];
}

function label({ eventType, guard }: Edge): string {
  return [trigger(eventType), guardName(guard)].filter((part) => part !== '').join(' ') || 'otherwise';
}

/** What it does then, as statecharts write it: `event [guard] / action`. */
function deeds({ actions }: Edge): string {
  const names = actions.map((action) => (isNamed(action) ? action.type : String(action)));
  return names.length === 0 ? '' : ` / ${names.join(', ')}`;
}

function isNamed(action: unknown): action is { readonly type: string } {
  return typeof action === 'object' && action !== null && 'type' in action;
}

function trigger(eventType: string): string {
  const [, done] = /^xstate\.done\.actor\.(.+)$/.exec(eventType) ?? [];
  const [, failed] = /^xstate\.error\.actor\.(.+)$/.exec(eventType) ?? [];
  const [, delay] = /^xstate\.after\.([^.]+)\./.exec(eventType) ?? [];
  if (done !== undefined) return `${done} answers`;
  if (failed !== undefined) return `${failed} throws`;
  return delay === undefined ? eventType : `after ${delay}`;
}

function guardName(guard: unknown): string {
  if (guard === undefined) return '';
  if (typeof guard === 'string') return `[${guard}]`;
  throw new Error('a guard in a chart is a name');
}

function row(node: ChartNode): string {
  const asks = node.invoke.map(({ src }) => `\`${String(src)}\``).join(', ');
  const heard = leaving(node).filter(({ target }) => target === undefined);
  const hears = [...new Set(heard.map((edge) => `\`${label(edge)}${deeds(edge)}\``))].join('<br>');
  return `| \`${node.path.join('.')}\` | ${node.description ?? ''} | ${asks} | ${hears} |`;
}

const here = fileURLToPath(import.meta.url);
if (process.argv[1] === here) {
  const directory = join(dirname(here), '..', 'docs', 'charts');
  mkdirSync(directory, { recursive: true });
  for (const [file, text] of chartPages()) writeFileSync(join(directory, file), text);
}
