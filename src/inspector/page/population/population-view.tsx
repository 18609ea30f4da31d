/** A place for the view; it is written next. */
import type { VNode } from 'preact';
import type { Query } from '../router.js';

export function PopulationView(_props: { readonly query?: Query }): VNode {
  return <h1>PopulationView</h1>;
}
