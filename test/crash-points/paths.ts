/**
 * Every path of a chart, found by taking it: what can happen next is asked of the kernel itself.
 *
 * Callers: the tests of this folder. A path is a list of moves; the first run of it, without a crash, is what
 * all others are compared with. Invariants: a move is possible when an actor would step on it; paths come in
 * a fixed order.
 */
import { World, type Chart, type JsonEvent, type Move } from './world.js';

export interface Path {
  readonly moves: readonly Move[];
  /** What it is called where it fails. */
  readonly name: string;
}

/** All its events, one after the other. */
export function onePath(chart: Chart): Path {
  const start: Path = { moves: [], name: chart.name };
  return chart.events.reduce((path, { to, event }, count) => longer(path, sending(to, event, count)), start);
}

/** Every list of possible moves of this length, or shorter where nothing more can happen. */
export async function everyPath(chart: Chart, depth: number): Promise<Path[]> {
  const found: Path[] = [];
  const walk = async (path: Path): Promise<void> => {
    const next = path.moves.length < depth ? await movesAfter(chart, path) : [];
    if (next.length === 0) found.push(path);
    for (const move of next) await walk(longer(path, move));
  };
  await walk({ moves: [], name: chart.name });
  return found;
}

/** To every state by the shortest way, and from there every possible move: each transition once. */
export async function everyEdge(chart: Chart, statesMax: number): Promise<Path[]> {
  const found: Path[] = [];
  const seen = new Set<string>();
  let frontier: Path[] = [{ moves: [], name: chart.name }];
  while (frontier.length > 0) {
    const reached: Path[] = [];
    for (const path of frontier) {
      const world = await ran(chart, path);
      const state = await stateOf(world);
      if (path.moves.length > 0) found.push(path);
      if (seen.has(state) || seen.size >= statesMax) {
        await world.end();
        continue;
      }
      seen.add(state);
      for (const move of await possible(world, path.moves.length)) reached.push(longer(path, move));
      await world.end();
    }
    frontier = reached;
  }
  return found;
}

async function movesAfter(chart: Chart, path: Path): Promise<Move[]> {
  const world = await ran(chart, path);
  try {
    return await possible(world, path.moves.length);
  } finally {
    await world.end();
  }
}

async function ran(chart: Chart, path: Path): Promise<World> {
  const world = new World(chart);
  await world.start();
  for (const move of path.moves) await world.do(move);
  return world;
}

async function possible(world: World, count: number): Promise<Move[]> {
  const { chart } = world;
  const moves: Move[] = [];
  for (const { to, event } of [...chart.events, ...(chart.nudges ?? [])]) {
    if (await world.takes(to, event)) moves.push(sending(to, event, count));
  }
  for (const call of world.pending.values()) {
    for (const answer of chart.answers[call.src] ?? []) moves.push({ type: 'answer', call, answer });
  }
  const untilMs = await world.nextDueMs();
  if (untilMs !== undefined) moves.push({ type: 'wait', untilMs });
  return moves;
}

function sending(to: string, event: JsonEvent, count: number): Move {
  return { type: 'send', to, event, id: `event-${count}` };
}

function longer(path: Path, move: Move): Path {
  return { moves: [...path.moves, move], name: `${path.name} · ${labelOf(move)}` };
}

function labelOf(move: Move): string {
  if (move.type === 'send') return JSON.stringify(move.event);
  if (move.type === 'answer') return `${move.call.src} ${move.call.effectId} is ${move.answer.label}`;
  return move.type === 'wait' ? `wait until ${move.untilMs}` : 'create';
}

/** Where all actors are, and what is out: two worlds with the same can do the same next. */
async function stateOf(world: World): Promise<string> {
  const states = (await world.rows('n')).map(([key, text]) => `${key}=${text}`);
  const out = [...world.pending.values()].map(({ src }) => src);
  return JSON.stringify([states, out, (await world.nextDueMs()) !== undefined]);
}
