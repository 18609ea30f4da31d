/**
 * A machine that holds and releases attachment files as its events say.
 *
 * Callers: holding.test.ts, the tests of attachments.
 */
import { setup } from 'xstate';
import type { AnyEventObject, AnyStateMachine } from 'xstate';
import type { DefinitionOptions } from '../../src/actors/kernel/index.js';
import { reservedActions } from '../../src/machines/reserved.js';

interface Asked {
  readonly name: string;
  readonly files: readonly string[];
}

const asked = ({ event }: { readonly event: AnyEventObject }): Asked => event as unknown as Asked;

export const keeper: AnyStateMachine = setup({ actions: reservedActions }).createMachine({
  id: 'keeper',
  version: '1',
  initial: 'open',
  states: {
    open: {
      on: {
        hold: { actions: { type: 'file.hold', params: asked } },
        release: { actions: { type: 'file.release', params: asked } },
        move: {
          actions: [
            { type: 'file.release', params: { name: 'one', files: ['a.png'] } },
            { type: 'file.hold', params: { name: 'two', files: ['a.png'] } },
          ],
        },
        bad: { actions: { type: 'file.hold', params: { name: 'one', files: 'a.png' } as never } },
        end: 'closed',
      },
    },
    closed: { type: 'final' },
  },
});

/** Those that ended go after a second. */
export const keepers: DefinitionOptions = { kind: 'keeper', machine: keeper, retentionMs: 1_000 };
