/**
 * The driver: writes down what is wanted, starts the provider, the receiver and the agent, has the agent
 * killed, and judges the ledgers in the end.
 *
 * Owns: the children and the driver's ledger. Callers: command.ts. Invariants:
 *  1  The wanted list is on disk before the agent starts.
 *  2  However it ends, no child outlives it.
 *  3  It ends by itself: when everything is delivered, at its deadline, or when told.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { systemClock } from '../../clock.js';
import { sha256Hex } from '../../ids.js';
import { readLedger, renderArtifact } from '../../simulator/index.js';
import { AgentKeeper } from './agent-keeper.js';
import type { AgentSettings } from './agent-process.js';
import { Child } from './child.js';
import { driverEntry, readEntries, receiverEntry } from './facts.js';
import { pause } from './halt.js';
import { Killer } from './killer.js';
import { placesIn, type Places } from './places.js';
import { scriptOf, wantedOf, type Wanted } from './plan.js';
import type { ReceiverSettings } from './receiver-process.js';
import type { Screen } from './screen.js';
import type { DemoSettings } from './settings.js';
import type { SimulatorSettings } from './simulator-process.js';
import { Submitter } from './submitter.js';
import { tableOf } from './table.js';
import { counted, Timeline } from './timeline.js';
import { jsonLineOf, verdictOf, type Verdict } from './verdict.js';
import { Watch } from './watch.js';

const RUN_MS_MAX = 120_000;
const RUN_MS_PER_KILL = 3_000;
const RUN_MS_PER_JOB = 2_000;
const REAL_RUN_MS_MAX = 45 * 60_000;
const LOOK_EVERY_MS = 15;
const RECEIVER_LATENCY_MS = 90;

/**
 * Runs the demo to its end and prints its table and JSON line. Throws when a process could not do its part.
 */
export async function runDemo(settings: DemoSettings, screen: Screen, stop: AbortSignal): Promise<Verdict> {
  const places = placesIn(settings.directory);
  const wanted = wantedOf(settings);
  writeFileSync(places.wanted, `${JSON.stringify(wanted, undefined, 2)}\n`);
  greet(settings, screen);
  const timeline = new Timeline(wanted, (at) => watch.standing(at));
  const watch = new Watch(places, wanted, (seen) => {
    const line = timeline.lineOf(seen);
    if (line !== undefined) screen.line(line);
  });
  const run = new Run(settings, places, wanted, watch, stop);
  screen.begin(systemClock.now());
  try {
    await run.toEnd(() => screen.progress(progressOf(watch, wanted.length)));
  } finally {
    screen.progress('');
    await run.endAll();
    watch.close();
  }
  const verdict = judged(settings, places, wanted);
  screen.text('');
  if (verdict.kills < settings.kills) {
    screen.text(
      `${verdict.kills} of ${counted(settings.kills, 'kill')} fell: nothing was left to hit, or no time`,
    );
  }
  for (const line of tableOf(verdict, places)) screen.text(line);
  screen.json(jsonLineOf(verdict));
  return verdict;
}

function greet({ jobs, kills, seed, directory, endpoint }: DemoSettings, screen: Screen): void {
  const where =
    endpoint.type === 'simulator' ? 'a simulated provider' : (endpoint.baseUrl ?? 'the OpenAI API');
  screen.strong(`${counted(jobs, 'job')} at ${where}, ${counted(kills, 'SIGKILL')}, seed ${seed}`);
  screen.text(`everything is written to ${directory}`);
  screen.text('');
}

function progressOf(watch: Watch, jobs: number): string {
  const { driver, biller } = watch.ledgers();
  const bills = biller.filter(({ event }) => event === 'submit.billed').length;
  const kills = driver.filter(({ event }) => event === 'killed').length;
  return `  ${jobs - watch.unfinished} of ${jobs} delivered · ${bills} billed · ${kills} kills`;
}

/** Everything is read again from the files: what the driver remembers is no evidence. */
function judged({ seed, endpoint }: DemoSettings, places: Places, wanted: readonly Wanted[]): Verdict {
  const billIsOurs = endpoint.type === 'simulator';
  const sizes = scriptOf().artifacts ?? {};
  return verdictOf({
    wanted,
    seed,
    billIsOurs,
    driver: readEntries(places.driverLedger, driverEntry),
    biller: billIsOurs ? readLedger(places.simulatorLedger) : [],
    receiver: readEntries(places.receiverLedger, receiverEntry),
    hashOf: (path) => (existsSync(path) ? sha256Hex(readFileSync(path)) : undefined),
    renderedFor: ({ kind, prompt }) => {
      if (!billIsOurs) return undefined;
      const bytesMin = (kind === 'video' ? sizes.videoBytes : sizes.imageBytes) ?? 0;
      return sha256Hex(renderArtifact({ kind, prompt, seed, index: 0, bytesMin }).bytes);
    },
  });
}

/** One run's processes and loops. */
class Run {
  readonly #settings: DemoSettings;
  readonly #places: Places;
  readonly #wanted: readonly Wanted[];
  readonly #watch: Watch;
  readonly #halt = new AbortController();
  readonly #others: Child[] = [];
  #keeper: AgentKeeper | undefined;
  #failure: Error | undefined;

  constructor(
    settings: DemoSettings,
    places: Places,
    wanted: readonly Wanted[],
    watch: Watch,
    stop: AbortSignal,
  ) {
    this.#settings = settings;
    this.#places = places;
    this.#wanted = wanted;
    this.#watch = watch;
    const interrupt = (): void => this.#stop('interrupted');
    if (stop.aborted) interrupt();
    else stop.addEventListener('abort', interrupt, { once: true });
  }

  async toEnd(onLook: () => void): Promise<void> {
    const { seed, kills } = this.#settings;
    const watch = this.#watch;
    watch.note({ event: 'started', seed });
    const cancel = systemClock.schedule(this.#deadlineMs(), () => this.#stop('timeout'));
    try {
      const keeper = await this.#startAll();
      const { signal } = this.#halt;
      const killer = new Killer({ seed, kills, keeper, watch, signal });
      const reserve = (): number => killer.reserve;
      const submitter = new Submitter({ seed, wanted: this.#wanted, keeper, watch, signal, reserve });
      await Promise.all([
        this.#guarded(submitter.run()),
        this.#guarded(killer.run(submitter)),
        this.#guarded(this.#lookOn(onLook)),
      ]);
      if (this.#failure !== undefined) throw this.#failure;
      if (watch.isComplete && !signal.aborted) {
        await keeper.close();
        watch.note({ event: 'ended', reason: 'complete' });
      }
    } finally {
      cancel();
    }
  }

  /** Ends what is left, by its handles; waits until it is gone. */
  async endAll(): Promise<void> {
    this.#keeper?.killSilently();
    await Promise.all(this.#others.map((child) => child.close()));
    this.#watch.look();
  }

  #deadlineMs(): number {
    const { endpoint, kills, jobs } = this.#settings;
    if (endpoint.type !== 'simulator') return REAL_RUN_MS_MAX;
    return RUN_MS_MAX + RUN_MS_PER_KILL * kills + RUN_MS_PER_JOB * jobs;
  }

  async #startAll(): Promise<AgentKeeper> {
    const { seed } = this.#settings;
    const { agent, agentLog, receiverLedger, simulatorLedger } = this.#places;
    const receiving: ReceiverSettings = { ledgerFile: receiverLedger, latencyMs: RECEIVER_LATENCY_MS };
    const providing: SimulatorSettings = { ledgerFile: simulatorLedger, seed };
    const [receiverUrl, endpoint] = await Promise.all([
      this.#startOther('demo-receiver', receiving),
      this.#endpoint(providing),
    ]);
    const settings: AgentSettings = { directory: agent, logFile: agentLog, receiverUrl, endpoint };
    const keeper = new AgentKeeper(settings, this.#watch, (error) => this.#fail(error));
    this.#keeper = keeper;
    await keeper.start();
    return keeper;
  }

  async #endpoint(providing: SimulatorSettings): Promise<AgentSettings['endpoint']> {
    const { endpoint } = this.#settings;
    if (endpoint.type === 'simulator') {
      return { type: 'simulator', url: await this.#startOther('demo-provider', providing) };
    }
    return { type: 'openai', ...(endpoint.baseUrl === undefined ? {} : { baseUrl: endpoint.baseUrl }) };
  }

  async #startOther(command: string, settings: object): Promise<string> {
    const child = new Child(command, settings);
    this.#others.push(child);
    const report = await child.report();
    if (report.type !== 'ready') throw new Error(`${command} reported ${report.type}`);
    child.exited.then(
      () => {
        if (!this.#halt.signal.aborted && !this.#watch.isComplete) this.#fail(new Error(`${command} ended`));
      },
      () => undefined,
    );
    return report.url;
  }

  async #lookOn(onLook: () => void): Promise<void> {
    const { signal } = this.#halt;
    while (!signal.aborted && !this.#watch.isComplete) {
      this.#watch.look();
      onLook();
      await pause(LOOK_EVERY_MS, signal);
    }
  }

  /** One loop that fails stops the others. */
  async #guarded(loop: Promise<void>): Promise<void> {
    try {
      await loop;
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#halt.abort();
  }

  #stop(reason: 'timeout' | 'interrupted'): void {
    if (this.#halt.signal.aborted) return;
    this.#halt.abort();
    this.#watch.note({ event: 'ended', reason });
  }
}
