/**
 * What can be done to an actor now: buttons, forms, and what came of it.
 *
 * Owns: the operator's name in this browser. Callers: stage.tsx. Invariants:
 *  1  Nothing is done without a name to journal it under.
 *  2  What ends or pays for something is asked for once more.
 *  3  An act under way is not sent twice; its refusal is shown with its code. Where no answer came, that is
 *     said, and it is asked for again as it was.
 */
import type { VNode } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { ActView } from '../../../actors/inspection/face.js';
import type { Json } from '../../../json.js';
import { useHouse } from '../house.js';
import { Trouble } from '../notice.js';
import { FieldInput } from './act-form.js';
import { newActId, outcomeOf, type Deed, type Outcome } from './acting.js';
import { draftOf, fieldOf, reading, type Problem } from './form.js';
import { Part } from './now-panel.js';

interface ActsProps {
  readonly address: string;
  /** The newest step of what is shown: what an act is meant for. */
  readonly seq: number | undefined;
  readonly acts: readonly ActView[];
  /** Called when one was done, or refused: what is shown may be old. */
  readonly done: () => void;
}

const ENTRY = 'holdfast.operator';

type Phase = Outcome | { readonly at: 'idle' | 'asking' };

export function ActsPanel({ address, seq, acts, done }: ActsProps): VNode | null {
  const { api, config } = useHouse();
  const [asked, setAsked] = useState<Pick<Deed, 'view' | 'seenSeq'>>();
  const [phase, setPhase] = useState<Phase>({ at: 'idle' });
  const isBusy = phase.at === 'asking';
  const act = async (deed: Deed): Promise<void> => {
    setPhase({ at: 'asking' });
    setPhase(await outcomeOf(api, deed));
    setAsked(undefined);
    done();
  };
  if (config?.allowActions !== true) {
    if (acts.length === 0 || config === undefined) return null;
    return (
      <p class="soft acts-closed">
        This inspector only looks. Start it with <code>--allow-actions</code> to act from here.
      </p>
    );
  }
  if (acts.length === 0 && phase.at === 'idle') return null;
  return (
    <Part title="What you can do">
      <div class="row">
        {acts.map((view) => (
          <button
            type="button"
            key={view.name}
            class={view.serious ? 'serious' : ''}
            title={view.description}
            disabled={isBusy}
            onClick={() => setAsked({ view, seenSeq: seq })}
          >
            {view.title}
            {' …'}
          </button>
        ))}
      </div>
      <p role="status" class="acts-said">
        {phase.at === 'done' && `${phase.deed.view.title}: done, as ${phase.deed.operator}.`}
      </p>
      {phase.at === 'refused' && <Trouble error={phase.error} />}
      {phase.at === 'unknown' && <Unanswered deed={phase.deed} again={(deed) => void act(deed)} />}
      {asked !== undefined && (
        <ActDialog
          key={asked.view.name}
          view={asked.view}
          isBusy={isBusy}
          close={() => setAsked(undefined)}
          act={(operator, input) => void act({ ...asked, address, operator, input, id: newActId() })}
        />
      )}
    </Part>
  );
}

interface UnansweredProps {
  readonly deed: Deed;
  readonly again: (deed: Deed) => void;
}

function Unanswered({ deed, again }: UnansweredProps): VNode {
  return (
    <div class="trouble" role="alert">
      <span>
        {deed.view.title}: no answer came, and it is not known whether it was done. Asked again, it is done
        once at most.
      </span>{' '}
      <button type="button" onClick={() => again(deed)}>
        Ask again
      </button>
    </div>
  );
}

interface DialogProps {
  readonly view: ActView;
  readonly isBusy: boolean;
  readonly close: () => void;
  readonly act: (operator: string, input: Json | undefined) => void;
}

function ActDialog({ view, isBusy, close, act }: DialogProps): VNode {
  const dialog = useRef<HTMLDialogElement>(null);
  const [field] = useState(() => (view.input === undefined ? undefined : fieldOf(view.input)));
  const [draft, setDraft] = useState(() => (field === undefined ? '' : draftOf(field)));
  const [operator, setOperator] = useState(storedOperator);
  const [problems, setProblems] = useState<readonly Problem[]>([]);
  useEffect(() => {
    const { current } = dialog;
    current?.showModal();
    // Closed, it gives the focus back to the button that it came from.
    return () => current?.close();
  }, []);
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const read = field === undefined ? { problems: [] } : reading(field, draft, '');
    const nameless = operator.trim() === '' ? [{ path: 'your name', message: 'is required' }] : [];
    const wrong = [...read.problems, ...nameless];
    setProblems(wrong);
    if (wrong.length > 0) return;
    keepOperator(operator.trim());
    act(operator.trim(), read.value);
  };
  return (
    <dialog ref={dialog} onClose={close} class="act" aria-labelledby="act-title">
      <h2 id="act-title">{view.title}</h2>
      <p>{view.description}</p>
      <form onSubmit={submit} noValidate>
        {field !== undefined && <FieldInput field={field} draft={draft} set={setDraft} path="act" isOuter />}
        <label class="field">
          <span>Your name, for the journal</span>
          <input
            name="operator"
            value={operator}
            maxLength={100}
            autocomplete="off"
            onInput={({ currentTarget }) => setOperator(currentTarget.value)}
          />
        </label>
        <ul class="problems" role="alert">
          {problems.map(({ path, message }) => (
            <li key={path}>
              <code>{path || 'input'}</code> {message}
            </li>
          ))}
        </ul>
        {view.serious && <p class="serious-words">It ends something, or pays for something.</p>}
        <div class="row dialog-end">
          <button type="button" onClick={() => dialog.current?.close()}>
            Not now
          </button>
          <button type="submit" class={view.serious ? 'serious primary' : 'primary'} disabled={isBusy}>
            {view.title}
          </button>
        </div>
      </form>
    </dialog>
  );
}

function storedOperator(): string {
  try {
    return localStorage.getItem(ENTRY) ?? '';
  } catch {
    // Storage may be forbidden: the name is asked for each time.
    return '';
  }
}

function keepOperator(name: string): void {
  try {
    localStorage.setItem(ENTRY, name);
  } catch {
    // It is asked for again, then: the act does not depend on it.
    return;
  }
}
