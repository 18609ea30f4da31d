/**
 * A whole runtime in a directory of its own, with the simulator as its providers and a list as its chat.
 *
 * Callers: the tests of this folder. Invariant: everything that was opened is closed when its test ends.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import type { ChannelSend, Message } from '../../src/channels/index.js';
import { sha256Hex } from '../../src/ids.js';
import { openRuntime, silentLogger } from '../../src/index.js';
import type { JobHandle, JobView, Runtime, RuntimeOptions, SubmitRequest } from '../../src/index.js';
import { kling, openai, type ProviderAdapter } from '../../src/providers/index.js';
import { startSimulator } from '../../src/simulator/index.js';
import type { LedgerEntry, Simulator, SimulatorScript } from '../../src/simulator/index.js';
import { createMovableClock, type MovableClock } from './movable-clock.js';

export const AT_ONCE = { queued: { polls: 0 }, running: { polls: 0 } } as const;
export const NEVER = { queued: { polls: 0 }, running: { ms: 2_000_000_000 } } as const;
const LOOKS_MAX = 10_000;
const LOOK_AFTER_MS = 50;

export interface Sent extends Message {
  readonly deliveryId: string;
  readonly attempt: number;
}

export interface House {
  readonly directory: string;
  readonly clock: MovableClock;
  readonly simulator: Simulator;
  /** What came in through the channel `chat`, in order. */
  readonly sent: Sent[];
  readonly adapters: { readonly openai: ProviderAdapter; readonly kling: ProviderAdapter };
  /** Opens the directory; what is given replaces the house's own. */
  readonly open: (options?: Partial<RuntimeOptions>) => Promise<Runtime>;
}

export async function buildHouse(script: SimulatorScript = { life: AT_ONCE }): Promise<House> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-runtime-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const clock = createMovableClock();
  const simulator = await startSimulator({ script, clock });
  onTestFinished(() => simulator.close());
  const sent: Sent[] = [];
  const chat: ChannelSend = (message, { deliveryId, attempt }) => {
    sent.push({ ...message, deliveryId, attempt });
    return Promise.resolve({ ok: true });
  };
  const account = { apiKey: 'sk-test', clock };
  const adapters = {
    openai: openai({ ...account, baseUrl: `${simulator.url}/openai/v1` }),
    kling: kling({ ...account, baseUrl: `${simulator.url}/kling` }),
  };
  const open = async (options: Partial<RuntimeOptions> = {}): Promise<Runtime> => {
    const { jobs, ...rest } = options;
    const runtime = await openRuntime({
      directory,
      providers: [adapters.openai, adapters.kling],
      channels: { chat },
      jobs: { reconcileAfterMs: 0, poll: { everyMs: 1_000, slowMs: 1_000 }, ...jobs },
      control: false,
      durability: 'process',
      log: silentLogger,
      clock,
      ...rest,
    });
    onTestFinished(() => runtime.close({ timeoutMs: 0 }));
    return runtime;
  };
  return { directory, clock, simulator, sent, adapters, open };
}

/** A video for one chat, and what is given on top. */
export function video(more: Partial<SubmitRequest> = {}): SubmitRequest {
  return {
    provider: 'openai',
    prompt: 'a cat on a bicycle',
    sessionKey: 'chat:1',
    delivery: { channel: 'chat', target: '1' },
    ...more,
  };
}

/** Resolves with the first view that satisfies `is`: the present one, or one after a later step. */
export async function seen(
  runtime: Runtime,
  job: JobHandle,
  is: (view: JobView) => boolean,
): Promise<JobView> {
  for (let looks = 0; looks < LOOKS_MAX; looks += 1) {
    const stepped = nextStep(runtime);
    const view = await job.view();
    if (is(view)) return view;
    await stepped;
  }
  throw new Error(`job ${job.id} took too many steps`);
}

export function seenAs(runtime: Runtime, job: JobHandle, status: JobView['status']): Promise<JobView> {
  return seen(runtime, job, (view) => view.status === status);
}

export function delivered(runtime: Runtime, job: JobHandle): Promise<JobView> {
  return seen(runtime, job, (view) => view.deliveryStatus === 'delivered');
}

/**
 * Resolves once `holds` does: now, after a later step, or a little later without one, for a file goes and a
 * request arrives after the last step that there is.
 */
export async function until(runtime: Runtime, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let looks = 0; looks < LOOKS_MAX; looks += 1) {
    const stepped = nextStep(runtime);
    if (await holds()) return;
    await Promise.race([stepped, setTimeout(LOOK_AFTER_MS)]);
  }
  throw new Error('too many steps');
}

export function nextStep(runtime: Runtime): Promise<void> {
  return new Promise((resolve) => {
    const stop = runtime.on('step', () => {
      stop();
      resolve();
    });
  });
}

/** Entries of the provider's ledger with this event, of this prompt where one is given. */
export function entries(house: House, event: LedgerEntry['event'], prompt?: string): readonly LedgerEntry[] {
  const hash = prompt === undefined ? undefined : sha256Hex(prompt);
  return house.simulator
    .ledger()
    .filter((one) => one.event === event && (hash === undefined || one.promptSha256 === hash));
}

export function entry(
  house: House,
  event: LedgerEntry['event'],
  signal = AbortSignal.timeout(50_000),
): Promise<LedgerEntry> {
  return house.simulator.waitForEntry((one) => one.event === event, signal);
}
