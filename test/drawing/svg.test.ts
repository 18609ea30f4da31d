import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chartModel, layoutOf, mermaidOf, pageOf, statesOf, svgOf } from '../../src/drawing/index.js';
import type { JsonObject } from '../../src/json.js';
import { drawnChart } from './drawn-charts.js';
import { everything } from './everything.js';

const HOSTILE = '</text></svg><script>alert(1)</script>"\' &amp; ]]> \u0000\u001b[2J\ud800';

const hostile: JsonObject = {
  id: HOSTILE,
  description: HOSTILE,
  initial: HOSTILE,
  states: {
    [HOSTILE]: {
      description: HOSTILE,
      tags: [HOSTILE],
      entry: HOSTILE,
      on: {
        [HOSTILE]: [
          { guard: HOSTILE, actions: HOSTILE },
          { target: 'b', actions: HOSTILE },
        ],
      },
    },
    b: { type: 'final' },
  },
};

const model = chartModel(everything);
const svg = svgOf(await layoutOf(model));

const valuesOf = (text: string, attribute: string) =>
  Array.from(text.matchAll(new RegExp(` ${attribute}="([^"]*)"`, 'g')), ([, value]) => value);

describe('a picture', () => {
  it('names every state once, with a line for what is so at the moment', () => {
    const paths = statesOf(model).map(({ path }) => path);
    expect(valuesOf(svg, 'data-state')).toEqual(paths);
    const histories = ['busy.left.back', 'busy.right.again'];
    const badges = paths.filter((path) => !histories.includes(path));
    expect(valuesOf(svg, 'data-badge')).toEqual(badges);
    expect(svg).toMatch(/<text class="badge" data-badge="idle" x="\d+" y="\d+"><\/text>/);
  });

  it('names every way of every edge by its source, event and target', () => {
    const ways = model.edges.flatMap(({ source, target, ways: each }) =>
      each.map(({ event }) => `${source}|${event}|${target}`),
    );
    expect(valuesOf(svg, 'data-edge')).toEqual(ways);
    expect(valuesOf(svg, 'data-source')).toEqual(model.edges.map(({ source }) => source));
    expect(svg.match(/class="edge initial"/g)).toHaveLength(3);
  });

  it('tells kinds apart: regions, final states, histories', () => {
    expect(svg).toContain('<g class="state parallel" data-state="busy"');
    expect(svg).toContain('<g class="state compound region" data-state="busy.left"');
    expect(svg).toMatch(/class="state final" data-state="over"[^]*?class="inner"/);
    expect(svg).toMatch(/class="state history" data-state="busy.right.again".*>H\*<\/text>/);
  });

  it('can be walked by keyboard and heard, unless it stands for itself', async () => {
    expect(svg).toContain('role="group" aria-label="Statechart of everything"');
    expect(svg).toContain(
      'data-state="idle" tabindex="0" role="img" aria-label="idle, state: Nothing to do."',
    );
    expect(svg).not.toContain('<style>');
    const standalone = svgOf(await layoutOf(model), { standalone: true });
    expect(standalone).toContain('role="img" aria-label="Statechart of everything"');
    expect(standalone).toContain('prefers-color-scheme:dark');
    expect(standalone).not.toContain('tabindex');
  });

  it('holds no markup of its users’ and nothing that XML cannot hold', async () => {
    const drawn = svgOf(await layoutOf(chartModel(hostile)));
    expect(drawn).not.toMatch(/<script|alert\(1\)<\/script/i);
    expect(drawn.match(/<svg/g)).toHaveLength(1);
    expect(drawn.match(/<\/svg>/g)).toHaveLength(1);
    expect(drawn).not.toMatch(/(?!\n)\p{Control}|\p{Surrogate}/u);
    expect(drawn).not.toMatch(/ on\w+=| style=|href=/);
    expect(drawn).toContain('&lt;script&gt;');
  });

  it('of any chart has its tags closed in order', async () => {
    await fc.assert(
      fc.asyncProperty(drawnChart, async (config) => {
        const text = svgOf(await layoutOf(chartModel(config)), { standalone: true });
        const open: string[] = [];
        for (const [, close, name, self] of text.matchAll(/<(\/?)([a-z]+)[^<>]*?(\/?)>/g)) {
          if (close === '/') expect(open.pop()).toBe(name);
          else if (self !== '/') open.push(name ?? '');
        }
        expect(open).toEqual([]);
      }),
      { numRuns: 10 },
    );
  });
});

describe('a diagram’s text', () => {
  it('has every state and every way, and no line from a state to one around it or within it', () => {
    expect(mermaidOf(model).split('\n')).toEqual([
      'stateDiagram-v2',
      '  state "idle" as idle',
      '  state "busy" as busy {',
      '    state "left" as busy_left {',
      '      state "one" as busy_left_one',
      '      state "two" as busy_left_two',
      '      state "back (H)" as busy_left_back',
      '      [*] --> busy_left_one',
      '      busy_left_two --> [*]',
      '    }',
      '    --',
      '    state "right" as busy_right {',
      '      state "on" as busy_right_on',
      '      state "again (H*)" as busy_right_again',
      '      [*] --> busy_right_on',
      '    }',
      '  }',
      '  state "over" as over',
      '  [*] --> idle',
      '  [*] --> over : stop',
      '  over --> [*]',
      '  idle --> idle : again',
      '  idle --> busy : ask answers',
      '  idle --> over : ask throws, after 1 min, after patience',
      '  busy --> over : when done',
      '  busy_left_one --> busy_left_two : [ready], otherwise',
      '  busy_left_back --> busy_left_two',
      '  busy_right_on --> busy_left_back : return',
    ]);
  });

  it('writes what Mermaid would read as its own as entities, and tells states of one name apart', () => {
    const text = mermaidOf(chartModel(hostile));
    expect(text).not.toMatch(/[<>](?!\s)|script>|&/);
    expect(text).toContain('#60;script#62;');
    const states = { 'a b': { on: { go: 'a_b' } }, a_b: {}, end: {} };
    const lines = mermaidOf(chartModel({ id: 'm', initial: 'a b', states })).split('\n');
    expect(lines.slice(1, 4)).toEqual([
      '  state "a b" as a_b',
      '  state "a_b" as a_b_2',
      '  state "end" as end_3',
    ]);
    expect(lines.at(-1)).toBe('  a_b --> a_b_2 : go');
  });

  it('is in a page with a table of what each state is', () => {
    const page = pageOf(model, { title: 'Everything', origin: 'Drawn by hand.', picture: 'all.svg' });
    expect(page).toMatch(
      /^# Everything\n\nOne of everything. Version 3.\n.*\[all.svg\]\(all.svg\).\nDrawn by hand.\n/,
    );
    expect(page).toContain('| `idle` | Nothing to do. | `fetch` | `hint [isNew] / note`<br>`*` |');
    const hostilePage = pageOf(
      chartModel({ id: 'm', initial: 'a|b', states: { 'a|b': { description: 'x\n| y' } } }),
      {
        ...{ title: 'm', origin: '', picture: 'm.svg' },
      },
    );
    expect(hostilePage).toContain('| `a\\|b` | x \\| y |  |  |');
  });
});
