/**
 * The world outside the process: who works when an effect runs, and answers when it likes, late or twice.
 *
 * Owns: every run of every effect, of living and of dead processes. Callers: the kinds' machines through
 * `Hands`, actions, the oracle. Invariants:
 *  W1  Every answer carries a number of its own, so that the journal shows which one was applied.
 *  W2  Nobody is answered but by an action: nothing here happens by itself.
 */
import { fromCallback, fromObservable, fromPromise } from 'xstate';
import type { AnyActorLogic, AnyEventObject } from 'xstate';
import { EffectDeferred, type ProbeResult } from '../../src/actors/kernel/index.js';
import type { Chance } from './chance.js';

/** How an effect ends. */
export type Answer =
  | { readonly type: 'resolve'; readonly value: object }
  | { readonly type: 'reject'; readonly message: string }
  | { readonly type: 'defer' };

export type AnswerOf = (chance: Chance, input: unknown) => Answer;

export interface Run {
  readonly number: number;
  /** The process that runs it. */
  readonly processNumber: number;
  /** `<address>/<effect id>`. */
  readonly effectKey: string;
  readonly src: string;
  readonly input: unknown;
  /** A callback never ends by itself. */
  readonly type: 'promise' | 'callback' | 'observable';
  /** `running`: nobody has ended it; `unwanted`: its kernel has; `answered`: the world has. */
  state: 'running' | 'unwanted' | 'answered';
  readonly resolve: (value: object) => void;
  readonly reject: (error: Error) => void;
  /** Sends an event to its actor, of a stream. */
  readonly send: (event: AnyEventObject) => void;
}

export interface GivenAnswer {
  readonly run: Run;
  /** True when its kernel had ended the run before. */
  readonly isLate: boolean;
}

export interface OutsideListener {
  readonly started: (run: Run) => void;
  readonly acted: (processNumber: number, name: string, address: string, seq: number) => void;
}

interface ActionScope {
  readonly event: AnyEventObject;
  readonly self: { readonly sessionId: string };
}

/** In place of an effect's id, for who is not told it: the only one of its actor. */
export const ONLY_EFFECT = '*';

const RUNS_KEPT_MAX = 400;

export class Outside {
  #runs: Run[] = [];
  readonly answers = new Map<number, GivenAnswer>();
  /** How often a probe said that an effect had not started, by its key. */
  readonly notStarted = new Map<string, number>();
  readonly #deferred = new Map<string, number>();
  readonly #listener: OutsideListener;
  readonly #chance: Chance;
  readonly #running = new Set<Run>();
  #answerCount = 0;
  #runCount = 0;

  constructor(listener: OutsideListener, chance: Chance) {
    this.#listener = listener;
    this.#chance = chance;
  }

  /** Who somebody in this process asks to work. */
  hands(processNumber: number): Hands {
    return new Hands(this, processNumber);
  }

  runs(isWanted: (run: Run) => boolean): Run[] {
    return this.#runs.filter(isWanted);
  }

  /** Those that somebody waits for: all of the living process. */
  running(): readonly Run[] {
    return [...this.#running];
  }

  start(run: Omit<Run, 'number' | 'state'>): Run {
    this.#runCount += 1;
    const started: Run = { ...run, number: this.#runCount, state: 'running' };
    this.#runs.push(started);
    this.#running.add(started);
    if (this.#runs.length > 2 * RUNS_KEPT_MAX) this.#forgetSome();
    this.#listener.started(started);
    return started;
  }

  /** Ends a run that can end, whether its kernel still wants it or not. */
  answer(run: Run, answer: Answer): void {
    this.#answerCount += 1;
    const isLate = run.state !== 'running';
    this.answers.set(this.#answerCount, { run, isLate });
    run.state = 'answered';
    this.#running.delete(run);
    if (answer.type === 'resolve') run.resolve({ ...answer.value, answer: this.#answerCount });
    else if (answer.type === 'reject')
      run.reject(new Error(`${answer.message} (answer ${this.#answerCount})`));
    else {
      this.#deferred.set(run.effectKey, this.deferredOf(run.effectKey) + 1);
      run.reject(new EffectDeferred('not yet'));
    }
  }

  /** How often an effect was put off: it did nothing then. */
  deferredOf(effectKey: string): number {
    return this.#deferred.get(effectKey) ?? 0;
  }

  /** An event of a stream, under the number of an answer. */
  stream(run: Run, type: string): void {
    this.#answerCount += 1;
    this.answers.set(this.#answerCount, { run, isLate: run.state !== 'running' });
    run.send({ type, answer: this.#answerCount });
  }

  acted(processNumber: number, name: string, { event, self }: ActionScope): void {
    const seq = Number(Reflect.get(Object(event['$']) as object, 'seq'));
    this.#listener.acted(processNumber, name, self.sessionId, seq);
  }

  /** What a probe finds out. */
  async probe(effectKey: string): Promise<ProbeResult> {
    const found = this.#chance.below(3);
    if (found === 0) return { type: 'unknown' };
    if (found === 1) return { type: 'done', output: { probed: true } };
    this.notStarted.set(effectKey, (this.notStarted.get(effectKey) ?? 0) + 1);
    return { type: 'notStarted' };
  }

  /** Nobody waits for its answer any more. */
  unwanted(run: Run): void {
    this.#running.delete(run);
    if (run.state === 'running') run.state = 'unwanted';
  }

  /** Those that were answered long ago; who waits is kept. */
  #forgetSome(): void {
    const recent = this.#runs.length - RUNS_KEPT_MAX;
    this.#runs = this.#runs.filter(({ state }, index) => state === 'running' || index >= recent);
  }
}

/** What the machines of one process are made with: logic whose work is done outside. */
export class Hands {
  readonly #outside: Outside;
  readonly #process: number;

  constructor(outside: Outside, processNumber: number) {
    this.#outside = outside;
    this.#process = processNumber;
  }

  /** Asks for work of any shape, for who needs no logic of XState's. */
  work(src: string, effectKey: string, input: unknown, signal: AbortSignal): Promise<object> {
    return new Promise((resolve, reject) => {
      const run = this.#start(src, 'promise', effectKey, input, { resolve, reject, send: nothing });
      const abort = (): void => this.#unwanted(run);
      signal.addEventListener('abort', abort, { once: true });
    });
  }

  promise<Output, Input>(src: string) {
    return fromPromise<Output, Input>(
      ({ input, self, signal }) => this.work(src, self.id, input, signal) as Promise<Output>,
    );
  }

  callback(src: string): AnyActorLogic {
    return fromCallback<AnyEventObject, unknown>(({ sendBack, receive, input, self }) => {
      const run = this.#start(src, 'callback', self.id, input, {
        resolve: nothing,
        reject: nothing,
        send: (event) => sendBack(event),
      });
      receive((event) => sendBack({ type: 'echo', of: event.type }));
      return () => this.#unwanted(run);
    });
  }

  /** As observables are: nobody hears of it any more once they have unsubscribed. */
  observable(src: string): AnyActorLogic {
    return fromObservable<object, unknown>(
      ({ input, self }) =>
        ({
          subscribe: (observer: Observer) => {
            let isHeard = true;
            const once = (end: () => void): void => {
              const wasHeard = isHeard;
              isHeard = false;
              if (wasHeard) end();
            };
            const run = this.#start(src, 'observable', self.id, input, {
              resolve: () => once(() => observer.complete?.()),
              reject: (error) => once(() => observer.error?.(error)),
              send: (event) => (isHeard ? observer.next?.({ ...event }) : undefined),
            });
            const unsubscribe = (): void => {
              isHeard = false;
              this.#unwanted(run);
            };
            return { unsubscribe };
          },
        }) as never,
    );
  }

  /** A custom action that is seen when it runs. */
  act(name: string): (scope: ActionScope) => void {
    return (scope) => this.#outside.acted(this.#process, name, scope);
  }

  probe(): (asked: { readonly effectId: string }) => Promise<ProbeResult> {
    return ({ effectId }) => this.#outside.probe(effectId);
  }

  #start(
    src: string,
    type: Run['type'],
    effectKey: string,
    input: unknown,
    ways: Pick<Run, 'resolve' | 'reject' | 'send'>,
  ): Run {
    return this.#outside.start({ processNumber: this.#process, effectKey, src, input, type, ...ways });
  }

  #unwanted(run: Run): void {
    this.#outside.unwanted(run);
  }
}

interface Observer {
  readonly next?: (value: object) => void;
  readonly error?: (error: unknown) => void;
  readonly complete?: () => void;
}

function nothing(): void {
  // Of who has no such way.
}
