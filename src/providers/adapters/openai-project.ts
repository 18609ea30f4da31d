/**
 * What the two adapters of OpenAI share of a project there: its keys and its webhooks.
 *
 * Callers: `openai.ts`, `openai-responses.ts`. Invariant: an event is thin: it names a task and its news, and
 * a poll finds out the rest.
 */
import { bearer, keyOf, webhookSecretsOf, type AdapterOptions, type WebhookSecret } from '../account.js';
import type { Credential, TaskRef, Webhook } from '../port.js';
import { asText, at } from '../wire.js';
import type { OptionRules } from '../option-rules.js';

/**
 * The key is `OPENAI_API_KEY`, the base URL `OPENAI_BASE_URL`, the signing secret of the project's webhooks
 * `OPENAI_WEBHOOK_SECRET`.
 */
export interface OpenAiProjectOptions extends AdapterOptions {
  /** Default `bearer`; Azure wants `api-key`. */
  readonly authHeader?: 'bearer' | 'api-key';
  /** `whsec_...`; several while one is replaced. Without one, what arrives is a hint to poll. */
  readonly webhookSecret?: WebhookSecret;
}

export const projectRules = {
  authHeader: ['bearer', 'api-key'],
  webhookSecret: 'secrets',
} as const satisfies OptionRules<OpenAiProjectOptions>;

export function projectCredential(options: OpenAiProjectOptions, alias: string): Credential | undefined {
  const key = keyOf(options, alias, ['OPENAI_API_KEY']);
  const isBare = key !== undefined && options.authHeader === 'api-key';
  return isBare ? { headers: { 'api-key': key } } : bearer(key);
}

/** The project's webhook, for events of these types. */
export function projectWebhook(
  options: OpenAiProjectOptions,
  types: readonly string[],
  refOf: (taskId: string, credential: string) => TaskRef,
): Webhook {
  return {
    schemes: [
      {
        type: 'standard',
        secrets: (alias) => webhookSecretsOf(options.webhookSecret, options, alias, 'OPENAI_WEBHOOK_SECRET'),
      },
    ],
    parse: (body, { credential }) => {
      const taskId = asText(at(body, 'data', 'id'));
      const type = asText(body.type);
      if (taskId === undefined || type === undefined || !types.includes(type)) return undefined;
      return { ref: refOf(taskId, credential) };
    },
  };
}
