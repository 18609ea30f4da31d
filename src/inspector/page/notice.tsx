/**
 * Words instead of content: what is waited for, what did not come, what there is none of.
 *
 * Callers: the page's views. Invariant: a trouble is announced to who cannot see it, and has a way to try
 * again where there is one.
 */
import type { ComponentChildren, VNode } from 'preact';
import { ApiError } from './api.js';

export function Waiting({ children = 'Loading …' }: { readonly children?: ComponentChildren }): VNode {
  return (
    <p class="notice" role="status">
      {children}
    </p>
  );
}

export function Nothing({ children }: { readonly children: ComponentChildren }): VNode {
  return <p class="notice">{children}</p>;
}

/** A call that failed, with its code. */
export function Trouble({ error, again }: { readonly error: unknown; readonly again?: () => void }): VNode {
  const code = error instanceof ApiError ? error.code : 'PAGE_FAILED';
  const message = error instanceof Error ? error.message : String(error);
  return (
    <div class="trouble" role="alert">
      <code>{code}</code> <span>{message}</span>
      {again !== undefined && (
        <button type="button" onClick={again}>
          Try again
        </button>
      )}
    </div>
  );
}
