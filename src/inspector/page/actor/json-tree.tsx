/**
 * JSON as a tree that opens and closes.
 *
 * Callers: the panels of an actor. Invariants:
 *  1  What is long is cut, and says so: a button shows the rest.
 *  2  A part that is closed costs nothing: it is drawn when it is opened.
 */
import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import type { Json, JsonObject } from '../../../json.js';

const TEXT_MAX = 300;
const MEMBERS_MAX = 50;
/** Levels, and members of a part, that are open at first. */
const OPEN_LEVELS = 1;
const OPEN_MEMBERS = 20;

export function JsonTree({ value, label }: { readonly value: Json; readonly label: string }): VNode {
  return (
    <div class="json-tree" role="group" aria-label={label}>
      <Part value={value} level={0} />
    </div>
  );
}

function Part({ name, value, level }: PartProps): VNode {
  if (typeof value !== 'object' || value === null) {
    return (
      <div class="json-line">
        <Name name={name} />
        <Leaf value={value} />
      </div>
    );
  }
  const members = membersOf(value as readonly Json[] | JsonObject);
  const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{', '}'];
  if (members.length === 0) {
    return (
      <div class="json-line">
        <Name name={name} />
        <span class="json-quiet">{open + close}</span>
      </div>
    );
  }
  return <Branch name={name} members={members} level={level} sign={`${open} ${members.length} ${close}`} />;
}

interface PartProps {
  readonly name?: string | undefined;
  readonly value: Json;
  readonly level: number;
}

interface BranchProps {
  readonly name: string | undefined;
  readonly members: readonly (readonly [name: string, value: Json])[];
  readonly level: number;
  readonly sign: string;
}

function Branch({ name, members, level, sign }: BranchProps): VNode {
  const [isOpen, setOpen] = useState(
    level < OPEN_LEVELS || (level === OPEN_LEVELS && members.length <= OPEN_MEMBERS),
  );
  const [isWhole, setWhole] = useState(false);
  const shown = isWhole ? members : members.slice(0, MEMBERS_MAX);
  return (
    <details open={isOpen} onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>
        <Name name={name} />
        <span class="json-quiet">{sign}</span>
      </summary>
      {isOpen && (
        <div class="json-below">
          {shown.map(([key, each]) => (
            <Part key={key} name={key} value={each} level={level + 1} />
          ))}
          {shown.length < members.length && (
            <button type="button" class="link" onClick={() => setWhole(true)}>
              show all {members.length}
            </button>
          )}
        </div>
      )}
    </details>
  );
}

function Name({ name }: { readonly name: string | undefined }): VNode | null {
  return name === undefined ? null : <span class="json-name">{name}: </span>;
}

function Leaf({ value }: { readonly value: string | number | boolean | null }): VNode {
  if (typeof value === 'string') return <LongText text={JSON.stringify(value)} kind="json-text" />;
  return <span class="json-plain">{String(value)}</span>;
}

/** A text, cut where it is long. */
export function LongText({ text, kind }: { readonly text: string; readonly kind?: string }): VNode {
  const [isWhole, setWhole] = useState(false);
  if (text.length <= TEXT_MAX || isWhole) return <span class={kind}>{text}</span>;
  return (
    <span class={kind}>
      {text.slice(0, TEXT_MAX)}…{' '}
      <button type="button" class="link" onClick={() => setWhole(true)}>
        show all {text.length.toLocaleString('en')} characters
      </button>
    </span>
  );
}

function membersOf(value: readonly Json[] | JsonObject): readonly (readonly [string, Json])[] {
  return Object.entries(value).flatMap(([name, each]: [string, Json | undefined]) =>
    each === undefined ? [] : [[name, each] as const],
  );
}
