/**
 * The effects of a test runtime: each run is recorded, and waits for the test to answer it.
 *
 * Owns: the record of every run, over all crashes of the test. Callers: the kernel, through its hook; the
 * test, through `test.effects`. Invariants:
 *  1  Only logic is replaced: rows, started marks, fencing, recovery, timeouts, pools and restart budgets are
 *     the kernel's, as in production.
 *  2  A run's status is what the kernel made of it: what is answered too late is `cancelled`, not `done`.
 */
import { AssertionError } from 'node:assert';
import type { AnyActorLogic, AnyEventObject } from 'xstate';
import { copyOf, type Json, type JsonEvent } from '../json.js';
import type { EffectHook, PerformedEffect, RunOutcome } from '../runtime-options.js';
import type { Activity } from './test-activity.js';
import { standInPromise, standInStream, type Hands } from './test-logic.js';

/**
 * `waiting` for the test; `running` an answer or its own logic; `done` or `failed`; `cancelled` because its
 * actor left the state or the runtime closed; `deferred` until its provider's account is mended;
 * `interrupted` by a crash of the test.
 */
export type TestEffectStatus =
  | 'waiting'
  | 'running'
  | 'done'
  | 'failed'
  | 'cancelled'
  | 'deferred'
  | 'interrupted';

/** One run of an effect's logic. An effect that is run again, after a crash or a failure, has several. */
export interface TestEffect {
  /** The effect, the same for every run, and what `self.id` is: `<actor>/<seq>:<index>`. */
  readonly id: string;
  /** `<kind>.<src>`: what answers are named by. */
  readonly name: string;
  /** `<kind>/<id>`. */
  readonly actor: string;
  readonly kind: string;
  readonly src: string;
  /** What its actor calls it: the `id` of the invoke. */
  readonly child: string;
  readonly input: Json | undefined;
  /** 1, 2, 3, ...: which run of the effect. */
  readonly attempt: number;
  readonly status: TestEffectStatus;
  readonly output?: Json | undefined;
  readonly error?: Json;
  /** What its actor has sent to it (`sendTo`), oldest first. */
  readonly told: readonly JsonEvent[];
}

/** What an answer is called with, beside the input. */
export interface AnswerCall extends Pick<TestEffect, 'id' | 'actor' | 'attempt'> {
  /** Fires when the effect is not wanted any more. */
  readonly signal: AbortSignal;
}

/**
 * Stands in for an effect: returns its output, or throws. Declare the input's type as your machine has it.
 */
export type Answer = { take(input: unknown, call: AnswerCall): unknown }['take'];

/** By `<kind>.<src>` or by `<src>`: a function answers, `run` runs the machine's own logic, `wait` waits. */
export type Answers = Readonly<Record<string, Answer | 'run' | 'wait'>>;

interface Run {
  readonly call: PerformedEffect;
  readonly name: string;
  readonly attempt: number;
  readonly told: JsonEvent[];
  status: TestEffectStatus;
  outcome: RunOutcome | undefined;
  hands: Hands | undefined;
}

export interface TestEffectsOptions {
  readonly answers: Answers;
  /** What becomes of effects that no answer is for. */
  readonly otherwise: 'wait' | 'run';
  readonly activity: Activity;
  readonly settle: () => Promise<void>;
}

export class TestEffects {
  readonly #options: TestEffectsOptions;
  readonly #runs: Run[] = [];
  readonly #attempts = new Map<string, number>();

  constructor(options: TestEffectsOptions) {
    this.#options = options;
  }

  /** Every run there was, oldest first; of that name (`<kind>.<src>`, `<src>` or an effect's id). */
  all(name?: string): readonly TestEffect[] {
    return this.#named(name).map(viewOf);
  }

  /** Those that wait for an answer, oldest first. */
  waiting(name?: string): readonly TestEffect[] {
    return this.#named(name).filter(isWaiting).map(viewOf);
  }

  /** Ends the oldest waiting effect of that name with an output; settles. AssertionError when none waits. */
  async answer(name: string, output?: unknown): Promise<void> {
    await this.#tell(name, ({ done }) => done(output));
  }

  /** The same with an error: what the effect would have thrown. */
  async fail(name: string, error: unknown): Promise<void> {
    await this.#tell(name, ({ fail }) => fail(error));
  }

  /** Sends an event from the oldest waiting callback or observable of that name to its actor; settles. */
  async send(name: string, event: AnyEventObject): Promise<void> {
    await this.#tell(name, ({ send }, run) => streaming(run, () => send(event)));
  }

  /** Makes the oldest waiting observable of that name emit a value: its next snapshot's context; settles. */
  async next(name: string, value: unknown): Promise<void> {
    await this.#tell(name, ({ next }, run) => streaming(run, () => next(value)));
  }

  /** What the kernel of the runtime under test gets. */
  get hook(): EffectHook {
    return {
      perform: (call, own) => this.#perform(call, own),
      probing: (answer) => {
        // Whatever it ends with is for the kernel to judge.
        this.#options.activity.during('world', answer).catch(() => undefined);
      },
    };
  }

  /** The process is killed: whatever runs will never be heard of again. */
  interrupt(): void {
    for (const run of this.#runs) {
      if (run.status === 'waiting' || run.status === 'running') run.status = 'interrupted';
    }
  }

  #perform(call: PerformedEffect, own: AnyActorLogic): ReturnType<EffectHook['perform']> {
    const name = `${call.kind}.${call.src}`;
    const attempt = (this.#attempts.get(call.id) ?? 0) + 1;
    this.#attempts.set(call.id, attempt);
    const { answers, otherwise, activity } = this.#options;
    // A schedule's own act in the store alone: a test has nothing to say to them, unless it names them.
    const isOwn = call.kind === 'schedule';
    const answer = answers[name] ?? (isOwn ? 'run' : (answers[call.src] ?? otherwise));
    const status = answer === 'wait' ? 'waiting' : 'running';
    const run: Run = { call, name, attempt, status, told: [], outcome: undefined, hands: undefined };
    this.#runs.push(run);
    // Own logic of a stream may run for ever: nobody waits for it.
    const isAwaited = status === 'running' && (answer !== 'run' || call.type === 'promise');
    const end = isAwaited ? activity.begin('world') : (): void => undefined;
    const controller = new AbortController();
    const ended = (outcome: RunOutcome): void => {
      controller.abort();
      end();
      if (run.status === 'interrupted') return;
      run.outcome = outcome;
      run.status = STATUS_OF[outcome.type];
    };
    if (answer === 'run') return { logic: own, ended };
    const onStart = (hands: Hands): void => {
      run.hands = hands;
      if (answer !== 'wait') void answerWith(answer, run, hands, controller.signal);
    };
    const onTold = (event: AnyEventObject): void => void run.told.push(event as JsonEvent);
    const standIn = call.type === 'promise' ? standInPromise : standInStream;
    return { logic: standIn({ onStart, onTold }), ended };
  }

  async #tell(name: string, tell: (hands: Hands, run: Run) => void): Promise<void> {
    await this.#options.settle();
    const run = this.#named(name).find(isWaiting);
    if (run?.hands === undefined) throw failure(`no effect "${name}" waits; ${this.#whatWaits()}`);
    tell(run.hands, run);
    await this.#options.settle();
  }

  #whatWaits(): string {
    const waiting = this.#runs.filter(isWaiting).map(({ name, call }) => `${name} of ${call.address}`);
    if (waiting.length > 0) return `waiting: ${waiting.join(', ')}`;
    const last = this.#runs.at(-1);
    const ran = last && `; the last was ${last.name} of ${last.call.address}, ${last.status}`;
    return `nothing waits${ran ?? ', and no effect has run'}`;
  }

  #named(name: string | undefined): readonly Run[] {
    if (name === undefined) return this.#runs;
    return this.#runs.filter((run) => run.name === name || run.call.src === name || run.call.id === name);
  }
}

const STATUS_OF: Readonly<Record<RunOutcome['type'], TestEffectStatus>> = {
  done: 'done',
  error: 'failed',
  refused: 'failed',
  deferred: 'deferred',
  aborted: 'cancelled',
};

async function answerWith(answer: Answer, run: Run, hands: Hands, signal: AbortSignal): Promise<void> {
  const { id, address: actor, input } = run.call;
  try {
    hands.done(await answer(copyOf(input), { id, actor, attempt: run.attempt, signal }));
  } catch (error) {
    hands.fail(error);
  }
}

function isWaiting(run: Run): boolean {
  return run.status === 'waiting';
}

function streaming(run: Run, act: () => void): void {
  if (run.call.type === 'promise') throw failure(`${run.name} is a promise: answer it, or fail it`);
  act();
}

function viewOf({ call, name, attempt, status, outcome, told }: Run): TestEffect {
  const { id, address: actor, kind, src, child, input } = call;
  return {
    ...{ id, name, actor, kind, src, child, input, attempt, status },
    ...(outcome?.type === 'done' ? { output: outcome.output } : {}),
    ...(outcome?.type === 'error' ? { error: outcome.error } : {}),
    told: [...told],
  };
}

export function failure(message: string): AssertionError {
  return new AssertionError({ message });
}
