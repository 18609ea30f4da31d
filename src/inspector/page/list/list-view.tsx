/**
 * `#/actors`: actors of any kind as lines, narrowed by filters, page by page.
 *
 * Callers: shell.tsx. Invariants: the address says all of it, so that a link shows the same; and those of
 * lines.ts.
 */
import type { VNode } from 'preact';
import { useRef } from 'preact/hooks';
import type { ActorLine } from '../../../actors/inspection/face.js';
import { useNow } from '../house.js';
import { Nothing, Trouble, Waiting } from '../notice.js';
import { hrefOf, type Query } from '../router.js';
import { StatusMark } from '../status-mark.js';
import { agoWords, durationWords, stateWords, timeWords } from '../words.js';
import { FilterBar } from './filter-bar.js';
import { filterOf, isNarrowed } from './filters.js';
import { useLines } from './lines.js';

export function ListView({ query }: { readonly query: Query }): VNode {
  const { focus: _focus, ...narrowing } = query;
  const {
    value: page,
    error,
    again,
    isAsking,
    changed,
    created,
  } = useLines(JSON.stringify(narrowing), filterOf(query));
  return (
    <>
      <div class="view-head">
        <h1>Actors</h1>
        <span class="soft" role="status">
          {isAsking
            ? 'Looking …'
            : page !== undefined && countOf(page.items.length, page.cursor !== undefined)}
        </span>
        {created > 0 && (
          <button type="button" onClick={again}>
            {created} new: show
          </button>
        )}
      </div>
      <FilterBar query={query} />
      {error !== undefined && <Trouble error={error} again={again} />}
      {page === undefined && error === undefined && <Waiting />}
      {page !== undefined && (
        <div class="sheet">
          {page.items.length === 0 ? (
            <Nothing>{emptyWords(query, page.cursor !== undefined)}</Nothing>
          ) : (
            <LineTable lines={page.items} changed={changed} />
          )}
        </div>
      )}
      <nav class="pager" aria-label="Pages">
        {query['cursor'] !== undefined && (
          <a class="button" href={hrefOf('actors', { ...narrowing, cursor: undefined })}>
            First page
          </a>
        )}
        {page?.cursor !== undefined && (
          <a class="button" rel="next" href={hrefOf('actors', { ...narrowing, cursor: page.cursor })}>
            Next page
          </a>
        )}
      </nav>
    </>
  );
}

function countOf(shown: number, isMore: boolean): string {
  if (isMore) return `${shown} shown, and there are more`;
  return shown === 1 ? '1 actor' : `${shown} actors`;
}

function emptyWords(query: Query, isMore: boolean): string {
  if (isMore) return 'None found so far: the next page searches on.';
  return isNarrowed(query) || query['cursor'] !== undefined
    ? 'No actor fits these filters.'
    : 'There is no actor here yet.';
}

function LineTable(props: {
  readonly lines: readonly ActorLine[];
  readonly changed: ReadonlyMap<string, number>;
}): VNode {
  const now = useNow();
  const body = useRef<HTMLTableSectionElement>(null);
  return (
    <table class="lines" aria-label="Actors">
      <thead>
        <tr>
          <th scope="col">Actor</th>
          <th scope="col">State</th>
          <th scope="col" class="since">
            For
          </th>
          <th scope="col" class="of">
            Session, provider
          </th>
        </tr>
      </thead>
      <tbody ref={body} onKeyDown={(event) => moveFocus(event, body.current)}>
        {props.lines.map((line) => (
          <Line key={line.address} line={line} step={props.changed.get(line.address)} now={now} />
        ))}
      </tbody>
    </table>
  );
}

function Line(props: {
  readonly line: ActorLine;
  /** Of the newest step that changed it while it was looked at. */
  readonly step: number | undefined;
  readonly now: number;
}): VNode {
  const { line, step, now } = props;
  const { address, title, status, value, since, at, session, provider, fault } = line;
  return (
    <tr data-address={address} data-step={step}>
      <td class="who">
        <a class="mono" href={hrefOf('actor', { address })}>
          {address}
        </a>
        {title !== undefined && <span class="title">{title}</span>}
        {fault !== undefined && (
          <span class="fault">
            <code>{fault.code}</code> {fault.message}
          </span>
        )}
      </td>
      {/* A new key is a new element: its colour fades anew. What is under way has no mark. */}
      <td key={step} class={step === undefined ? undefined : 'changed'}>
        <span class="mono">{stateWords(value)}</span> {status !== 'active' && <StatusMark status={status} />}
      </td>
      <td class="since nowrap" title={since === undefined ? undefined : `since ${timeWords(since)}`}>
        {since !== undefined && durationWords(now - since)}
        {since === undefined && at !== undefined && agoWords(at, now)}
      </td>
      <td class="of">
        {session !== undefined && (
          <a href={hrefOf('actors', { session })} title="all of this session">
            {session}
          </a>
        )}{' '}
        {provider !== undefined && (
          <a class="soft" href={hrefOf('actors', { provider })} title="all of this provider">
            {provider}
          </a>
        )}
      </td>
    </tr>
  );
}

/** Arrow keys go from line to line; Enter is the link's own. */
function moveFocus(event: KeyboardEvent, body: HTMLElement | null): void {
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (by === undefined || body === null) return;
  const links = [...body.querySelectorAll<HTMLElement>('.who > a')];
  const row = event.target instanceof Element ? event.target.closest('tr') : null;
  const at = links.findIndex((link) => row?.contains(link) === true);
  const next = links[at + by];
  if (next === undefined) return;
  event.preventDefault();
  next.focus();
}
