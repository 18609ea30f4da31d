/**
 * What the two dialects of OpenAI say alike: refusals, how a key is shown, and the thin events of a project.
 *
 * Callers: `openai.ts`, `openai-responses.ts`. Invariant: pure.
 */
import type { JsonObject } from '../../json.js';
import { bearer, judged } from '../access.js';
import { jsonReply } from '../dialect.js';
import type { Callback, Dialect, Outcome, Reply } from '../dialect.js';
import type { Sight } from '../tasks.js';

type Manners = Pick<Dialect, 'access' | 'unauthorized' | 'noRoute' | 'malformed' | 'rateLimited' | 'failing'>;

/** The key is a Bearer token, or what Azure calls `api-key`. */
export const openaiManners: Manners = {
  access: (header, lock) =>
    header('api-key') === undefined ? bearer(header, lock) : judged(header('api-key'), lock),
  unauthorized: (why) =>
    why === 'missing'
      ? refusal(401, "You didn't provide an API key", { code: null })
      : refusal(401, 'Incorrect API key provided', { code: 'invalid_api_key' }),
  noRoute: (path) => refusal(404, `Invalid URL (${path})`, {}),
  malformed: (message) => refusal(400, message, {}),
  rateLimited: (code = 'rate_limit_exceeded') =>
    refusal(429, 'Too many requests', {
      type: code === 'insufficient_quota' ? 'insufficient_quota' : 'requests',
      code,
    }),
  failing: (status) =>
    refusal(status, 'The request could not be served', {
      type: status >= 500 ? 'server_error' : 'invalid_request_error',
    }),
};

export function refused(status: number, message: string, more: JsonObject): Outcome {
  return { reply: refusal(status, message, more) };
}

function refusal(status: number, message: string, more: JsonObject): Reply {
  return jsonReply(status, {
    error: { message, type: 'invalid_request_error', param: null, code: null, ...more },
  });
}

/** Events go to the project's endpoint alone; `words` names the stages that have one. */
export function projectEvents(
  words: Readonly<Partial<Record<Sight['status'], string>>>,
  idOf: (taskId: string) => string,
): Callback {
  return {
    signing: 'standard',
    at: ['succeeded', 'failed', 'cancelled'].filter((stage): stage is Sight['status'] => stage in words),
    body: (task, { status, since }) => ({
      id: `evt_${task.id}_${status}`,
      object: 'event',
      type: words[status] ?? `unknown.${status}`,
      created_at: unixSeconds(since),
      data: { id: idOf(task.id) },
    }),
  };
}

export function unixSeconds(epochMs: number): number {
  return Math.floor(epochMs / 1_000);
}
