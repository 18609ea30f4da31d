/** Mutants of the drawing of charts: the machine's own, and all of it to be read (I9). */
import type { Mutant } from './mutant.js';

const layout = 'src/drawing/layout.ts';
const geometry = 'test/drawing/geometry.test.ts';
const anyChart = 'any chart is drawn so that all of it can be read, and every time the same';
const svg = 'src/drawing/svg.ts';
const svgTests = 'test/drawing/svg.test.ts';
const mermaid = 'src/drawing/mermaid.ts';
const noMarkup = 'holds no markup of its users’ and nothing that XML cannot hold';
const model = 'src/drawing/model.ts';
const models = 'test/drawing/model.test.ts';

export const drawingMutants: readonly Mutant[] = [
  {
    name: 'gives the words of a state around others no room',
    breaks: ['I9'],
    file: layout,
    find: 'top=${heightPx + 8},',
    replace: 'top=${8},',
    caughtBy: geometry,
    by: anyChart,
  },
  {
    name: 'takes emoji for as narrow as letters',
    breaks: ['I9'],
    file: 'src/drawing/text-size.ts',
    find: 'const EMOJI_EM = 1.36;',
    replace: 'const EMOJI_EM = 0.61;',
    caughtBy: 'test/drawing/text-size.test.ts',
    by: 'Chinese signs and emoji take more room than letters, and accents none',
  },
  {
    name: 'draws what somebody called a state as markup',
    breaks: ['I9', 'I2'],
    file: svg,
    find: ".replace(/</g, '&lt;')",
    replace: '',
    caughtBy: svgTests,
    by: noMarkup,
  },
  {
    name: 'draws one of the ways between two states',
    breaks: ['I9'],
    file: model,
    find: '      else known.push(wayOf(node, each));',
    replace: '',
    caughtBy: models,
    by: 'has the ways between two states as one edge, in words, in the order they are tried',
  },
  {
    name: 'stores a chart without the names of its guards',
    breaks: ['I9'],
    file: 'src/actors/kernel/chart-config.ts',
    find: "typeof value === 'string' || typeof value === 'boolean' || value === null ? value",
    replace: "typeof value === 'string' || typeof value === 'number' ? value",
    caughtBy: models,
    by: 'a config makes the machine of kind … again',
  },
  {
    name: 'writes a line into the state that it comes from',
    breaks: ['I9'],
    file: mermaid,
    find: 'filter(({ source, target }) => !isWithin(target, source))',
    replace: "filter(({ source, target }) => source !== '' || target !== '')",
    caughtBy: svgTests,
    by: 'has every state and every way, and no line from a state to one around it or within it',
  },
  {
    name: 'writes names as Mermaid reads its own words',
    breaks: ['I9'],
    file: mermaid,
    find: 'RESERVED.has(plain) || taken.has(plain)',
    replace: 'RESERVED.has(plain)',
    caughtBy: svgTests,
    by: 'writes what Mermaid would read as its own as entities, and tells states of one name apart',
  },
  {
    name: 'gives the chart of another version than was asked for',
    breaks: ['I9'],
    file: 'src/actors/inspection/chart.ts',
    find: '(version ?? own) !== own || (hash ?? ownHash) !== ownHash',
    replace: "(version ?? own) === '' || (hash ?? ownHash) === ''",
    caughtBy: 'test/inspection/actors.test.ts',
    by: 'is of the version and the hash that are named, or unknown',
  },
];
