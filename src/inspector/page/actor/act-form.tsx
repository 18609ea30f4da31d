/**
 * The fields of a form, as form.ts has read them from a schema.
 *
 * Callers: acts-panel.tsx. Invariant: each input has a label, and what is required says so in words.
 */
import type { VNode } from 'preact';
import type { Draft, DraftGroup, Field } from './form.js';
import { draftOf } from './form.js';

interface FieldProps {
  readonly field: Field;
  readonly draft: Draft;
  readonly set: (draft: Draft) => void;
  /** Unique in the form. */
  readonly path: string;
  /** The whole form: it needs no frame. */
  readonly isOuter?: boolean;
}

export function FieldInput(props: FieldProps): VNode | null {
  const { field, draft, set } = props;
  switch (field.kind) {
    case 'fixed':
      return null;
    case 'group':
      return <GroupInput {...props} field={field} />;
    case 'list':
      return <ListInput {...props} field={field} />;
    case 'boolean':
      return (
        <label class="field field-boolean">
          <input
            type="checkbox"
            checked={draft === true}
            onInput={({ currentTarget }) => set(currentTarget.checked)}
          />
          <span>{field.label}</span>
          <Hint field={field} />
        </label>
      );
    case 'choice':
      return (
        <label class="field">
          <Label field={field} />
          <select value={textOf(draft)} onInput={({ currentTarget }) => set(currentTarget.value)}>
            <option value="">{field.required ? 'choose …' : '(not said)'}</option>
            {field.options.map((option, index) => (
              <option key={index} value={String(index)}>
                {typeof option === 'string' ? option : JSON.stringify(option)}
              </option>
            ))}
          </select>
          <Hint field={field} />
        </label>
      );
    case 'text':
    case 'number':
    case 'json':
      return <TypedInput {...props} field={field} />;
  }
}

function TypedInput({ field, draft, set }: FieldProps & { readonly field: Typed }): VNode {
  const typed = ({ currentTarget }: { readonly currentTarget: { readonly value: string } }): void =>
    set(currentTarget.value);
  const isLong = field.kind === 'json' || (field.kind === 'text' && field.long);
  return (
    <label class="field">
      <Label field={field} />
      {isLong ? (
        <textarea
          rows={field.kind === 'json' ? 5 : 2}
          spellcheck={false}
          value={textOf(draft)}
          onInput={typed}
        />
      ) : (
        <input
          value={textOf(draft)}
          inputMode={field.kind === 'number' ? 'decimal' : 'text'}
          onInput={typed}
        />
      )}
      <Hint field={field} />
    </label>
  );
}

type Typed = Extract<Field, { kind: 'text' | 'number' | 'json' }>;

function GroupInput(props: FieldProps & { readonly field: Extract<Field, { kind: 'group' }> }): VNode {
  const { field, draft, set, path, isOuter } = props;
  const group: DraftGroup = typeof draft === 'object' && !Array.isArray(draft) ? (draft as DraftGroup) : {};
  const members = field.fields.map(([key, one]) => (
    <FieldInput
      key={key}
      field={one}
      draft={group[key] ?? draftOf(one)}
      set={(each) => set({ ...group, [key]: each })}
      path={`${path}.${key}`}
    />
  ));
  if (isOuter === true) return <>{members}</>;
  return (
    <fieldset>
      <legend>
        {field.label}
        {!field.required && <span class="soft"> (if wanted)</span>}
      </legend>
      <Hint field={field} />
      {members}
    </fieldset>
  );
}

function ListInput(props: FieldProps & { readonly field: Extract<Field, { kind: 'list' }> }): VNode {
  const { field, draft, set, path } = props;
  const items: readonly Draft[] = Array.isArray(draft) ? (draft as readonly Draft[]) : [];
  return (
    <fieldset>
      <legend>{field.label}</legend>
      <Hint field={field} />
      {items.map((item, index) => (
        <div key={index} class="list-item">
          <FieldInput
            field={{ ...field.item, label: `${field.label} ${index + 1}` }}
            draft={item}
            set={(each) => set(items.with(index, each))}
            path={`${path}.${index}`}
          />
          <button
            type="button"
            class="quiet"
            aria-label={`Remove ${field.label} ${index + 1}`}
            onClick={() => set(items.toSpliced(index, 1))}
          >
            ×
          </button>
        </div>
      ))}
      <button type="button" onClick={() => set([...items, draftOf(field.item)])}>
        Add to {field.label}
      </button>
    </fieldset>
  );
}

function Label({ field }: { readonly field: Field }): VNode {
  const what = field.kind === 'json' ? 'JSON' : undefined;
  const notes = [what, field.required ? 'required' : undefined].filter((note) => note !== undefined);
  return (
    <span>
      {field.label}
      {notes.length > 0 && <span class="soft"> ({notes.join(', ')})</span>}
    </span>
  );
}

function Hint({ field }: { readonly field: Field }): VNode | null {
  return field.description === undefined ? null : <span class="soft small">{field.description}</span>;
}

function textOf(draft: Draft): string {
  return typeof draft === 'string' ? draft : '';
}
