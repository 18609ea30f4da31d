/**
 * When a turn is over: told by the commits of its session, and by whoever ends it here.
 *
 * Owns: the turn's signal. Callers: turn.ts, which makes one before the turn begins. Invariants:
 *  1  The signal fires once, with the reason, and from then on nothing is followed.
 *  2  No interruption is missed: what happens to the session after the turn's first step is heard.
 */
import { HoldfastError } from '../../errors.js';
import { addressOf } from '../../ids.js';
import type { SessionContext } from '../../machines/index.js';
import type { CommittedStep } from '../kernel/index.js';
import { SESSION_KIND, type SessionDesk } from './desk.js';

export class TurnWatch {
  readonly turnId: string;
  readonly #desk: SessionDesk;
  readonly #controller = new AbortController();
  readonly #unsubscribe: () => void;
  #hasBegun = false;
  #isInterrupted = false;

  constructor(desk: SessionDesk, key: string, turnId: string) {
    this.#desk = desk;
    this.turnId = turnId;
    this.#unsubscribe = desk.options.kernel.subscribe(addressOf(SESSION_KIND, key), (step) =>
      this.#hear(step),
    );
    desk.hold(this);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** A newer message took its place. */
  get isInterrupted(): boolean {
    return this.#isInterrupted;
  }

  /** Its commit was refused for it: the same, whatever was heard. */
  interrupt(): void {
    this.#isInterrupted = true;
    this.end(turnInterrupted(this.turnId));
  }

  end(reason: HoldfastError): void {
    this.#unsubscribe();
    this.#desk.letGo(this);
    if (!this.signal.aborted) this.#controller.abort(reason);
  }

  /** The process goes. */
  release(): void {
    this.end(new HoldfastError('RUNTIME_CLOSED', 'the runtime is closing'));
  }

  #hear({ snapshot }: CommittedStep): void {
    const { turn } = snapshot.context as SessionContext;
    const isMine = turn?.turnId === this.turnId;
    if (isMine && snapshot.matches({ turn: 'running' })) {
      this.#hasBegun = true;
      return;
    }
    if (!this.#hasBegun) return;
    if (isMine) this.interrupt();
    else this.end(turnOver(this.turnId));
  }
}

export function turnOver(turnId: string): HoldfastError {
  return new HoldfastError('TURN_OVER', `turn ${turnId} is over`);
}

export function turnInterrupted(turnId: string): HoldfastError {
  return new HoldfastError('TURN_INTERRUPTED', `turn ${turnId} was interrupted`, { details: { turnId } });
}
