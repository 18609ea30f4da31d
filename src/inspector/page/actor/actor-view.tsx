/** A place for the view; it is written next. */
import type { VNode } from 'preact';
import type { Query } from '../router.js';

export function ActorView(_props: { readonly query?: Query }): VNode {
  return <h1>ActorView</h1>;
}
