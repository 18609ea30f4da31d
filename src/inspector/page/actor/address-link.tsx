/**
 * An actor's address, as a link to it where there is one.
 *
 * Callers: the panels. Invariant: what is no address of an actor (a channel, a child's id) is plain text.
 */
import type { VNode } from 'preact';
import { hrefOf } from '../router.js';

export function AddressLink(props: {
  readonly address: string;
  readonly seq?: number;
  readonly isLinked: boolean;
}): VNode {
  const { address, seq, isLinked } = props;
  const words = seq === undefined ? address : `${address} · ${seq}`;
  if (!isLinked || !address.includes('/')) return <span class="mono">{words}</span>;
  return (
    <a class="mono" href={hrefOf('actor', { address, seq })}>
      {words}
    </a>
  );
}
