/**
 * A chart as a document: its diagram, and a table of what each of its states is.
 *
 * Pure. Callers: scripts/draw-charts.ts. Invariant: it depends on the model and the names given alone.
 */
import { wayText } from './boxes.js';
import { mermaidOf } from './mermaid.js';
import { statesOf, type ChartModel, type ChartState } from './model.js';

export interface ChartPage {
  readonly title: string;
  /** Where the machine is, and what draws it: a line of Markdown. */
  readonly origin: string;
  /** The file of its picture, beside the page. */
  readonly picture: string;
}

/** A Markdown text that ends in a line end. */
export function pageOf(model: ChartModel, { title, origin, picture }: ChartPage): string {
  const { root, version = 'none' } = model;
  const lines = [
    `# ${title}`,
    '',
    `${root.description ?? ''} Version ${version}.`,
    `With all it does, as the inspector draws it: [${picture}](${picture}).`,
    origin,
    '',
    '```mermaid',
    mermaidOf(model),
    '```',
    '',
    '| state | what it is | asks for | without leaving, it hears |',
    '| --- | --- | --- | --- |',
    ...statesOf(model).filter(isTold).map(row),
    '',
  ];
  return lines.join('\n');
}

/** Of the root it is said above what it is: it has a row for what it hears. */
function isTold({ path, stays }: ChartState): boolean {
  return path !== '' || stays.length > 0;
}

function row({ path, key, description = '', invokes, stays }: ChartState): string {
  const name = path === '' ? `${key}: everywhere` : path;
  const asks = invokes.map(({ src }) => code(src)).join(', ');
  const hears = [...new Set(stays.map((way) => code(wayText(way))))].join('<br>');
  return `| ${code(name)} | ${cell(path === '' ? '' : description)} | ${asks} | ${hears} |`;
}

function code(text: string): string {
  return `\`${cell(text).replace(/`/g, '´')}\``;
}

function cell(text: string): string {
  return text.replace(/\|/g, '\\|').replace(/\s+/g, ' ');
}
