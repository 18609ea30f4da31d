/**
 * A capsule that is dropped on the page, or chosen: it is looked at, and goes nowhere.
 *
 * Owns: the capsule that is shown. Callers: main.tsx puts it around the page, capsule-view.tsx shows what it
 * holds. Invariants:
 *  1  A file dropped anywhere is never opened by the browser: the page would be gone.
 *  2  Of two files, the later one is shown, whichever answer comes first.
 */
import { createContext, type ComponentChildren, type VNode } from 'preact';
import { useCallback, useContext, useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { CapsuleReport } from '../../../actors/inspection/face.js';
import { isAborted } from '../api.js';
import { useApi } from '../house.js';
import { go, hrefOf } from '../router.js';

/** What became of the newest file. */
export type Dropped =
  | { readonly state: 'none' }
  | { readonly state: 'reading'; readonly name: string }
  | {
      readonly state: 'shown';
      readonly name: string;
      readonly capsule: unknown;
      readonly report: CapsuleReport;
    }
  | { readonly state: 'refused'; readonly name: string; readonly error: unknown };

interface Door {
  readonly dropped: Dropped;
  readonly take: (file: File) => void;
}

const DoorContext = createContext<Door>({ dropped: { state: 'none' }, take: () => undefined });

export function CapsuleDoor({ children }: { readonly children: ComponentChildren }): VNode {
  const api = useApi();
  const [dropped, setDropped] = useState<Dropped>({ state: 'none' });
  const [isOver, setOver] = useState(false);
  const reading = useRef(new AbortController());
  const take = useCallback(
    (file: File): void => {
      reading.current.abort();
      const controller = new AbortController();
      reading.current = controller;
      const { name } = file;
      const settle = (found: Dropped): void => {
        if (!controller.signal.aborted) setDropped(found);
      };
      settle({ state: 'reading', name });
      go(hrefOf('capsule'));
      const look = async (): Promise<Dropped> => {
        const capsule = contentOf(await file.text());
        return { state: 'shown', name, capsule, report: await api.look(capsule, controller.signal) };
      };
      look().then(settle, (error: unknown) => {
        if (!isAborted(error)) settle({ state: 'refused', name, error });
      });
    },
    [api],
  );
  useEffect(() => listenForFiles(take, setOver), [take]);
  const door = useMemo(() => ({ dropped, take }), [dropped, take]);
  return (
    <DoorContext.Provider value={door}>
      {children}
      {isOver && (
        <div class="drop-here" aria-hidden="true">
          Drop the capsule: it is looked at, and stored nowhere.
        </div>
      )}
    </DoorContext.Provider>
  );
}

export function useCapsuleDoor(): Door {
  return useContext(DoorContext);
}

function listenForFiles(take: (file: File) => void, setOver: (isOver: boolean) => void): () => void {
  const hasFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes('Files') === true;
  const over = (event: DragEvent): void => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    setOver(true);
  };
  const leave = (event: DragEvent): void => {
    // Of the window itself; moving between its parts leaves each of them.
    if (event.relatedTarget === null) setOver(false);
  };
  const drop = (event: DragEvent): void => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    setOver(false);
    const [file] = event.dataTransfer?.files ?? [];
    if (file !== undefined) take(file);
  };
  addEventListener('dragover', over);
  addEventListener('dragleave', leave);
  addEventListener('drop', drop);
  return () => {
    removeEventListener('dragover', over);
    removeEventListener('dragleave', leave);
    removeEventListener('drop', drop);
  };
}

/** What is no JSON is no capsule: the server says so, with a code. */
function contentOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
