/**
 * `#/actor?address&seq&tab`: one actor of the store that is looked at.
 *
 * Callers: shell.tsx. Invariants:
 *  1  What cannot be shown says why, with its code: never an empty page.
 *  2  An actor that is removed while it is looked at stays in view, and is said to be gone.
 */
import type { VNode } from 'preact';
import { useMemo } from 'preact/hooks';
import { ApiError } from '../api.js';
import { useApi, useAsked } from '../house.js';
import { Trouble, Waiting } from '../notice.js';
import { hrefOf, type Query } from '../router.js';
import { useFollowing } from './following.js';
import { apiSource } from './source.js';
import { Stage } from './stage.js';

export function ActorView({ query }: { readonly query: Query }): VNode {
  const address = query['address'] ?? '';
  if (address === '') return <Missing title="No actor is named" words="Choose one of the list." query={{}} />;
  return <OneActor key={address} address={address} query={query} />;
}

function OneActor({ address, query }: { readonly address: string; readonly query: Query }): VNode {
  const api = useApi();
  const { report, why, acts, timeline, error, again, move } = useFollowing(address);
  const source = useMemo(() => apiSource(api, address), [api, address]);
  const { kind, version, hash } = report ?? {};
  const chart = useMemo(
    () => (kind === undefined || version === undefined ? undefined : { kind, version, hash }),
    [kind, version, hash],
  );
  const config = useAsked(JSON.stringify([chart]), async (signal) =>
    chart === undefined ? undefined : (await api.chart(chart, signal)).config,
  );
  if (report === undefined) {
    if (error === undefined) return <Waiting />;
    return <NotThere address={address} error={error} again={again} />;
  }
  return (
    <>
      {error !== undefined && <Since error={error} again={again} />}
      <Stage
        source={source}
        report={report}
        why={why}
        acts={acts}
        timeline={timeline}
        move={move}
        chart={chart}
        config={config.value}
        view="actor"
        query={query}
        again={again}
      />
    </>
  );
}

interface FailedProps {
  readonly error: unknown;
  readonly again: () => void;
}

/** It was there a moment ago. */
function Since({ error, again }: FailedProps): VNode {
  if (!isCode(error, 'ACTOR_NOT_FOUND')) return <Trouble error={error} again={again} />;
  return (
    <p class="actor-note" role="status">
      It has been removed since: what is shown is what it was.
    </p>
  );
}

function NotThere({ address, error, again }: FailedProps & { readonly address: string }): VNode {
  const kind = address.split('/')[0] ?? '';
  if (isCode(error, 'ACTOR_NOT_FOUND')) {
    const words = 'There is no such actor: it never was, or it ended and its time to be kept is over.';
    return <Missing title={address} words={words} query={{ kind }} />;
  }
  if (isCode(error, 'STORE_CORRUPTED')) {
    return (
      <>
        <h1 class="mono">{address}</h1>
        <Trouble error={error} again={again} />
        <p class="notice">
          Its row on disk cannot be read; other actors are not touched by that. What can be saved says{' '}
          <code>holdfast doctor</code>.
        </p>
      </>
    );
  }
  return (
    <>
      <h1 class="mono">{address}</h1>
      <Trouble error={error} again={again} />
    </>
  );
}

function Missing(props: { readonly title: string; readonly words: string; readonly query: Query }): VNode {
  return (
    <>
      <h1 class="mono">{props.title}</h1>
      <p class="notice" role="status">
        {props.words} <a href={hrefOf('actors', props.query)}>To the list</a>
      </p>
    </>
  );
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof ApiError && error.code === code;
}
