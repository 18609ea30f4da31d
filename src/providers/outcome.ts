/**
 * From what the transport saw to what a job does: the part of the mapping that no adapter decides.
 *
 * Callers: calls.ts. Invariants:
 *  X1  A submit is `rejected` without a reply only when nothing was sent.
 *  X2  An adapter that throws while it reads a reply to a submit makes it `ambiguous`: the task may exist.
 */
import { isHoldfastError } from '../errors.js';
import { checkId } from '../ids.js';
import { providerError } from './classify.js';
import { redactError, redactText, shortWord } from './redact.js';
import type {
  HttpResponse,
  PollOutcome,
  PollReading,
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
        if (outcome.type !== 'accepted') return withoutSecrets(result.secrets, outcome);
        if (!isUsable(outcome.ref)) return { type: 'billed', error: unusableId(adapter) };
        const { settled } = outcome;
        return settled === undefined ? outcome : { ...outcome, settled: shown(result.secrets, settled) };
      } catch (cause) {
        return { type: 'ambiguous', error: unreadable(adapter, cause) };
      }
    }
  }
}

/** What a poll says; `more` for the first of two replies. */
export function pollOutcome(
  adapter: ProviderAdapter,
  result: TransportResult,
  ref: TaskRef,
): PollReading | BlockedOutcome {
  return readPoll(adapter, result, ref, (response) => adapter.parsePoll(response, ref));
}

/** What the reply to the request of a `more` says. */
export function moreOutcome(
  adapter: ProviderAdapter,
  result: TransportResult,
  ref: TaskRef,
): PollReading | BlockedOutcome {
  return readPoll(adapter, result, ref, (response) => {
    if (adapter.parseMore === undefined) throw new TypeError('it asks for more and cannot read it');
    return adapter.parseMore(response, ref);
  });
}

function readPoll(
  adapter: ProviderAdapter,
  result: TransportResult,
  ref: TaskRef,
  parse: (response: HttpResponse) => PollReading,
): PollReading | BlockedOutcome {
  switch (result.type) {
    case 'noCredential':
      return blocked(adapter, ref.credential);
    case 'notSent':
    case 'unknown':
      return { type: 'transient', error: result.error };
    case 'response': {
      try {
        const reading = parse(result.response);
        return reading.type === 'more' ? reading : shown(result.secrets, reading);
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

export function unreadable(adapter: ProviderAdapter, cause: unknown): ProviderError {
  const message = `the ${adapter.id} adapter could not read the reply: ${redactError(cause)}`;
  return providerError('unusable', { code: 'adapterThrew', message });
}

/** A task id is asked for in URLs and found by in an index: what cannot be either is of no use (P4). */
export function isUsable({ taskId }: TaskRef): boolean {
  try {
    checkId(taskId);
    return true;
  } catch (error) {
    if (isHoldfastError(error, 'INVALID_ID')) return false;
    throw error;
  }
}

export function unusableId(adapter: ProviderAdapter): ProviderError {
  const message = `${adapter.id} accepted it under a task id that cannot be used`;
  return providerError('unusable', { code: 'taskId', message });
}

/** What a poll says, fit to be kept: whatever words of the provider are in it. */
export function shown(secrets: readonly string[], outcome: PollOutcome): PollOutcome {
  if (outcome.type === 'done') return outcome;
  if (outcome.type !== 'pending') return withoutSecrets(secrets, outcome);
  const { unknownStatus: word } = outcome;
  return word === undefined ? outcome : { ...outcome, unknownStatus: shortWord(word) };
}

/** Providers like to echo the key they refuse. */
export function withoutSecrets<Outcome extends { readonly error: ProviderError }>(
  secrets: readonly string[],
  outcome: Outcome,
): Outcome {
  const message = redactText(outcome.error.message, secrets);
  const code = shortWord(outcome.error.code, secrets);
  return { ...outcome, error: { ...outcome.error, code, message } };
}
