/**
 * One submit, one poll, one check, from the adapter's request to its outcome, whichever way the adapter goes.
 *
 * Callers: the effects of jobs. Invariants: those of the transport and of outcome.ts; and
 *  L1  A submit is one call that may be billed, a poll two calls at most (the second where a `more` asks).
 *  L2  Nothing is thrown for what the world, or an adapter that reads it, does.
 */
import { isUsable, moreOutcome, pollOutcome, submitOutcome, unreadable, unusableId } from './outcome.js';
import { shown, withoutSecrets, type BlockedOutcome } from './outcome.js';
import { providerError } from './classify.js';
import type {
  PollOutcome,
  ProviderAdapter,
  ProviderError,
  ProviderRequest,
  SubmitContext,
  SubmitOutcome,
  TaskRef,
} from './port.js';
import type { Transport } from './transport.js';

/** What is asked for, as whom, and what it carries of ours. */
export interface SubmitCall {
  readonly request: ProviderRequest;
  readonly context: SubmitContext;
  readonly credential: string;
  readonly signal: AbortSignal;
}

export async function submitTask(
  transport: Transport,
  adapter: ProviderAdapter,
  { request, context, credential, signal }: SubmitCall,
): Promise<SubmitOutcome | BlockedOutcome> {
  if (adapter.direct === undefined) {
    const http = adapter.buildSubmit(request, context);
    const result = await transport.send(adapter, credential, http, { signal });
    return submitOutcome(adapter, result, request, credential);
  }
  try {
    const outcome = await adapter.direct.submit(request, { ...context, credential, signal });
    if (outcome.type !== 'accepted') return withoutSecrets([], outcome);
    return isUsable(outcome.ref) ? outcome : { type: 'billed', error: unusableId(adapter) };
  } catch (cause) {
    return { type: 'ambiguous', error: unreadable(adapter, cause) };
  }
}

export async function pollTask(
  transport: Transport,
  adapter: ProviderAdapter,
  ref: TaskRef,
  signal: AbortSignal,
): Promise<PollOutcome | BlockedOutcome> {
  if (adapter.direct === undefined) return asked(transport, adapter, ref, signal);
  try {
    return shown([], await adapter.direct.poll(ref, { signal }));
  } catch (cause) {
    return { type: 'transient', error: unreadable(adapter, cause) };
  }
}

/** An authenticated call that changes nothing: what it showed. */
export type AccountCheck =
  | { readonly type: 'ok' }
  /** No key is there. */
  | { readonly type: 'noKey' }
  /** The provider has no call that would show it. */
  | { readonly type: 'unsupported' }
  /** The provider says no, or cannot be reached. */
  | { readonly type: 'failed'; readonly error: ProviderError };

/** Asks a provider whether it knows an account. Never rejects for what the world does. */
export async function checkAccount(
  transport: Transport,
  adapter: ProviderAdapter,
  credential: string,
  signal: AbortSignal,
): Promise<AccountCheck> {
  if (adapter.check === undefined) return { type: 'unsupported' };
  const result = await transport.send(adapter, credential, adapter.check.build(), { signal });
  if (result.type === 'noCredential') return { type: 'noKey' };
  if (result.type !== 'response') return failed(result.error);
  try {
    const error = adapter.check.parse(result.response);
    return error === undefined ? { type: 'ok' } : withoutSecrets(result.secrets, failed(error));
  } catch (cause) {
    return failed(unreadable(adapter, cause));
  }
}

function failed(error: ProviderError): Extract<AccountCheck, { type: 'failed' }> {
  return { type: 'failed', error };
}

async function asked(
  transport: Transport,
  adapter: ProviderAdapter,
  ref: TaskRef,
  signal: AbortSignal,
): Promise<PollOutcome | BlockedOutcome> {
  const { credential } = ref;
  const result = await transport.send(adapter, credential, adapter.buildPoll(ref), { signal });
  const first = pollOutcome(adapter, result, ref);
  if (first.type !== 'more') return first;
  const reply = await transport.send(adapter, credential, first.request, { signal });
  const second = moreOutcome(adapter, reply, ref);
  if (second.type !== 'more') return second;
  const message = 'it asks for more than one further reply';
  return { type: 'transient', error: providerError('unusable', { code: 'more', message }) };
}
