/** Who waits at the shelves is woken when there is something for them, and nobody else is. */
import { describe, expect, test } from 'vitest';
import type { ReadyItem } from '../../src/actors/work/shelf.js';
import { Shelves, type Kinds } from '../../src/actors/work/shelves.js';
import { limits } from '../../src/limits.js';

type Row = readonly string[];

function itemOf(kind: string, n: number): ReadyItem {
  const place = { priority: '128', ord: String(n).padStart(6, '0') };
  return { kind, address: `work/${kind}.${n}`, place };
}

/** Shelves over an index that holds these items. */
function play(items: readonly ReadyItem[] = []) {
  const rows = new Map(items.map((item) => [item.address, item]));
  const kinds = (): string[] => [...new Set([...rows.values()].map(({ kind }) => kind))].toSorted();
  const indexRows = {
    after: (_index: string, [kind]: Row, _place: Row, limit: number) => {
      const ready = [...rows.values()].filter((item) => item.kind === kind).slice(0, limit);
      const found = ready.map(({ kind: of, address, place }) => [
        ...[of, 'ready', place.priority, place.ord, address],
      ]);
      return Promise.resolve(found);
    },
    nextPart: (_index: string, _parts: Row, from = '') =>
      Promise.resolve(kinds().find((kind) => kind > from)),
  };
  const shelves = new Shelves({ indexRows } as never);
  const woken: string[] = [];
  const wait = (name: string, of: Kinds) => {
    const waiting = shelves.wait(of);
    void waiting.woken.then(() => woken.push(name));
    return waiting;
  };
  return { rows, shelves, woken, wait };
}

/** What promises have to say is said. */
const said = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('who waits for an item', () => {
  test('is woken alone, the one who waits longest, and by its own kinds', async () => {
    const { shelves, woken, wait } = play();
    wait('a', ['a']);
    wait('first', ['b', 'c']);
    wait('second', ['b']);
    wait('any', undefined);
    shelves.add(itemOf('b', 1));
    await said();
    expect(woken).toEqual(['first']);
    shelves.add(itemOf('c', 1));
    shelves.add(itemOf('b', 2));
    await said();
    expect(woken).toEqual(['first', 'any', 'second']);
  });

  test('hands on a wake-up that it did not need, and one that it used up to nobody', async () => {
    const { shelves, woken, wait } = play();
    const first = wait('first', ['a']);
    wait('second', ['a']);
    wait('third', ['a']);
    shelves.add(itemOf('a', 1));
    first.end(true);
    await said();
    expect(woken).toEqual(['first', 'second']);
    const fourth = wait('fourth', ['b']);
    wait('fifth', ['b']);
    shelves.add(itemOf('b', 1));
    fourth.end(false);
    await said();
    expect(woken).toEqual(['first', 'second', 'fourth']);
  });
});

test('of more kinds than are kept at hand each gives its item', async () => {
  const count = limits.workShelvesMax + 3;
  const items = Array.from({ length: count }, (_, n) => itemOf(`kind${String(n).padStart(5, '0')}`, n));
  const { rows, shelves } = play(items);
  const taken: string[] = [];
  for (let n = 0; n < count; n += 1) {
    const item = await shelves.take(undefined);
    if (item === undefined) break;
    taken.push(item.address);
    rows.delete(item.address);
  }
  expect(taken.toSorted()).toEqual(items.map(({ address }) => address).toSorted());
});
