/**
 * An adapter for Brush, a painting service that does not exist (studio.ts plays it): an image for a prompt.
 *
 *   POST /paintings {subject, client_ref} → {id}          401, 402, 422, 429: {reason}
 *   GET  /paintings/{id} → {id, state: wet | drying | dry | torn, url?, reason?}
 *   GET  /paintings?client_ref=... → {paintings: [...]}
 */
import {
  acceptedSubmit,
  asList,
  asObject,
  asText,
  asUrl,
  at,
  bearer,
  failedPoll,
  homeOf,
  isSuccess,
  keyOf,
  providerError,
  readObject,
  refusedSubmit,
  refuseShared,
  soundsUnsafe,
  unusable,
  unusablePoll,
} from 'holdfast/providers';
import type { AdapterOptions, HttpResponse, PollOutcome, ProviderAdapter, TaskRef } from 'holdfast/providers';

/** The key is `BRUSH_API_KEY`. */
export function brush(options: AdapterOptions = {}): ProviderAdapter {
  const { clock, ...home } = homeOf('brush', options, 'https://api.brush.example/v1');
  const refOf = (taskId: string, credential: string): TaskRef => {
    return { taskId, credential, endpoint: 'paintings', generation: 'v1' };
  };
  return {
    id: 'brush',
    aliases: [],
    ...home,
    capabilities: { kinds: ['image'], webhook: 'none', cancel: 'none', pollMinMs: 1_000 },
    credential: (alias) => bearer(keyOf(options, alias, ['BRUSH_API_KEY'])),
    refuse: (request) => refuseShared(request, ['image']),

    // What goes out. The job's key goes with it: a submit whose answer is lost is found again by it.
    buildSubmit: ({ prompt, extra }, { key }) => {
      return { method: 'POST', path: '/paintings', json: { ...extra, subject: prompt, client_ref: key } };
    },
    parseSubmit: (response, _request, credential) => {
      if (!isSuccess(response)) return refusedSubmit(response, wordsOf(response), clock.now());
      const taskId = asText(readObject(response.text)?.['id']);
      // Accepted and paid for, and nobody knows under which name: never asked for again.
      if (taskId === undefined)
        return { type: 'billed', error: unusable(response, 'a painting without an id') };
      return acceptedSubmit(refOf(taskId, credential), outcomeOf(response));
    },

    // What comes back. A status that is no success never ends a painting: it is paid for.
    buildPoll: ({ taskId }) => ({ method: 'GET', path: `/paintings/${encodeURIComponent(taskId)}` }),
    parsePoll: (response) =>
      isSuccess(response) ? outcomeOf(response) : failedPoll(response, wordsOf(response), clock.now()),

    reconcile: {
      by: 'key',
      buildLookup: (_request, { key }) => {
        return { method: 'GET', path: `/paintings?client_ref=${encodeURIComponent(key)}` };
      },
      parseLookup: (response, _request, credential, key) => {
        if (!isSuccess(response)) return failedPoll(response, wordsOf(response), clock.now());
        const { paintings } = readObject(response.text) ?? {};
        if (!Array.isArray(paintings)) {
          return unusablePoll(response, 'a lookup without paintings');
        }
        // A service that ignores the filter must not give this job another one's painting.
        const ours = asList(paintings).find((painting) => at(painting, 'client_ref') === key);
        const taskId = asText(at(ours, 'id'));
        return taskId === undefined ? { type: 'absent' } : { type: 'found', ref: refOf(taskId, credential) };
      },
    },
  };
}

/** What Brush says of a refusal; the HTTP status says which kind it is. */
function wordsOf({ status, text }: HttpResponse) {
  const message = asText(readObject(text)?.['reason']);
  return { message, class: status === 422 && soundsUnsafe(message) ? ('safety' as const) : undefined };
}

function outcomeOf(response: HttpResponse): PollOutcome {
  const painting = asObject(readObject(response.text));
  const state = asText(painting?.['state']);
  switch (state) {
    case undefined:
      return unusablePoll(response, 'a painting without a state');
    case 'wet':
    case 'drying':
      return { type: 'pending' };
    case 'dry': {
      const url = asUrl(painting?.['url']);
      if (url !== undefined) return { type: 'done', artifacts: [{ url, authenticated: false }] };
      return unusablePoll(response, 'a painting that is dry and nowhere');
    }
    case 'torn':
      return {
        type: 'failed',
        error: providerError('failed', { message: asText(painting?.['reason']) ?? 'it tore' }),
      };
    default:
      // A word that Brush adds next year is no reason to give up what was paid for.
      return { type: 'pending', unknownStatus: state };
  }
}
