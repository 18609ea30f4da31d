/**
 * What a list is narrowed to, as the page's address says it, and as the API is asked for it.
 *
 * Pure. Callers: the list's files. Invariant: what the address says wrongly counts for nothing, as if it were
 * not there.
 */
import type { ActorLine, ListInspected } from '../../../actors/inspection/face.js';
import type { Query } from '../route.js';

export const statuses = ['active', 'done', 'error', 'stopped', 'quarantined', 'unreadable'] as const;

export const ages: readonly (readonly [ms: string, words: string])[] = [
  ['60000', 'a minute'],
  ['600000', 'ten minutes'],
  ['3600000', 'an hour'],
  ['86400000', 'a day'],
  ['604800000', 'a week'],
];

/** The words of the address that narrow a list. */
export const filterNames = ['kind', 'state', 'status', 'session', 'provider', 'text', 'olderMs'] as const;
export type FilterName = (typeof filterNames)[number];

const TEXT_CHARS_MAX = 200;

export function filterOf(query: Query): ListInspected {
  const { kind, state, session, provider, text, olderMs = '', cursor } = query;
  return {
    kind,
    state,
    session,
    provider,
    cursor,
    status: statuses.find((status) => status === query['status']),
    text: text?.slice(0, TEXT_CHARS_MAX),
    olderMs: /^\d{1,13}$/.test(olderMs) ? Number(olderMs) : undefined,
  };
}

/** The address after one filter is set or, with `''`, taken away: from the first page on. */
export function withFilter(query: Query, name: FilterName, value: string): Query {
  const { cursor: _cursor, focus: _focus, ...rest } = query;
  // States belong to a kind.
  const { state: _state, ...ofAnyKind } = rest;
  const kept = name === 'kind' ? ofAnyKind : rest;
  return { ...kept, [name]: value };
}

export function isNarrowed(query: Query): boolean {
  return filterNames.some((name) => (query[name] ?? '') !== '');
}

/** A line after a step of its actor; when a state began is known where the step changed it. */
export function lineAfter(
  line: ActorLine,
  step: {
    readonly seq: number;
    readonly at: number;
    readonly value: ActorLine['value'] | null;
    readonly status: string;
  },
): ActorLine {
  if (line.seq !== undefined && step.seq <= line.seq) return line;
  const { fault: _fault, ...rest } = line;
  const isMoved = JSON.stringify(line.value ?? null) !== JSON.stringify(step.value ?? null);
  return {
    ...rest,
    seq: step.seq,
    at: step.at,
    status: statuses.find((status) => status === step.status) ?? line.status,
    ...(step.value !== null && step.value !== undefined && { value: step.value }),
    ...(isMoved && { since: step.at }),
  };
}
