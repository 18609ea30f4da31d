/**
 * Charts that nobody would draw by hand: nested, parallel, with histories, and edges from anywhere to
 * anywhere.
 *
 * Callers: tests of the drawing room.
 */
import fc from 'fast-check';
import type { JsonObject } from '../../src/json.js';

interface Sketch {
  readonly kind: 'leaf' | 'nest' | 'regions' | 'end' | 'history' | 'deep';
  readonly words: readonly string[];
  readonly children: readonly Sketch[];
}

interface Way {
  readonly from: number;
  readonly to: number;
  readonly event: string;
  readonly trigger: 'on' | 'always' | 'after' | 'stay';
  readonly actions: readonly string[];
}

const word = fc.constantFrom('a', 'note', 'keepEveryReceipt', 'エージェント', '🙂', 'x'.repeat(60), 'a b c');

const { sketch } = fc.letrec<{ sketch: Sketch }>((tie) => ({
  sketch: fc.record({
    kind: fc.constantFrom('leaf', 'leaf', 'nest', 'nest', 'regions', 'end', 'history', 'deep'),
    words: fc.array(word, { maxLength: 2 }),
    children: fc.oneof(
      { maxDepth: 3, depthIdentifier: 'chart' },
      fc.constant([]),
      fc.array(tie('sketch'), { minLength: 1, maxLength: 4, depthIdentifier: 'chart' }),
    ),
  }),
}));

const way: fc.Arbitrary<Way> = fc.record({
  from: fc.nat(100),
  to: fc.nat(100),
  event: fc.constantFrom('go', 'stop.now', '*', 'provider.evidence', 'e'.repeat(50)),
  trigger: fc.constantFrom('on', 'on', 'always', 'after', 'stay'),
  actions: fc.array(word, { maxLength: 2 }),
});

/** A config that `createMachine` accepts, of 2 to about 25 states. */
export const drawnChart: fc.Arbitrary<JsonObject> = fc
  .tuple(fc.array(sketch, { minLength: 1, maxLength: 4 }), fc.array(way, { maxLength: 20 }))
  .map(([children, ways]) => configOf({ kind: 'nest', words: [], children }, ways));

type Draft = { [key: string]: Draft | string | string[] | Draft[] };

function configOf(root: Sketch, ways: readonly Way[]): JsonObject {
  const sources: Draft[] = [];
  const targets: string[] = [];
  let count = 0;
  const build = (one: Sketch, id: string): Draft => {
    count += 1;
    const draft: Draft = { id };
    const children = count > 20 ? [] : one.children;
    const isHistory = one.kind === 'history' || one.kind === 'deep';
    if (isHistory && id !== 'chart') {
      targets.push(`#${id}`);
      return { ...draft, type: 'history', history: one.kind === 'deep' ? 'deep' : 'shallow' };
    }
    if (id !== 'chart') targets.push(`#${id}`);
    if (one.kind === 'end' && id !== 'chart') return { ...draft, type: 'final', entry: [...one.words] };
    sources.push(draft);
    if (one.words.length > 0) draft['entry'] = [...one.words];
    const states = children.map((each, at) => [`s${at}`, build(each, `${id}_${at}`)] as const);
    if (states.length === 0) return draft;
    draft['states'] = Object.fromEntries(states);
    const first = states.find(([, state]) => state['type'] !== 'history');
    if (one.kind === 'regions' && states.every(([, { type }]) => type !== 'final'))
      draft['type'] = 'parallel';
    else if (first !== undefined) draft['initial'] = first[0];
    else Object.assign(draft, { initial: 'only', states: { only: {}, ...(draft['states'] as Draft) } });
    return draft;
  };
  const config = build(root, 'chart');
  for (const each of ways) connect(each, sources, targets);
  return config as JsonObject;
}

function connect(
  { from, to, event, trigger, actions }: Way,
  sources: readonly Draft[],
  targets: readonly string[],
) {
  const source = sources[from % sources.length];
  const target = targets[to % targets.length];
  if (source === undefined || target === undefined) return;
  const taken = { guard: 'maybe', ...(actions.length > 0 && { actions: [...actions] }) };
  const transition: Draft = trigger === 'stay' ? taken : { ...taken, target };
  const key = trigger === 'stay' ? 'on' : trigger;
  if (key === 'always') source['always'] = [...((source['always'] as Draft[] | undefined) ?? []), transition];
  else {
    const heard = (source[key] as Draft | undefined) ?? {};
    const name = key === 'after' ? 'soon' : event;
    source[key] = { ...heard, [name]: [...((heard[name] as Draft[] | undefined) ?? []), transition] };
  }
}
