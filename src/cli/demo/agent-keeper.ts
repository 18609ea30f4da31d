/**
 * The agent's keeper: starts the agent process, kills it when told, and starts it again.
 *
 * Owns: the agent's process and the control connection to it. Callers: driver.ts, killer.ts, submitter.ts.
 * Invariants:
 *  1  There is at most one agent process, and `control` leads to it once it has recovered.
 *  2  The time of a kill is noted from right before the signal; an end that nobody asked for is an error.
 */
import { systemClock } from '../../clock.js';
import { connectControl, type ControlClient } from '../../control/index.js';
import type { AgentSettings } from './agent-process.js';
import { Child, exitText } from './child.js';
import type { Aim } from './plan.js';
import type { Watch } from './watch.js';

export class AgentKeeper {
  readonly #settings: AgentSettings;
  readonly #watch: Watch;
  readonly #onLost: (error: Error) => void;
  #child: Child | undefined;
  #control: ControlClient | undefined;
  #expectsExit = false;

  constructor(settings: AgentSettings, watch: Watch, onLost: (error: Error) => void) {
    this.#settings = settings;
    this.#watch = watch;
    this.#onLost = onLost;
  }

  /** Undefined while the agent is away. */
  get control(): ControlClient | undefined {
    return this.#control;
  }

  /** Resolves when the agent has recovered and takes calls. */
  async start(): Promise<void> {
    const startedAt = systemClock.monotonicMs();
    const child = new Child('demo-agent', this.#settings);
    const { pid } = child;
    this.#child = child;
    this.#expectsExit = false;
    this.#watch.note({ event: 'agent.started', pid });
    const ended = child.exited.then((exit) => {
      this.#watch.note({ event: 'agent.exited', pid, ...exit });
      this.#control = undefined;
      if (!this.#expectsExit) this.#onLost(new Error(`the agent ended by itself: ${exitText(exit)}`));
    });
    ended.catch((error: unknown) => this.#onLost(asError(error)));
    const report = await child.report();
    const inFlight = report.type === 'recovered' ? report.inFlight : 0;
    const afterMs = Math.round(systemClock.monotonicMs() - startedAt);
    this.#control = await connectControl(this.#settings.directory);
    if (this.#control === undefined) throw new Error('nobody answers at the agent’s control socket');
    this.#watch.note({ event: 'agent.ready', pid, inFlight, afterMs });
  }

  /** SIGKILL; resolves when the process is gone. */
  async kill(number: number, aim: Aim): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.hasExited) return;
    this.#expectsExit = true;
    const at = systemClock.now();
    child.kill();
    this.#watch.note({ event: 'killed', number, pid: child.pid, aim }, at);
    const control = this.#control;
    this.#control = undefined;
    await child.exited;
    await control?.close();
  }

  /** A graceful end: the runtime is closed first. */
  async close(): Promise<void> {
    this.#expectsExit = true;
    const control = this.#control;
    this.#control = undefined;
    await control?.close();
    await this.#child?.close();
  }

  /** The end of everything, for Ctrl-C and errors. */
  killSilently(): void {
    this.#expectsExit = true;
    this.#child?.kill();
  }
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
