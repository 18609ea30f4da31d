/**
 * What was written to the history of a session, newest last.
 *
 * Callers: stage.tsx.
 */
import type { VNode } from 'preact';
import type { ActorReport } from '../../../actors/inspection/face.js';
import { timeWords } from '../words.js';
import { JsonTree } from './json-tree.js';

export function HistoryPanel({ history }: Pick<ActorReport, 'history'>): VNode {
  return (
    <ol class="history">
      {history.map(({ at, cause, entry }, index) => (
        <li key={index}>
          <p class="soft small">
            {timeWords(at)} · <span class="mono">{cause}</span>
          </p>
          <JsonTree value={entry} label={`Entry ${index + 1}`} />
        </li>
      ))}
    </ol>
  );
}
