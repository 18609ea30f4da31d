/**
 * Moves what scrolls by dragging it with a mouse; fingers and keys scroll by themselves.
 *
 * Owns: a drag under way. Callers: chart-box.tsx. Invariants:
 *  1  A press that moves less than `DRAG_PX_MIN` is a click, and nothing else.
 *  2  The click that ends a drag is nobody's: it chooses nothing.
 */
const DRAG_PX_MIN = 4;

/** Lets `box` be dragged; returns what takes that away. */
export function dragged(box: HTMLElement): () => void {
  const until = new AbortController();
  let from:
    | { readonly x: number; readonly y: number; readonly left: number; readonly top: number }
    | undefined;
  let isMoved = false;
  const listen = <Name extends keyof HTMLElementEventMap>(
    name: Name,
    hear: (event: HTMLElementEventMap[Name]) => void,
    capture = false,
  ): void => box.addEventListener(name, hear, { signal: until.signal, capture });
  listen('pointerdown', ({ pointerType, button, clientX: x, clientY: y }) => {
    isMoved = false;
    if (pointerType !== 'mouse' || button !== 0) return;
    from = { x, y, left: box.scrollLeft, top: box.scrollTop };
  });
  listen('pointermove', (event) => {
    if (from === undefined) return;
    const [right, down] = [event.clientX - from.x, event.clientY - from.y];
    if (!isMoved && Math.hypot(right, down) < DRAG_PX_MIN) return;
    if (!isMoved) box.setPointerCapture(event.pointerId);
    isMoved = true;
    box.classList.add('is-dragged');
    box.scrollLeft = from.left - right;
    box.scrollTop = from.top - down;
  });
  const end = (): void => {
    from = undefined;
    box.classList.remove('is-dragged');
  };
  listen('pointerup', end);
  listen('pointercancel', end);
  listen('pointerleave', () => isMoved || end());
  listen('click', (event) => isMoved && event.stopPropagation(), true);
  return () => until.abort();
}
