/**
 * Draws cases: statecharts of up to about a dozen states, and what happens to them.
 *
 * fast-check draws shapes and loose ends (numbers); `chartOf` ties them to the states there are, so that
 * every draw is a valid chart and a smaller draw a smaller chart. Callers: differential.test.ts. Invariant:
 * every chart comes to rest. What an event from outside, a promise or a later timer causes may raise; what
 * is raised, and what enters, raises nothing at once; only the former may enter final states or history, or
 * arm timers without an id; eventless transitions use up what lets them pass.
 */
import fc from 'fast-check';
import { chartOf, type Draft, type Loose, type Shape } from './assemble.js';
import type { Case, Named, Step } from './spec.js';

const act: Named = { type: 'act', params: { at: 'transition' } };
const calmActions: readonly Named[] = [
  'note',
  'add',
  'increase',
  'say',
  'tell',
  'batch',
  'raiseLate',
  'cancelLate',
  act,
];
const outsideActions: readonly Named[] = [
  ...calmActions,
  'raiseNow',
  'raiseNow',
  'raiseZero',
  'raiseAnonymous',
  'raiseAnonymous',
  'spark',
  'spark',
  'add',
  'fragile',
];
const guards: readonly Named[] = [
  'even',
  'small',
  'notEven',
  'evenAndSmall',
  { type: 'turn', params: { is: 1 } },
];

const outsideEvents = ['a', 'b', 'c', 'go.x', 'go.y', 'go.*'] as const;
const calmEvents = ['*', 'late.*', 'late.id', 'late.anonymous', 'late.zero', 'r.now', 'r.*'] as const;
const sentEvents = ['a', 'a', 'b', 'b', 'c', 'c', 'go.x', 'go.x', 'go.y', 'go.y', 'unheard'] as const;
const delays = ['20', '55', 'soon', 'later'] as const;

const anyNumber = fc.nat({ max: 60 });

function loose(on: readonly string[], actions: readonly Named[]): fc.Arbitrary<Loose> {
  return fc.record({
    source: anyNumber,
    on: fc.constantFrom(...on),
    aim: fc.constantFrom('nothing', 'self', 'below', 'anywhere', 'anywhere', 'anywhere'),
    target: anyNumber,
    guard: fc.option(fc.constantFrom(...guards), { freq: 2, nil: undefined }),
    actions: fc.array(fc.constantFrom(...actions), { minLength: 1, maxLength: 3 }),
    reenter: fc.boolean(),
  });
}

function shape(depth: number): fc.Arbitrary<Shape> {
  const leaf = fc.constant<Shape>({ kind: 'atomic', children: [], ends: false, remembers: 'nothing' });
  if (depth === 0) return leaf;
  return fc.oneof({ weight: 3, arbitrary: leaf }, { weight: 2, arbitrary: branch(depth) });
}

function compound(depth: number): fc.Arbitrary<Shape> {
  return fc.record({
    kind: fc.constant('compound' as const),
    children: fc.array(shape(depth - 1), { minLength: 2, maxLength: 3 }),
    ends: fc.boolean(),
    remembers: fc.constantFrom('nothing', 'children', 'descendants', 'both'),
  });
}

function parallel(depth: number): fc.Arbitrary<Shape> {
  return fc.record({
    kind: fc.constant('parallel' as const),
    children: fc.array(compound(Math.max(1, depth - 1)), { minLength: 2, maxLength: 2 }),
    ends: fc.constant(false),
    remembers: fc.constantFrom('nothing', 'children', 'descendants'),
  });
}

function branch(depth: number): fc.Arbitrary<Shape> {
  return fc.oneof({ weight: 3, arbitrary: compound(depth) }, { weight: 1, arbitrary: parallel(depth) });
}

const draft: fc.Arbitrary<Draft> = fc.record({
  isParallel: fc.integer({ min: 0, max: 9 }).map((draw) => draw === 9),
  // The first two remember: there is nearly always a history to come back to.
  first: compound(2),
  others: fc.array(shape(2), { minLength: 1, maxLength: 3 }),
  nexts: fc.tuple(anyNumber, anyNumber, anyNumber),
  outside: fc.array(loose(outsideEvents, outsideActions), { minLength: 6, maxLength: 12 }),
  calm: fc.array(loose(calmEvents, calmActions), { minLength: 2, maxLength: 5 }),
  timed: fc.array(loose(delays, outsideActions), { minLength: 1, maxLength: 4 }),
  eventless: fc.array(loose(['sparked', 'below'], calmActions), { minLength: 1, maxLength: 3 }),
  invokes: fc.array(
    fc.record({
      source: anyNumber,
      src: fc.constantFrom('work', 'other'),
      done: loose(['done'], outsideActions),
      failed: fc.option(loose(['failed'], outsideActions), { freq: 30, nil: undefined }),
    }),
    { minLength: 1, maxLength: 4 },
  ),
  whenDone: fc.array(loose(['done'], calmActions), { minLength: 3, maxLength: 3 }),
  edges: fc.array(
    fc.record({
      source: anyNumber,
      side: fc.constantFrom('entry', 'exit'),
      action: fc.constantFrom(...calmActions),
    }),
    { minLength: 4, maxLength: 8 },
  ),
  bomb: fc.constantFrom('guard', 'assign'),
});

const number = fc.integer({ min: 0, max: 9 });
const sends = (types: readonly string[]): fc.Arbitrary<Step> =>
  fc.record({ type: fc.constantFrom(...types), v: number }).map((event) => ({ do: 'send', event }));

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 10, arbitrary: sends(['next']) },
  { weight: 6, arbitrary: sends(sentEvents) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      ms: fc.constantFrom<number | 'next'>('next', 'next', 5, 30, 120),
      asleep: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('settle' as const),
      nth: fc.nat({ max: 3 }),
      how: fc.constantFrom('resolve', 'resolve', 'reject'),
      v: number,
    }),
  },
);

const bomb: Step = { do: 'send', event: { type: 'bomb', v: 13 } };
const end: Step = { do: 'send', event: { type: 'end', v: 1 } };
const endings: readonly (readonly Step[])[] = [[], [], [], [end], [end], [bomb]];

/**
 * Everything there is to compare, of a size that keeps a case within tens of milliseconds. Drawn evenly:
 * fast-check's liking for small numbers and short lists would leave one case in ten without five steps.
 */
export const cases: fc.Arbitrary<Case> = fc
  .noBias(
    fc.record({
      draft,
      steps: fc.array(step, { minLength: 13, maxLength: 18 }),
      ending: fc.constantFrom(...endings),
    }),
  )
  .map(({ draft: drawn, steps, ending }) => ({ chart: chartOf(drawn), steps: [...steps, ...ending] }));
