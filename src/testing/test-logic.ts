/**
 * Actor logic that does nothing but what the test tells it to: it stands in for an effect's own.
 *
 * Callers: test-effects.ts. Invariant: after its end, by the test, a timeout or its actor's leaving, every
 * further word of the test is dropped, as a late answer from the world would be.
 */
import { fromCallback, fromPromise } from 'xstate';
import type { AnyActorLogic, AnyEventObject } from 'xstate';

/** What the test does in place of the world. */
export interface Hands {
  readonly done: (output: unknown) => void;
  readonly fail: (error: unknown) => void;
  /** Streams alone: sends an event to the actor. */
  readonly send: (event: AnyEventObject) => void;
  /** Streams alone: makes a value the context of its next snapshot. */
  readonly next: (value: unknown) => void;
}

export interface StandInOptions {
  /** Called when the logic starts. */
  readonly onStart: (hands: Hands) => void;
  /** Told of what the actor sends to it. */
  readonly onTold: (event: AnyEventObject) => void;
}

/** Stands in for a promise. */
export function standInPromise({ onStart }: StandInOptions): AnyActorLogic {
  return fromPromise(
    () =>
      new Promise((resolve, reject) => {
        onStart({ done: resolve, fail: reject, send: nothing, next: nothing });
      }),
  );
}

function nothing(): void {
  // A promise has nothing to say but its end.
}

const DONE = 'holdfast.test.done';
const FAIL = 'holdfast.test.fail';
const NEXT = 'holdfast.test.next';

/** Stands in for a callback, an observable, or logic of the user's own. */
export function standInStream({ onStart, onTold }: StandInOptions): AnyActorLogic {
  const callback = fromCallback<AnyEventObject>(({ self, sendBack, receive }) => {
    receive(onTold);
    const tell = (event: AnyEventObject): void => self.send(event);
    onStart({
      done: (output) => tell({ type: DONE, output }),
      fail: (error) => tell({ type: FAIL, error }),
      next: (value) => tell({ type: NEXT, value }),
      send: sendBack,
    });
  });
  const transition: typeof callback.transition = (snapshot, event, scope) => {
    const change = changeOf(event);
    return change === undefined ? callback.transition(snapshot, event, scope) : { ...snapshot, ...change };
  };
  return { ...callback, transition };
}

/** What the test's words make of the snapshot; undefined for what the actor or XState says. */
function changeOf({ type, ...event }: AnyEventObject): object | undefined {
  switch (type) {
    case DONE:
      return { status: 'done', output: event['output'] as unknown };
    case FAIL:
      return { status: 'error', error: event['error'] as unknown };
    case NEXT:
      return { context: event['value'] as unknown };
    default:
      return undefined;
  }
}
