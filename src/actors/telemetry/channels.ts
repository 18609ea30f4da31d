/**
 * The names under which this process's `node:diagnostics_channel` tells what happens.
 *
 * `holdfast:step`, `holdfast:commit`, `holdfast:delivery`, `holdfast:quarantine`, `holdfast:clock-jump`
 * carry one message each; `holdfast:effect` is a tracing channel, whose `start` may bind stores for the
 * run. Owns: nothing; Node keeps the channels. Callers: telemetry.ts. Invariants:
 *  1  Nothing is made or published where nobody listens.
 *  2  A message has facts of facts.ts alone, and is its subscriber's to keep.
 */
import { channel, tracingChannel } from 'node:diagnostics_channel';
import type { CommittedBatch } from '../kernel/index.js';
import type { DeliveryEnd, DeliveryFacts, EffectEnd, EffectFacts, StepFacts } from './facts.js';

/**
 * Of `holdfast:effect`: `end`, `asyncStart`, `asyncEnd` and `error` have the message of `start`, added to.
 */
export interface EffectMessage extends EffectFacts, Partial<EffectEnd> {}

/** Of `holdfast:delivery`, when the attempt has ended. */
export interface DeliveryMessage extends DeliveryFacts, DeliveryEnd {}

/** Of `holdfast:quarantine`. */
export interface QuarantineMessage {
  readonly address: string;
  readonly kind: string;
  readonly code: string;
}

/** Of `holdfast:clock-jump`. */
export interface ClockJumpMessage {
  /** Negative when the clock went back. */
  readonly jumpMs: number;
}

export class Channels {
  readonly #step = channel('holdfast:step');
  readonly #commit = channel('holdfast:commit');
  readonly #delivery = channel('holdfast:delivery');
  readonly #quarantine = channel('holdfast:quarantine');
  readonly #clockJump = channel('holdfast:clock-jump');
  readonly #effect = tracingChannel<unknown, Record<string, unknown>>('holdfast:effect');

  get tellsSteps(): boolean {
    return this.#step.hasSubscribers;
  }

  stepped(facts: StepFacts): void {
    this.#step.publish(facts);
  }

  committed(batch: CommittedBatch): void {
    if (this.#commit.hasSubscribers) this.#commit.publish(batch);
  }

  delivered(facts: DeliveryFacts, end: DeliveryEnd): void {
    if (this.#delivery.hasSubscribers) this.#delivery.publish({ ...facts, ...end });
  }

  quarantined(message: QuarantineMessage): void {
    if (this.#quarantine.hasSubscribers) this.#quarantine.publish(message);
  }

  clockJumped(jumpMs: number): void {
    if (this.#clockJump.hasSubscribers) this.#clockJump.publish({ jumpMs });
  }

  /** How a run begins, and who is told of its end; undefined where nobody listens. */
  attempting(facts: EffectFacts): RunChannel | undefined {
    const { start, end, asyncStart, asyncEnd, error } = this.#effect;
    const parts = [start, end, asyncStart, asyncEnd, error];
    if (!parts.some((part) => part.hasSubscribers)) return undefined;
    const message: Record<string, unknown> = { ...facts };
    return {
      within: (begin) => {
        const begun = start.runStores(message, begin);
        end.publish(message);
        return begun;
      },
      ended: (how) => {
        Object.assign(message, how);
        if (how.error !== undefined) error.publish(message);
        asyncStart.publish(message);
        asyncEnd.publish(message);
      },
    };
  }
}

export interface RunChannel {
  readonly within: <T>(begin: () => T) => T;
  readonly ended: (how: EffectEnd) => void;
}
