/** A capsule that was imported and exported again is the same, whatever happened to its actor. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseCapsule } from '../../src/actors/capsule/parse.js';
import type { Capsule } from '../../src/actors/capsule/capsule.js';
import { settled } from '../kernel/fixtures.js';
import { openPlace, orderMachine, reread } from './places.js';

const kind = 'order';

const action = fc.oneof(
  fc.record({ type: fc.constant('note'), text: fc.string() }),
  fc.record({ type: fc.constant('card'), token: fc.stringMatching(/^[\w-]{4,30}$/) }),
  fc.constantFrom({ type: 'go' }, { type: 'note' }, { type: 'ship' }, { type: 'unknown' }),
  fc.record({ type: fc.constant('wait'), ms: fc.nat(100_000_000) }),
);

/** All but what an import says itself. */
function essence({
  record,
  address: _a,
  id: _i,
  exportedAt: _e,
  seal: _s,
  outbox,
  journal,
  ...rest
}: Capsule): unknown {
  const { quarantine, epoch: _epoch, ord: _ord, marks, effects, origins: _origins, ...kept } = record;
  const { event, source } = quarantine ?? {};
  return {
    ...rest,
    record: kept,
    journal: journal.map(({ entry: { commit: _commit, ...entry } }) => entry),
    failed: { event, source },
    bytes: marks.reduce((sum, [, bytes]) => sum + bytes, 0),
    effects: effects.map(({ ord: _o, ...effect }) => effect),
    outbox: outbox.map(({ address: _b, started: _c, ...row }) => row),
  };
}

test('export, JSON, import, export: the same but for where and when', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(action, { maxLength: 12 }),
      fc.constantFrom('each' as const, 'amortized' as const),
      fc.constantFrom('77', 'another'),
      fc.boolean(),
      async (actions, snapshot, id, isDefined) => {
        const definition = { kind, machine: orderMachine(), snapshot };
        const place = await openPlace([definition]);
        await place.kernel.create(kind, '77', { cents: 42 });
        for (const { type, ...rest } of actions) {
          if ('ms' in rest) await place.clock.advance(rest.ms);
          else await place.kernel.send('order/77', { type, ...rest }).catch(() => undefined);
          await settled(place);
        }
        if ((await place.kernel.reader.recordOnDisk('order/77')) === undefined) return;
        const first = parseCapsule(reread(await place.capsules().export('order/77')));
        const other = await openPlace(isDefined ? [definition] : []);
        const address = await other.capsules().import(first, { id });
        const second = parseCapsule(reread(await other.capsules().export(address)));
        expect(essence(second)).toEqual(essence(first));
        await other.crash([definition]);
        const third = parseCapsule(reread(await other.capsules().export(address)));
        expect(essence(third)).toEqual(essence(first));
      },
    ),
    { numRuns: 60 },
  );
});
