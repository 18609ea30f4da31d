/**
 * Where everything of a chart lies, in pixels: states within states, edges with room for their labels.
 *
 * Owns: nothing; ELK is loaded when the first chart is laid out (1.6 MB of code). Callers: svg.ts's callers,
 * the geometry test. Invariants:
 *  1  Equal charts, equal layouts: nothing is left to chance, and the order of the config counts.
 *  2  No label lies on another, on a state's text, or on the border of a state (test/drawing/geometry.test.ts
 *     looks at every chart of the repository).
 *  3  Coordinates are whole pixels from the drawing's upper left corner.
 */
import type { ElkExtendedEdge, ElkNode, ElkPoint, LayoutOptions } from 'elkjs/lib/elk-api.js';
import { boxText, labelText, PAD_PX, type BoxText, type LabelText } from './boxes.js';
import { statesOf, type ChartEdge, type ChartModel, type ChartState } from './model.js';

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface PlacedState extends Box {
  readonly state: ChartState;
  readonly text: BoxText;
  /** Lies in a parallel state. */
  readonly region: boolean;
}

export interface PlacedEdge {
  /** Absent: from an initial dot. */
  readonly edge?: ChartEdge;
  readonly points: readonly Point[];
  readonly label?: Box & { readonly text: LabelText };
}

export type Point = Readonly<ElkPoint>;

export interface Layout {
  readonly model: ChartModel;
  readonly width: number;
  readonly height: number;
  /** Each before those within it; the root first. */
  readonly states: readonly PlacedState[];
  /** Where compound states begin. */
  readonly dots: readonly (Box & { readonly path: string })[];
  readonly edges: readonly PlacedEdge[];
}

const DOT_PX = 10;
const MARGIN_PX = 8;

const options: LayoutOptions = {
  'elk.algorithm': 'layered',
  'elk.hierarchyHandling': 'INCLUDE_CHILDREN',
  'elk.edgeRouting': 'ORTHOGONAL',
  'elk.json.shapeCoords': 'ROOT',
  'elk.json.edgeCoords': 'ROOT',
  'elk.randomSeed': '1',
  'elk.padding': `[top=${MARGIN_PX},left=${MARGIN_PX},bottom=${MARGIN_PX},right=${MARGIN_PX}]`,
};

const spacing: LayoutOptions = {
  'elk.spacing.nodeNode': '24',
  'elk.spacing.edgeNode': '14',
  'elk.spacing.edgeEdge': '10',
  'elk.spacing.edgeLabel': '4',
  'elk.spacing.labelNode': '10',
  'elk.spacing.labelLabel': '8',
  'elk.spacing.nodeSelfLoop': '14',
  'elk.layered.spacing.nodeNodeBetweenLayers': '28',
  'elk.layered.spacing.edgeNodeBetweenLayers': '14',
  'elk.layered.spacing.edgeEdgeBetweenLayers': '10',
  'elk.layered.nodePlacement.strategy': 'NETWORK_SIMPLEX',
  'elk.edgeLabels.placement': 'CENTER',
};

export async function layoutOf(model: ChartModel, direction: 'DOWN' | 'RIGHT' = 'DOWN'): Promise<Layout> {
  const { default: Elk } = await import('elkjs/lib/elk.bundled.js');
  const plan = planOf(model, direction);
  const elk = new Elk.default();
  const placed = await elk.layout(plan.graph);
  return read(model, plan, placed);
}

interface Plan {
  readonly graph: ElkNode;
  /** By the id that ELK has for it. */
  readonly states: ReadonlyMap<string, ChartState>;
  readonly dots: ReadonlyMap<string, string>;
  readonly edges: ReadonlyMap<string, ChartEdge | undefined>;
  readonly texts: ReadonlyMap<ChartState, BoxText>;
}

/** Ids are numbers: a path is the users' own, and two can be the same text. */
function planOf(model: ChartModel, direction: string): Plan {
  const all = statesOf(model);
  const idOf = new Map(all.map((state, at) => [state.path, `s${at}`]));
  const texts = new Map(all.map((state) => [state, boxText(state, model)]));
  const dots = new Map<string, string>();
  const edges = new Map<string, ChartEdge | undefined>();
  const elkEdges: ElkExtendedEdge[] = [];
  const connect = (from: string, to: string | undefined, edge: ChartEdge | undefined): void => {
    if (to === undefined) return;
    const id = `e${edges.size}`;
    const label = edge && labelText(edge.ways);
    const labels = label && [{ text: 'x', width: label.widthPx, height: label.heightPx }];
    edges.set(id, edge);
    elkEdges.push({ id, sources: [from], targets: [to], ...(labels && { labels }) });
  };
  const nodeOf = (state: ChartState): ElkNode => {
    const id = idOf.get(state.path) ?? '';
    const text = texts.get(state) ?? boxText(state, model);
    if (state.states.length === 0) return { id, width: text.widthPx, height: text.heightPx };
    const children = state.states.map(nodeOf);
    if (state.initial !== undefined) {
      const dot = `d${dots.size}`;
      dots.set(dot, state.path);
      children.unshift({ id: dot, width: DOT_PX, height: DOT_PX });
      for (const target of state.initial.targets) connect(dot, idOf.get(target), undefined);
    }
    const side = PAD_PX + 6;
    return {
      ...{ id, children },
      layoutOptions: {
        ...spacing,
        'elk.padding': `[top=${text.heightPx + 8},left=${side},bottom=${side},right=${side}]`,
        'elk.nodeSize.constraints': 'MINIMUM_SIZE',
        'elk.nodeSize.minimum': `(${text.widthPx},${text.heightPx})`,
      },
    };
  };
  const root = nodeOf(model.root);
  for (const edge of model.edges) connect(idOf.get(edge.source) ?? '', idOf.get(edge.target), edge);
  const graph = {
    id: 'g',
    children: [root],
    edges: elkEdges,
    layoutOptions: { ...spacing, ...options, 'elk.direction': direction },
  };
  const states = new Map(all.map((state, at) => [`s${at}`, state]));
  return { graph, states, dots, edges, texts };
}

function read(model: ChartModel, plan: Plan, placed: ElkNode): Layout {
  const states: PlacedState[] = [];
  const dots: (Box & { path: string })[] = [];
  const look = (node: ElkNode, region: boolean): void => {
    const state = plan.states.get(node.id);
    const dot = plan.dots.get(node.id);
    const text = state && plan.texts.get(state);
    if (dot !== undefined) dots.push({ ...boxOf(node), path: dot });
    if (state !== undefined && text !== undefined) states.push({ ...boxOf(node), state, text, region });
    for (const child of node.children ?? []) look(child, state?.kind === 'parallel');
  };
  look(placed, false);
  const edges = (placed.edges ?? []).map((edge) => placedEdge(edge, plan.edges.get(edge.id)));
  const { width, height } = boxOf(placed);
  return { model, width, height, states, dots, edges };
}

function placedEdge(
  { sections = [], labels = [] }: ElkExtendedEdge,
  edge: ChartEdge | undefined,
): PlacedEdge {
  const points = sections.flatMap(({ startPoint, bendPoints = [], endPoint }) =>
    [startPoint, ...bendPoints, endPoint].map(({ x, y }) => ({ x: Math.round(x), y: Math.round(y) })),
  );
  const [label] = labels;
  const text = edge && labelText(edge.ways);
  return {
    ...(edge && { edge }),
    points,
    ...(label && text && { label: { ...boxOf(label), text } }),
  };
}

function boxOf({ x = 0, y = 0, width = 0, height = 0 }: Partial<Box>): Box {
  return { x: Math.round(x), y: Math.round(y), width: Math.round(width), height: Math.round(height) };
}
