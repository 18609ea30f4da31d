/**
 * The filters of the list: each is a word of the page's address.
 *
 * Callers: list-view.tsx. Invariant: letters that are typed narrow the list when the typing pauses, and are
 * one step on the way back together.
 */
import type { VNode } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Population } from '../../../actors/inspection/face.js';
import { useApi, useAsked } from '../house.js';
import { go, hrefOf, type Query } from '../router.js';
import { activePathsOf } from '../words.js';
import { ages, isNarrowed, statuses, withFilter, type FilterName } from './filters.js';

const TYPING_PAUSE_MS = 250;

export function FilterBar({ query }: { readonly query: Query }): VNode {
  const api = useApi();
  const { value: population } = useAsked('kinds', (signal) => api.population(signal));
  const kinds = (population?.kinds ?? []).map(({ kind }) => kind);
  const set = (name: FilterName, value: string): void => go(hrefOf('actors', withFilter(query, name, value)));
  const type = (name: FilterName, value: string): void =>
    go(hrefOf('actors', withFilter(query, name, value)), 'replace');
  return (
    <form class="filters" role="search" aria-label="Filters" onSubmit={(event) => event.preventDefault()}>
      <Typed
        name="Text"
        value={query['text'] ?? ''}
        set={(value) => type('text', value)}
        hint="id, prompt, name"
        isFirst
        isWanted={query['focus'] === 'filter'}
      />
      <Choice
        name="Kind"
        value={query['kind'] ?? ''}
        set={(value) => set('kind', value)}
        options={kinds.map((kind) => [kind, kind])}
      />
      <Choice
        name="State"
        value={query['state'] ?? ''}
        set={(value) => set('state', value)}
        options={statesOf(population, query['kind']).map((path) => [path, path])}
      />
      <Choice
        name="Status"
        value={query['status'] ?? ''}
        set={(value) => set('status', value)}
        options={statuses.map((status) => [status, status])}
      />
      <Typed name="Session" value={query['session'] ?? ''} set={(value) => type('session', value)} />
      <Typed name="Provider" value={query['provider'] ?? ''} set={(value) => type('provider', value)} />
      <Choice
        name="In its state for"
        value={query['olderMs'] ?? ''}
        set={(value) => set('olderMs', value)}
        options={ages}
      />
      {isNarrowed(query) && (
        <a class="button" href={hrefOf('actors')}>
          Clear
        </a>
      )}
    </form>
  );
}

/** All states that somebody is in, compound ones too: of a kind, or of all. */
function statesOf(population: Population | undefined, kind: string | undefined): readonly string[] {
  const kinds = (population?.kinds ?? []).filter((each) => kind === undefined || each.kind === kind);
  const paths = kinds.flatMap(({ states }) => states.flatMap(({ value }) => activePathsOf(value)));
  return [...new Set(paths)].toSorted();
}

function Choice(props: {
  readonly name: string;
  readonly value: string;
  readonly set: (value: string) => void;
  readonly options: readonly (readonly [value: string, words: string])[];
}): VNode {
  const { name, value, set, options } = props;
  const isListed = value === '' || options.some(([own]) => own === value);
  return (
    <label>
      <span>{name}</span>
      <select value={value} onChange={(event) => set(event.currentTarget.value)}>
        <option value="">any</option>
        {!isListed && <option value={value}>{value}</option>}
        {options.map(([own, words]) => (
          <option key={own} value={own}>
            {words}
          </option>
        ))}
      </select>
    </label>
  );
}

function Typed(props: {
  readonly name: string;
  readonly value: string;
  readonly set: (value: string) => void;
  readonly hint?: string;
  /** Where `/` leads. */
  readonly isFirst?: boolean;
  /** It takes the focus as it comes. */
  readonly isWanted?: boolean;
}): VNode {
  const { name, value, set, hint, isFirst, isWanted } = props;
  const [typed, setTyped] = useState(value);
  const pause = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const field = useRef<HTMLInputElement>(null);
  const written = useRef(value);
  useEffect(() => {
    // What we wrote ourselves comes back without the space at its end, and by then more may be typed.
    if (value !== written.current) setTyped(value);
    written.current = value;
  }, [value]);
  useEffect(() => () => clearTimeout(pause.current), []);
  useEffect(() => {
    if (isWanted === true) field.current?.focus();
  }, [isWanted]);
  const take = (text: string): void => {
    setTyped(text);
    clearTimeout(pause.current);
    pause.current = setTimeout(() => {
      written.current = text.trim();
      set(written.current);
    }, TYPING_PAUSE_MS);
  };
  return (
    <label>
      <span>{name}</span>
      <input
        type="search"
        value={typed}
        maxLength={200}
        autocomplete="off"
        spellcheck={false}
        ref={field}
        {...(hint !== undefined && { placeholder: hint })}
        {...(isFirst === true && { 'data-filter': '' })}
        onInput={(event) => take(event.currentTarget.value)}
      />
    </label>
  );
}
