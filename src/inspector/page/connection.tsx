/**
 * What the page says of its connection: nothing, while it is there.
 *
 * Callers: shell.tsx. Invariant: who could wait for ever, because the inspector that comes back has a new
 * token, is told to open its new address.
 */
import type { VNode } from 'preact';
import { useEffect } from 'preact/hooks';
import { ApiError } from './api.js';
import { useAsked, useConnection, useHouse } from './house.js';

const ASK_AGAIN_MS = 2_000;

/** There always, so that it is announced when it fills. */
export function ConnectionLine(): VNode {
  const connection = useConnection();
  return (
    <div class="connection" role="status">
      {connection === 'lost' && <LostLine />}
    </div>
  );
}

/** A stream that ends does not say why: a call does. */
function LostLine(): VNode {
  const { api } = useHouse();
  const { error, again } = useAsked('lost', (signal) => api.config(signal));
  useEffect(() => {
    const timer = setInterval(again, ASK_AGAIN_MS);
    return () => clearInterval(timer);
  }, [again]);
  const isRefused = error instanceof ApiError && error.code === 'INSPECTOR_REFUSED';
  return <>{isRefused ? REFUSED : LOST}</>;
}

const LOST = 'The connection is lost: what is shown may be old. Trying again …';
const REFUSED = 'The inspector was started anew: what is shown is old. Open the address it has printed.';
