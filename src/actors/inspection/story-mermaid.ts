/**
 * A story as a Mermaid sequence diagram.
 *
 * Pure. Callers: story.ts. Invariant: nothing that a user wrote is read as Mermaid or HTML: what is shown is
 * escaped, and on one line.
 */
import type { StateValue } from 'xstate';
import { leavesOf } from '../kernel/index.js';
import { eventWords } from './event-words.js';
import type { StoryStep } from './face.js';

export interface Drawn {
  readonly actors: readonly string[];
  readonly steps: readonly StoryStep[];
  readonly cut: boolean;
  /** Actors of whom steps are missing. */
  readonly gone: readonly string[];
}

const TEXT_CHARS_MAX = 80;

export function mermaidOf({ actors, steps, cut, gone }: Drawn): string {
  const senders = [...new Set(steps.flatMap((step) => outsiderOf(step) ?? []))];
  const columns = new Map([
    ...senders.map((sender, index) => [sender, `s${index}`] as const),
    ...actors.map((address, index) => [address, `a${index}`] as const),
  ]);
  const lines = [
    'sequenceDiagram',
    ...senders.map((sender) => `  actor ${columns.get(sender)} as ${escaped(sender)}`),
    ...actors.map((address) => `  participant ${columns.get(address)} as ${escaped(address)}`),
  ];
  const states = new Map<string, string>();
  for (const step of steps) {
    const to = columns.get(step.address);
    const from = columns.get(step.cause?.address ?? outsiderOf(step) ?? step.address) ?? to;
    const state = leavesText(step.value);
    const isNew = state !== '' && states.get(step.address) !== state;
    states.set(step.address, state);
    const words = escaped(eventWords(step.event.type));
    // A broken line: nobody says so.
    const arrow = step.isInferred === true ? '-->>' : '->>';
    lines.push(`  ${from}${arrow}${to}: ${words}${isNew ? ` → ${escaped(state)}` : ''}`);
  }
  const last = columns.get(steps.at(-1)?.address ?? '');
  for (const address of gone) {
    if (last !== undefined) lines.push(`  Note over ${last}: ${escaped(address)}: steps are not kept`);
  }
  if (cut && gone.length === 0 && last !== undefined) lines.push(`  Note over ${last}: it goes on`);
  return `${lines.join('\n')}\n`;
}

/** Who sent a step that no step of the story caused. */
function outsiderOf({ cause, source }: StoryStep): string | undefined {
  return cause === undefined ? source : undefined;
}

function leavesText(value: StateValue | null): string {
  return leavesOf(value).join(', ');
}

/** Mermaid reads `#`, `;`, `:` and brackets; entities stand for them. Longer text is cut. */
function escaped(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  const short = line.length <= TEXT_CHARS_MAX ? line : `${line.slice(0, TEXT_CHARS_MAX - 1).toWellFormed()}…`;
  return short.replaceAll(/[#;<>&"'`{}%|\\\p{Cc}]/gu, (char) => `#${char.codePointAt(0)};`);
}
