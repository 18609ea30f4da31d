/**
 * From what the transport saw to what a job does: the part of the mapping that no adapter decides.
 *
 * Callers: `actors/jobs.ts`. Invariants:
 *  X1  A submit is `rejected` without a reply only when nothing was sent.
 *  X2  An adapter that throws while it reads a reply to a submit makes it `ambiguous`: the task may exist.
 */
import { providerError } from './classify.js';
import { redactError, redactText, secretsOf } from './redact.js';
import type {
  PollOutcome,
  ProviderAdapter,
  ProviderError,
  ProviderRequest,
  SubmitOutcome,
  TaskRef,
} from './port.js';
import type { TransportResult } from './transport.js';

/** The account has no credential (yet): the job waits for one, and nothing was sent. */
export interface BlockedOutcome {
  readonly type: 'blocked';
  readonly error: ProviderError;
}

export function submitOutcome(
  adapter: ProviderAdapter,
  result: TransportResult,
  request: ProviderRequest,
  credentialAlias: string,
): SubmitOutcome | BlockedOutcome {
  switch (result.type) {
    case 'noCredential':
      return blocked(adapter, credentialAlias);
    case 'notSent':
      return { type: 'rejected', error: result.error };
    case 'unknown':
      return { type: 'ambiguous', error: result.error };
    case 'response': {
      try {
        const outcome = adapter.parseSubmit(result.response, request, credentialAlias);
        return outcome.type === 'accepted' ? outcome : withoutSecrets(adapter, credentialAlias, outcome);
      } catch (cause) {
        return { type: 'ambiguous', error: unreadable(adapter, cause) };
      }
    }
  }
}

export function pollOutcome(
  adapter: ProviderAdapter,
  result: TransportResult,
  ref: TaskRef,
): PollOutcome | BlockedOutcome {
  switch (result.type) {
    case 'noCredential':
      return blocked(adapter, ref.credential);
    case 'notSent':
    case 'unknown':
      return { type: 'transient', error: result.error };
    case 'response': {
      try {
        const outcome = adapter.parsePoll(result.response, ref);
        if (outcome.type === 'pending' || outcome.type === 'done') return outcome;
        return withoutSecrets(adapter, ref.credential, outcome);
      } catch (cause) {
        return { type: 'transient', error: unreadable(adapter, cause) };
      }
    }
  }
}

function blocked(adapter: ProviderAdapter, alias: string): BlockedOutcome {
  const message = `no credential for account "${alias}" of ${adapter.id}`;
  return { type: 'blocked', error: providerError('auth', { code: 'noCredential', message }) };
}

function unreadable(adapter: ProviderAdapter, cause: unknown): ProviderError {
  const message = `the ${adapter.id} adapter could not read the reply: ${redactError(cause)}`;
  return providerError('unusable', { code: 'adapterThrew', message });
}

/** Providers like to echo the key they refuse. */
function withoutSecrets<Outcome extends { readonly error: ProviderError }>(
  adapter: ProviderAdapter,
  alias: string,
  outcome: Outcome,
): Outcome {
  const message = redactText(outcome.error.message, secretsOf(adapter.credential(alias)));
  return { ...outcome, error: { ...outcome.error, message } };
}
