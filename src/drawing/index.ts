/**
 * What other rooms may use of the drawing room: a machine's config in, a picture or a text out.
 *
 * Callers: the inspector, the CLI, scripts/draw-charts.ts.
 */
export { chartModel, statesOf } from './model.js';
export { engineThread, type EngineThread } from './engine.js';
export { layoutOf } from './layout.js';
export type { Box } from './boxes.js';
export type { Layout, PlacedState } from './layout.js';
export { svgOf } from './svg.js';
export { mermaidOf } from './mermaid.js';
export { pageOf } from './page.js';
