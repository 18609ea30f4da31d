/**
 * A chart as the text of a Mermaid state diagram: what GitHub draws in a document.
 *
 * Pure. Callers: page.ts, the CLI. Invariants:
 *  1  States are called by their path; what Mermaid would read as its own syntax is written as an entity.
 *  2  A line a target: all the ways there, in the order the chart tries them.
 *  3  No line goes from a state to one around it or within it, which Mermaid does not take: from a state to
 *     one within it, it begins at a dot in that state; to one around it, it ends where that one begins.
 */
import { statesOf, type ChartEdge, type ChartModel, type ChartState, type ChartWay } from './model.js';

export function mermaidOf(model: ChartModel): string {
  const drawing: Drawing = { model, names: namesOf(model) };
  const across = model.edges.filter(({ source, target }) => !isWithin(target, source));
  const lines = [
    'stateDiagram-v2',
    ...inside(model.root, 1, drawing),
    ...across.map((edge) => edgeLine(edge, drawing)),
  ];
  return lines.join('\n');
}

interface Drawing {
  readonly model: ChartModel;
  /** By path. */
  readonly names: ReadonlyMap<string, string>;
}

function nameOf(path: string, { names }: Drawing): string {
  return names.get(path) ?? '';
}

function isWithin(path: string, outer: string): boolean {
  return path !== outer && (outer === '' || path.startsWith(`${outer}.`));
}

/** Mermaid takes letters and digits for a name. Two paths that become the same are told apart by number. */
function namesOf(model: ChartModel): ReadonlyMap<string, string> {
  const taken = new Set<string>();
  const names = new Map<string, string>();
  for (const { path } of statesOf(model)) {
    const plain = path === '' ? 'root' : path.replace(/[^A-Za-z0-9]/g, '_');
    const free = RESERVED.has(plain) || taken.has(plain) ? `${plain}_${names.size}` : plain;
    taken.add(free);
    names.set(path, free);
  }
  return names;
}

/** Words that Mermaid reads as its own, alone in place of a name. */
const RESERVED: ReadonlySet<string> = new Set([
  ...['state', 'note', 'end', 'class', 'classDef', 'direction', 'as', 'default', 'style', 'click', 'href'],
  ...['scale', 'hide', 'accTitle', 'accDescr'],
]);

function inside(state: ChartState, depth: number, drawing: Drawing): readonly string[] {
  const indent = '  '.repeat(depth);
  const blocks = state.states.map((child) => block(child, depth, drawing));
  if (state.kind === 'parallel')
    return blocks.flatMap((lines, at) => (at === 0 ? lines : [`${indent}--`, ...lines]));
  const first = (state.initial?.targets ?? []).map((path) => `${indent}[*] --> ${nameOf(path, drawing)}`);
  const inward = drawing.model.edges
    .filter(({ source, target }) => source === state.path && isWithin(target, source))
    .map(({ target, ways }) => `${indent}[*] --> ${nameOf(target, drawing)}${labelOf(ways)}`);
  const last = state.states
    .filter(({ kind }) => kind === 'final')
    .map(({ path }) => `${indent}${nameOf(path, drawing)} --> [*]`);
  return [...blocks.flat(), ...first, ...inward, ...last];
}

function block(state: ChartState, depth: number, drawing: Drawing): readonly string[] {
  const indent = '  '.repeat(depth);
  const title = `${indent}state "${escaped(titleOf(state))}" as ${nameOf(state.path, drawing)}`;
  if (state.states.length === 0) return [title];
  return [`${title} {`, ...inside(state, depth + 1, drawing), `${indent}}`];
}

function titleOf({ key, kind }: ChartState): string {
  if (kind === 'shallow history') return `${key} (H)`;
  return kind === 'deep history' ? `${key} (H*)` : key;
}

function edgeLine({ source, target, ways }: ChartEdge, drawing: Drawing): string {
  const reached = beginning(target, source, drawing);
  return `  ${nameOf(source, drawing)} --> ${nameOf(reached, drawing)}${labelOf(ways)}`;
}

/** The target, or of a state around the source the one within it that it begins with. */
function beginning(target: string, source: string, drawing: Drawing): string {
  if (!isWithin(source, target)) return target;
  const around = statesOf(drawing.model).find(({ path }) => path === target);
  const [first] = around?.initial?.targets ?? around?.states.map(({ path }) => path) ?? [];
  return first === undefined ? target : beginning(first, source, drawing);
}

function labelOf(ways: readonly ChartWay[]): string {
  const labels = [...new Set(ways.map(({ label }) => escaped(label)))];
  return labels.length === 0 ? '' : ` : ${labels.join(', ')}`;
}

/** Mermaid reads `#` and a number as the sign of that number; line ends and the signs below are syntax. */
function escaped(text: string): string {
  return text.replace(
    /["#;:<>{}&\\%`\p{Control}\p{Surrogate}]/gu,
    (sign) => `#${sign.codePointAt(0) ?? 63};`,
  );
}
