/**
 * The status of an actor, as a mark with its colour.
 *
 * Callers: the list, the head of an actor.
 */
import type { VNode } from 'preact';
import type { ActorLine } from '../../actors/inspection/face.js';

const MARKS: Readonly<Record<ActorLine['status'], string>> = {
  active: 'mark mark-accent',
  done: 'mark',
  error: 'mark mark-trouble',
  stopped: 'mark',
  quarantined: 'mark mark-trouble',
  unreadable: 'mark mark-trouble',
};

export function StatusMark({ status }: Pick<ActorLine, 'status'>): VNode {
  return <span class={MARKS[status]}>{status}</span>;
}
