/**
 * Panels of which one is open.
 *
 * Callers: stage.tsx. Invariant: the keyboard moves along them as ARIA says for tabs: arrow keys, Home, End.
 */
import type { ComponentChildren, VNode } from 'preact';
import { useRef } from 'preact/hooks';

interface TabsProps<Tab extends string> {
  readonly tabs: readonly Tab[];
  readonly titles: Readonly<Record<Tab, string>>;
  readonly open: Tab;
  readonly choose: (tab: Tab) => void;
  readonly children: ComponentChildren;
}

export function Tabs<Tab extends string>({ tabs, titles, open, choose, children }: TabsProps<Tab>): VNode {
  const list = useRef<HTMLDivElement>(null);
  const press = (event: KeyboardEvent): void => {
    // From where the focus is: who presses twice is quicker than a draw.
    const at = tabs.findIndex((tab) => event.target === list.current?.querySelector(`#tab-${tab}`));
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
    const next = to === undefined ? undefined : tabs[(to + tabs.length) % tabs.length];
    if (next === undefined) return;
    event.preventDefault();
    choose(next);
    list.current?.querySelector<HTMLElement>(`#tab-${next}`)?.focus();
  };
  return (
    <>
      <div class="tabs" role="tablist" aria-label="About the actor" ref={list} onKeyDown={press}>
        {tabs.map((tab) => (
          <button
            type="button"
            role="tab"
            key={tab}
            id={`tab-${tab}`}
            aria-selected={tab === open}
            aria-controls="tab-panel"
            tabIndex={tab === open ? 0 : -1}
            onClick={() => choose(tab)}
          >
            {titles[tab]}
          </button>
        ))}
      </div>
      <div id="tab-panel" class="tab-panel" role="tabpanel" aria-labelledby={`tab-${open}`}>
        {children}
      </div>
    </>
  );
}
