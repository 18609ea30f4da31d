/**
 * Where everything of a chart lies, in pixels: states within states, edges with room for their labels.
 *
 * Owns: nothing; ELK is loaded when the first chart is laid out (1.6 MB of code). Callers: svg.ts's callers,
 * the geometry test. Invariants:
 *  1  Equal charts, equal layouts: nothing is left to chance, and the order of the config counts.
 *  2  No label lies on another, on a state's text, or on the border of a state (test/drawing/geometry.test.ts
 *     looks at every chart of the repository).
 *  3  Coordinates are whole pixels from the drawing's upper left corner.
 *  4  Every edge is drawn: as a line to its target; or, where it would be one of many long lines to the same
 *     state, as a short one to a signpost beside its source.
 */
import type { ElkExtendedEdge, ElkNode, ElkPoint, LayoutOptions } from 'elkjs/lib/elk-api.js';
import { boxText, labelText, PAD_PX, type Box, type BoxText, type LabelText } from './boxes.js';
import { engineHere, type Engine } from './engine.js';
import { statesOf, type ChartEdge, type ChartModel, type ChartState } from './model.js';

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
  /** It ends at its label, which says where it leads. */
  readonly signpost: boolean;
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
/** So many edges to one state are a thicket: those from other places get signposts. */
const THICKET_EDGES = 5;
/** In a chart that has more edges than this, three of them are one already. */
const DENSE_EDGES = 40;

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

/**
 * From above to below, or from left to right. It takes 0.1 to 0.5 s, and 0.6 s more for the first, of this
 * thread or of the engine's: whoever shows a chart again keeps it.
 */
export async function layoutOf(
  model: ChartModel,
  direction: 'DOWN' | 'RIGHT' = 'DOWN',
  engine: Engine = engineHere,
): Promise<Layout> {
  const plan = planOf(model, direction);
  return read(model, plan, await engine.layout(plan.graph));
}

/** What ELK is asked for, and what its ids mean: numbers, whatever users call their states. */
interface Plan {
  readonly graph: ElkNode;
  readonly states: ReadonlyMap<string, ChartState>;
  /** By the path of the state that begins there. */
  readonly dots: ReadonlyMap<string, string>;
  readonly edges: ReadonlyMap<string, PlannedEdge>;
}

interface PlannedEdge {
  readonly from: string;
  readonly to: string;
  readonly edge?: ChartEdge;
  readonly text?: LabelText | undefined;
  readonly signpost: boolean;
}

function planOf(model: ChartModel, direction: string): Plan {
  const all = statesOf(model);
  const idOf = new Map(all.map(({ path }, at) => [path, `s${at}`]));
  const compounds = all.filter(({ initial }) => initial !== undefined);
  const dotOf = new Map(compounds.map(({ path }, at) => [path, `d${at}`]));
  const parents = new Map(all.flatMap(({ path, states }) => states.map((child) => [child.path, path])));
  const edges = [...initialEdges(compounds, idOf, dotOf), ...plannedEdges(model, idOf, parents)];
  const postsIn = (path: string): readonly PlannedEdge[] =>
    edges.filter(({ signpost, edge }) => signpost && parents.get(edge?.source ?? '') === path);
  const nodeOf = (state: ChartState): ElkNode => {
    const { path } = state;
    const dot = dotOf.get(path);
    const children = [
      ...(dot === undefined ? [] : [{ id: dot, width: DOT_PX, height: DOT_PX }]),
      ...state.states.map(nodeOf),
      ...postsIn(path).map(({ to, text }) => ({ id: to, ...sizeOf(text) })),
    ];
    return { id: idOf.get(path) ?? '', ...bounds(boxText(state, model), children, direction) };
  };
  const graph = {
    id: 'g',
    children: [nodeOf(model.root)],
    edges: edges.map(elkEdge),
    layoutOptions: { ...spacing, ...options, 'elk.direction': direction },
  };
  return {
    graph,
    states: new Map(all.map((state, at) => [`s${at}`, state])),
    dots: new Map(Array.from(dotOf, ([path, id]) => [id, path])),
    edges: new Map(edges.map((edge, at) => [`e${at}`, edge])),
  };
}

function initialEdges(
  compounds: readonly ChartState[],
  idOf: ReadonlyMap<string, string>,
  dotOf: ReadonlyMap<string, string>,
): readonly PlannedEdge[] {
  return compounds.flatMap(({ path, initial }) =>
    (initial?.targets ?? []).map((target) => ({
      from: dotOf.get(path) ?? '',
      to: idOf.get(target) ?? '',
      signpost: false,
    })),
  );
}

function plannedEdges(
  model: ChartModel,
  idOf: ReadonlyMap<string, string>,
  parents: ReadonlyMap<string, string>,
): readonly PlannedEdge[] {
  const thicket = model.edges.length > DENSE_EDGES ? 3 : THICKET_EDGES;
  const leadTo = (state: string): number => model.edges.filter(({ target }) => target === state).length;
  return model.edges.map((edge, at) => {
    const { source, target } = edge;
    const isPopular = leadTo(target) >= thicket;
    const signpost = isPopular && source !== '' && parents.get(source) !== parents.get(target);
    return {
      from: idOf.get(source) ?? '',
      to: signpost ? `p${at}` : (idOf.get(target) ?? ''),
      ...{ edge, signpost, text: labelText(edge, signpost) },
    };
  });
}

function elkEdge({ from, to, text, signpost }: PlannedEdge, at: number): ElkExtendedEdge {
  const labels = text === undefined || signpost ? [] : [{ text: 'x', ...sizeOf(text) }];
  return { id: `e${at}`, sources: [from], targets: [to], labels };
}

function bounds({ widthPx, heightPx }: BoxText, children: ElkNode[], direction: string): Omit<ElkNode, 'id'> {
  if (children.length === 0) return { width: widthPx, height: heightPx };
  const side = PAD_PX + 6;
  return {
    children,
    layoutOptions: {
      ...spacing,
      'elk.padding': `[top=${heightPx + 8},left=${side},bottom=${side},right=${side}]`,
      'elk.nodeSize.constraints': 'MINIMUM_SIZE',
      // ELK turns the drawing by a right angle while it works, and this with it only on the way back.
      'elk.nodeSize.minimum': direction === 'DOWN' ? `(${heightPx},${widthPx})` : `(${widthPx},${heightPx})`,
    },
  };
}

function sizeOf(text: LabelText | undefined): { readonly width: number; readonly height: number } {
  return { width: text?.widthPx ?? 0, height: text?.heightPx ?? 0 };
}

function read(model: ChartModel, plan: Plan, placed: ElkNode): Layout {
  const states: PlacedState[] = [];
  const dots: (Box & { path: string })[] = [];
  const boxes = new Map<string, Box>();
  const look = (node: ElkNode, region: boolean): void => {
    const state = plan.states.get(node.id);
    const dot = plan.dots.get(node.id);
    const box = boxOf(node);
    boxes.set(node.id, box);
    if (dot !== undefined) dots.push({ ...box, path: dot });
    if (state !== undefined) states.push({ ...box, state, text: boxText(state, model), region });
    for (const child of node.children ?? []) look(child, state?.kind === 'parallel');
  };
  look(placed, false);
  const edges = (placed.edges ?? []).flatMap((edge) => {
    const planned = plan.edges.get(edge.id);
    return planned === undefined ? [] : [placedEdge(edge, planned, boxes)];
  });
  const { width, height } = boxOf(placed);
  return { model, width, height, states, dots, edges };
}

function placedEdge(
  { sections = [], labels = [] }: ElkExtendedEdge,
  { edge, text, to, signpost }: PlannedEdge,
  boxes: ReadonlyMap<string, Box>,
): PlacedEdge {
  const points = sections.flatMap(({ startPoint, bendPoints = [], endPoint }) =>
    [startPoint, ...bendPoints, endPoint].map(({ x, y }) => ({ x: Math.round(x), y: Math.round(y) })),
  );
  const [label] = signpost ? [boxes.get(to)] : labels.map(boxOf);
  return { ...(edge && { edge }), points, ...(label && text && { label: { ...label, text } }), signpost };
}

function boxOf({ x = 0, y = 0, width = 0, height = 0 }: Partial<Box>): Box {
  return { x: Math.round(x), y: Math.round(y), width: Math.round(width), height: Math.round(height) };
}
