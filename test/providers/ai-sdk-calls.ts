/**
 * What the tests of AI SDK models share: starting, asking, and a clock that stands still.
 *
 * Callers: ai-sdk.test.ts, ai-sdk-models.test.ts.
 */
import { systemClock, type Clock } from '../../src/clock.js';
import type {
  PollOutcome,
  ProviderAdapter,
  ProviderRequest,
  SubmitOutcome,
  TaskRef,
} from '../../src/providers/index.js';

export const request: ProviderRequest = { kind: 'video', prompt: 'a cat' };
const { signal } = new AbortController();
export const call = { key: 'job_1', credential: 'default', signal };

export function submit(adapter: ProviderAdapter, wanted = request): Promise<SubmitOutcome> {
  if (adapter.direct === undefined) throw new Error('it makes its own calls');
  return adapter.direct.submit(wanted, call);
}

export function poll(adapter: ProviderAdapter, ref: TaskRef): Promise<PollOutcome> {
  if (adapter.direct === undefined) throw new Error('it makes its own calls');
  return adapter.direct.poll(ref, { signal });
}

export async function accepted(adapter: ProviderAdapter, wanted = request): Promise<TaskRef> {
  const outcome = await submit(adapter, wanted);
  if (outcome.type !== 'accepted') throw new Error(`it was ${outcome.type}`);
  return outcome.ref;
}

export function typesOf(outcomes: readonly PollOutcome[]): readonly string[] {
  return outcomes.map(({ type }) => type);
}

export function handClock(): { readonly clock: Clock; readonly advance: (ms: number) => void } {
  let now = 0;
  const clock: Clock = { ...systemClock, monotonicMs: () => now };
  return { clock, advance: (ms) => (now += ms) };
}
