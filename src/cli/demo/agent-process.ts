/**
 * The agent: a process with the runtime embedded, as a user would write it. It is the one that is killed.
 *
 * Callers: command.ts, as the hidden command `demo-agent`. Invariants:
 *  1  It learns of its jobs through the control socket alone, and keeps nothing in memory that it could not
 *     lose.
 *  2  It writes its log beside its ledgers, so that the timeline stays the driver's.
 */
import { appendFileSync } from 'node:fs';
import { z } from 'zod';
import { webhookChannel } from '../../channels/index.js';
import { createLogger } from '../../log.js';
import { kling, openai, type ProviderAdapter } from '../../providers/index.js';
import { openRuntime, type Runtime } from '../../index.js';
import { childSettings, serveDriver } from './child-door.js';

export const agentSettings = z.object({
  directory: z.string(),
  logFile: z.string(),
  receiverUrl: z.url(),
  endpoint: z.discriminatedUnion('type', [
    z.object({ type: z.literal('simulator'), url: z.url() }),
    z.object({ type: z.literal('openai'), baseUrl: z.string().optional() }),
  ]),
});
export type AgentSettings = z.output<typeof agentSettings>;

const UNSETTLED = ['blocked', 'submitting', 'submitUnknown', 'pending', 'polling', 'fetching'] as const;
const JOBS_MAX = 1_000;

export async function runAgent(text: string): Promise<void> {
  const settings = childSettings(agentSettings, text);
  const isReal = settings.endpoint.type === 'openai';
  const runtime = await openRuntime({
    directory: settings.directory,
    providers: providersOf(settings.endpoint),
    channels: {
      receiver: webhookChannel({
        url: settings.receiverUrl,
        policy: { kind: 'fixed', delayMs: 500, attemptsMax: 120 },
      }),
    },
    jobs: isReal
      ? { poll: { everyMs: 5_000 } }
      : { poll: { everyMs: 250, slowMs: 250 }, reconcileAfterMs: 0 },
    log: createLogger({ level: 'info', write: (line) => appendFileSync(settings.logFile, line) }),
  });
  const inFlight = await countInFlight(runtime);
  await serveDriver({ type: 'recovered', inFlight }, () => runtime.close());
}

function providersOf(endpoint: AgentSettings['endpoint']): readonly ProviderAdapter[] {
  if (endpoint.type === 'openai') {
    // At a real endpoint a submit in doubt waits for its owner: only he may pay again.
    return [
      openai({
        onUnlisted: 'hold',
        ...(endpoint.baseUrl === undefined ? {} : { baseUrl: endpoint.baseUrl }),
      }),
    ];
  }
  const apiKey = 'demo-key';
  return [
    openai({ baseUrl: `${endpoint.url}/openai/v1`, apiKey, onUnlisted: 'resubmit' }),
    kling({ baseUrl: `${endpoint.url}/kling`, apiKey }),
  ];
}

async function countInFlight(runtime: Runtime): Promise<number> {
  const ids = new Set<string>();
  for (const status of UNSETTLED) {
    const page = await runtime.jobs.list({ status, limit: JOBS_MAX });
    for (const job of page.items) ids.add(job.id);
  }
  const settled = await runtime.jobs.list({ status: 'done', limit: JOBS_MAX });
  for (const job of settled.items) if (job.needsDelivery) ids.add(job.id);
  return ids.size;
}
