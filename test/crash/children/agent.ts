/**
 * The process that is killed: a runtime embedded in a program, its providers at the simulator, its one
 * channel at the receiver.
 *
 * Callers: ../child.ts. It reads its plan from standard input once it is loaded (so that a test can have one
 * waiting), and every line it prints is a fact that has happened: `loaded`, `open`, `acknowledged <key>
 * <id>`, `killing <commit>`, `quiet`. Owns the injection of kills, which lives here and never in src.
 */
import { once } from 'node:events';
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Clock } from '../../../src/clock.js';
import { webhookChannel } from '../../../src/channels/index.js';
import { openRuntime, silentLogger, type Runtime } from '../../../src/index.js';
import type { JobContext } from '../../../src/machines/index.js';
import { kling, openai, type ProviderAdapter } from '../../../src/providers/index.js';
import { faultyStore, type CommitPhase } from '../../../src/testing/index.js';
import type { Entry } from '../../providers/every.js';
import { createFastClock } from '../fast-clock.js';
import { readPlan, type Plan } from '../plan.js';
import { CHANNEL_SECRET } from '../receiver.js';
import { untilKilled } from './until-killed.js';

const LOOKS_MAX = 100_000;

function say(fact: string): void {
  writeSync(1, `${fact}\n`);
}

/** Counts commits from the moment it is armed, and dies at the one that was named. */
class Killer {
  readonly #kill: Plan['kill'];
  #armed: boolean;
  #commits = 0;

  constructor(kill: Plan['kill']) {
    this.#kill = kill;
    this.#armed = kill?.from === 'open';
  }

  arm(): void {
    this.#armed = true;
  }

  async reach(phase: CommitPhase): Promise<void> {
    if (!this.#armed || this.#kill === undefined) return;
    if (phase === 'before') this.#commits += 1;
    if (this.#commits !== this.#kill.commit || phase !== this.#kill.phase) return;
    say(`killing ${this.#commits}`);
    process.kill(process.pid, 'SIGKILL');
    await once(process, 'a death that has no event');
  }
}

/**
 * Over: has its outcome, nothing to call off, and every message of it has ended; or waits for an operator.
 */
async function isOver(runtime: Runtime, id: string): Promise<boolean> {
  const actor = await runtime.inspect.snapshot(`job/${id}`);
  if (actor === undefined) return true;
  const { snapshot } = actor;
  if (snapshot.value === 'submitUnknown') return true;
  const { deliveries } = snapshot.context as JobContext;
  const settled = snapshot.matches({ settled: { withdrawal: 'over' } });
  return settled && deliveries.every(({ status }) => status !== 'queued');
}

/** Resolves when every job of the directory is over; looks again after each step. */
async function quiet(runtime: Runtime): Promise<void> {
  const open = new Set<string>();
  let cursor: string | undefined;
  do {
    const page = await runtime.jobs.list({ cursor, limit: 1_000 });
    for (const { id } of page.items) open.add(id);
    cursor = page.cursor;
  } while (cursor !== undefined);
  for (let looks = 0; looks < LOOKS_MAX; looks += 1) {
    const stepped = new Promise<void>((resolve) => {
      const stop = runtime.on('step', () => {
        stop();
        resolve();
      });
    });
    for (const id of open) if (await isOver(runtime, id)) open.delete(id);
    if (open.size === 0) return;
    await stepped;
  }
  throw new Error('too many looks');
}

interface Providers {
  readonly providers: readonly ProviderAdapter[];
  /** What a request to the one that was named cannot do without. */
  readonly request: Entry['request'];
}

async function providersOf({ simulatorUrl: url, entry }: Plan, clock: Clock): Promise<Providers> {
  const account = { apiKey: 'sk-test', clock };
  if (entry === undefined) {
    const list = openai({ ...account, baseUrl: `${url}/openai/v1`, onUnlisted: 'resubmit' });
    return { providers: [list, kling({ ...account, baseUrl: `${url}/kling` })], request: {} };
  }
  // Loaded when it is asked for: most children need two of them.
  const { every } = await import('../../providers/every.js');
  const named = every[entry];
  if (named === undefined) throw new Error(`there is no adapter "${entry}"`);
  return { providers: [named.adapter({ ...account, url, env: () => ({}) })], request: named.request };
}

async function run(plan: Plan): Promise<void> {
  const clock = createFastClock(plan.clock);
  const killer = new Killer(plan.kill);
  const { providers, request } = await providersOf(plan, clock);
  const runtime = await openRuntime({
    directory: plan.directory,
    providers,
    channels: {
      ledger: webhookChannel({
        url: plan.receiverUrl,
        signing: { secret: CHANNEL_SECRET },
        policy: { kind: 'fixed', delayMs: 1_000, attemptsMax: 60 },
        clock,
      }),
    },
    jobs: { reconcileAfterMs: 0, timeoutMs: 86_400_000, poll: { everyMs: 1_000, slowMs: 1_000 } },
    control: false,
    log: silentLogger,
    clock,
    wrapStore: (store) => faultyStore(store, { onCommit: (_number, phase) => killer.reach(phase) }),
  });
  say('open');
  if (plan.settleFirst) await quiet(runtime);
  killer.arm();
  for (const { key, provider, kind, fallback } of plan.jobs) {
    const job = await runtime.jobs.submit({
      ...request,
      provider,
      kind,
      prompt: key,
      idempotencyKey: key,
      sessionKey: `session ${key}`,
      ...(fallback === undefined ? {} : { fallback: [{ provider: fallback }] }),
      delivery: { channel: 'ledger', target: key },
    });
    say(`acknowledged ${key} ${job.id}`);
  }
  await quiet(runtime);
  say('quiet');
  if (plan.isKilled === true) await untilKilled();
  await runtime.close();
}

say('loaded');
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const first = await lines.next();
// Without a plan its parent is gone, or had no use for it.
if (first.done !== true) await run(readPlan(first.value));
process.stdin.destroy();
