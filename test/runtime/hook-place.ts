/**
 * A house whose provider sends webhooks: signed here as the real ones are, and handed to `runtime.fetch`.
 *
 * Callers: the tests of hooks. Invariant: what is sent goes through the public door alone.
 */
import { Webhook } from 'standardwebhooks';
import { Vault } from '../../src/actors/vault.js';
import type { Runtime, RuntimeOptions } from '../../src/index.js';
import type { PollOutcome, ProviderAdapter, WebhookScheme } from '../../src/providers/index.js';
import type { SimulatorScript } from '../../src/simulator/index.js';
import { buildHouse, type House } from './house.js';

const SECRET = 'a secret of thirty-two characters, or more';
export const KEY = `whsec_${Buffer.from('the key that signs').toString('base64')}`;
export const OLD_KEY = `whsec_${Buffer.from('the key that signed').toString('base64')}`;
export const FOREIGN_KEY = `whsec_${Buffer.from('somebody else has this').toString('base64')}`;

/** Polls come by hook alone, unless a test moves the clock. */
export const RARELY = { everyMs: 100_000_000, slowMs: 100_000_000 };

export interface News {
  readonly id?: string;
  readonly status?: 'done' | 'failed' | 'pending';
  readonly url?: string;
  readonly challenge?: string;
  readonly more?: unknown;
}

export interface Sending {
  readonly key?: string;
  /** Default: a new one each. */
  readonly webhookId?: string;
  /** How long ago it was signed. */
  readonly agoMs?: number;
  readonly unsigned?: boolean;
  readonly raw?: string;
}

export interface HookPlace {
  readonly house: House;
  /** The one with hooks. */
  readonly adapters: readonly [ProviderAdapter];
  readonly open: (options?: Partial<RuntimeOptions>) => Promise<Runtime>;
  /** Posts to the hook of a job; resolves with the status. */
  readonly tell: (runtime: Runtime, jobId: string, news: News, how?: Sending) => Promise<number>;
  /** Posts to the hook of the account. */
  readonly tellAccount: (runtime: Runtime, news: News, how?: Sending) => Promise<number>;
  readonly post: (runtime: Runtime, path: string, body: string, how?: Sending) => Promise<Response>;
  readonly token: (jobId: string) => Promise<string>;
}

export const signedBy = (...secrets: readonly string[]): readonly WebhookScheme[] => [
  { type: 'standard', secrets: () => secrets },
];

export async function hookPlace(
  script: SimulatorScript,
  schemes: readonly WebhookScheme[] = signedBy(KEY),
): Promise<HookPlace> {
  const house = await buildHouse(script);
  const adapter = withHooks(house.adapters.openai, schemes);
  const vault = new Vault(() => Promise.resolve(SECRET));
  let sent = 0;
  const post: HookPlace['post'] = async (runtime, path, body, how = {}) => {
    const { key = KEY, webhookId = `msg_${(sent += 1)}`, agoMs = 0, unsigned = false } = how;
    const at = new Date(house.clock.now() - agoMs);
    const signature = {
      'webhook-id': webhookId,
      'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
      'webhook-signature': new Webhook(key).sign(webhookId, at, body),
    };
    const headers = { 'content-type': 'application/json', ...(unsigned ? {} : signature) };
    return runtime.fetch(new Request(`https://agent.example${path}`, { method: 'POST', headers, body }));
  };
  const token = (jobId: string): Promise<string> => vault.token('openai', jobId);
  return {
    house,
    adapters: [adapter],
    token,
    post,
    open: (options = {}) =>
      house.open({
        providers: [adapter],
        secret: SECRET,
        webhooks: { publicUrl: 'https://agent.example' },
        ...options,
        jobs: { poll: RARELY, ...options.jobs },
      }),
    tell: async (runtime, jobId, news, how) => {
      const path = `/hooks/openai/${await token(jobId)}`;
      return (await post(runtime, path, how?.raw ?? JSON.stringify(news), how)).status;
    },
    tellAccount: async (runtime, news, how) =>
      (await post(runtime, '/hooks/openai', how?.raw ?? JSON.stringify(news), how)).status,
  };
}

function withHooks(adapter: ProviderAdapter, schemes: readonly WebhookScheme[]): ProviderAdapter {
  return {
    ...adapter,
    webhook: {
      schemes,
      challenge: ({ challenge }) => (typeof challenge === 'string' ? challenge : undefined),
      parse: (body, { credential }) => {
        const { id, status, url } = body as News;
        if (id === undefined && status === undefined) return undefined;
        const ref = { taskId: String(id), endpoint: 'videos', generation: 'videos-v1', credential };
        const outcome = outcomeOf(status, url);
        return { ...(id === undefined ? {} : { ref }), ...(outcome === undefined ? {} : { outcome }) };
      },
    },
  };
}

function outcomeOf(status: News['status'], url: string | undefined): PollOutcome | undefined {
  if (status === 'pending') return { type: 'pending', progress: 0.5 };
  if (status === 'done')
    return { type: 'done', artifacts: url === undefined ? [] : [{ url, authenticated: false }] };
  if (status !== 'failed') return undefined;
  const error = { class: 'failed', code: 'bad', message: 'it went wrong', retryable: false } as const;
  return { type: 'failed', error };
}

/** How many steps a job has taken. */
export async function stepsOf(runtime: Runtime, jobId: string): Promise<number> {
  return (await runtime.inspect.reader.record(`job/${jobId}`))?.seq ?? 0;
}
