/**
 * The killer: SIGKILL at drawn moments, each aimed at something that the ledgers show to be going on.
 *
 * Callers: driver.ts. Invariants:
 *  1  A kill that is aimed at a phase falls in the same turn in which the ledgers showed a job there.
 *  2  Every wait is bounded: a phase that does not come is given up for whatever is going on.
 *  3  It stops when its kills are used up, or when there is nothing left to hit.
 */
import { systemClock } from '../../clock.js';
import type { AgentKeeper } from './agent-keeper.js';
import { pause } from './halt.js';
import { aimsOf, drawnBetween, type Aim, type Phase } from './plan.js';
import type { Submitter } from './submitter.js';
import type { Watch } from './watch.js';

export interface KillerOptions {
  readonly seed: number;
  readonly kills: number;
  readonly keeper: AgentKeeper;
  readonly watch: Watch;
  readonly signal: AbortSignal;
}

const TICK_MS = 4;
/** How long the first aim is waited for alone, and how long any of the others. */
const PATIENCE_MS = 1_500;
const PATIENCE_MAX_MS = 6_000;
/** A posting is provoked at most this often. */
const PROVOKE_EVERY_MS = 300;
/** Within a phase, the kill is put off by up to this much, and checked again. */
const DEPTH_MS: Readonly<Record<Phase, number>> = {
  intent: 3,
  posting: 110,
  downloading: 220,
  delivering: 40,
};

export class Killer {
  readonly #options: KillerOptions;
  readonly #remaining: Aim[];
  #askedAt = -Infinity;
  #draws = 0;
  /** The last aim at an intent came too late. */
  #missed = false;

  constructor(options: KillerOptions) {
    this.#options = options;
    this.#remaining = [...aimsOf(options.seed, options.kills)];
  }

  /** How many jobs to hold back: one a kill to come, so that no kill is left without work to fall into. */
  get reserve(): number {
    return this.#remaining.length;
  }

  async run(submitter: Submitter): Promise<void> {
    const { kills, keeper, seed, signal } = this.#options;
    for (let number = 1; number <= kills; number += 1) {
      await pause(drawnBetween(seed, `gap ${number}`, 50, this.#isTight ? 250 : 700), signal);
      const aim = await this.#moment(submitter);
      if (aim === undefined) break;
      this.#remaining.splice(this.#remaining.indexOf(aim), 1);
      await keeper.kill(number, aim);
      if (signal.aborted) break;
      await keeper.start();
    }
    this.#remaining.length = 0;
  }

  /**
   * Resolves in the turn in which the kill has to fall, with the aim that it hits; undefined: nothing to
   * hit.
   */
  async #moment(submitter: Submitter): Promise<Aim | undefined> {
    const { watch, signal } = this.#options;
    const since = systemClock.monotonicMs();
    while (!signal.aborted && !watch.isComplete) {
      const waitedMs = systemClock.monotonicMs() - since;
      const isOpen = this.#isTight || waitedMs > PATIENCE_MS;
      for (const aim of isOpen ? new Set(this.#remaining) : this.#remaining.slice(0, 1)) {
        if (aim === 'anytime' || (await this.#hits(aim, submitter))) return aim;
        // No job will be there any more: the kill falls where it falls.
        if (this.#isOver(aim, submitter)) return aim;
      }
      if (waitedMs > PATIENCE_MAX_MS) return this.#remaining[0];
      await pause(TICK_MS, signal);
      watch.look();
    }
    return undefined;
  }

  /** True when a job is in that phase right now, some drawn time after it was first seen there. */
  async #hits(phase: Phase, submitter: Submitter): Promise<boolean> {
    const { watch, signal, seed } = this.#options;
    if (phase === 'intent' && watch.standing().intent.length === 0) submitter.askNext();
    if (phase === 'posting') this.#provoke(submitter);
    if (watch.standing()[phase].length === 0) return false;
    this.#draws += 1;
    // A job that was asked for is at the provider a few milliseconds later: after a miss, no more delay.
    const depthMs = phase === 'intent' && this.#missed ? 0 : DEPTH_MS[phase];
    await pause(drawnBetween(seed, `depth ${this.#draws}`, 0, depthMs), signal);
    const isHit = watch.standing()[phase].length > 0;
    if (phase === 'intent') this.#missed = !isHit;
    return isHit;
  }

  /** Has one more job asked for when no submit is on its way. */
  #provoke(submitter: Submitter): void {
    const now = systemClock.monotonicMs();
    const { intent, posting } = this.#options.watch.standing();
    if (posting.length + intent.length > 0 || now - this.#askedAt < PROVOKE_EVERY_MS) return;
    if (submitter.askNext() !== undefined) this.#askedAt = now;
  }

  /**
   * Every job is past that phase. What comes after the submit comes again for as long as a job is
   * unfinished.
   */
  #isOver(phase: Phase, submitter: Submitter): boolean {
    if (phase === 'downloading' || phase === 'delivering' || submitter.heldCount > 0) return false;
    const { intent, posting } = this.#options.watch.standing();
    return intent.length + posting.length === 0;
  }

  /** More kills than jobs to come: none can be left to wait for the aim that is next. */
  get #isTight(): boolean {
    return this.#remaining.length >= this.#options.watch.unfinished;
  }
}
