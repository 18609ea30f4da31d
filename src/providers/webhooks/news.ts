/**
 * What the body of a hook says, as its adapter reads it.
 *
 * Pure. Callers: the hooks of jobs. Invariants:
 *  1  An adapter that throws has read nothing.
 *  2  What comes out may be kept, but for the URLs of artifacts: it holds no secret, and ids that can be
 *     ids.
 */
import { shown, isUsable } from '../outcome.js';
import type { ProviderAdapter, ProviderRequest, WebhookBody, WebhookNews } from '../port.js';

/** The news; undefined when the body says nothing of a task. */
export function newsIn(
  adapter: ProviderAdapter,
  body: WebhookBody,
  context: { readonly request?: ProviderRequest; readonly credential: string },
): WebhookNews | undefined {
  try {
    const news = adapter.webhook?.parse(body, context);
    if (news === undefined) return undefined;
    const { ref, outcome } = news;
    const own = ref === undefined ? undefined : { ...ref, credential: context.credential };
    return {
      ...(own === undefined || !isUsable(own) ? {} : { ref: own }),
      ...(outcome === undefined || outcome.type === 'transient' ? {} : { outcome: shown([], outcome) }),
    };
  } catch {
    return undefined;
  }
}

/** What to answer a challenge with; undefined when the body is none. */
export function challengeIn(adapter: ProviderAdapter, body: WebhookBody): string | undefined {
  try {
    const answer: unknown = adapter.webhook?.challenge?.(body);
    return typeof answer === 'string' ? answer : undefined;
  } catch {
    return undefined;
  }
}
