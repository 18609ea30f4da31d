/**
 * Drives the session chart by hand, with its rows beside it: a step is shown those that it reads.
 *
 * Callers: session.test.ts.
 */
import { rowsReadBy, sessionMachine, stateOf } from '../../src/machines/index.js';
import type { ClaimProof, SessionContext, SessionEvent } from '../../src/machines/index.js';
import { drive, type Asked } from './drive.js';
import { proof } from './session-fixture.js';

export type State = string | Readonly<Record<string, string>>;

export interface Driven {
  readonly context: () => SessionContext;
  readonly turn: () => State;
  /** Sends; what else the step writes. */
  readonly send: (event: SessionEvent, afterMs?: number) => readonly Asked[];
  readonly fire: (delay: string) => void;
  readonly timers: () => Readonly<Record<string, number>>;
  readonly at: () => number;
  /** Where each batch stands, by nonce. */
  readonly states: () => Readonly<Record<string, string>>;
  readonly prove: (...claimIds: readonly string[]) => readonly ClaimProof[];
}

/** A session whose rows are kept as the kernel would keep them. */
export function session(input: { readonly attemptsMax?: number } = {}): Driven {
  const chart = drive(sessionMachine, { key: 'telegram:42', ...input });
  const rows = new Map<string, unknown>();
  const context = () => chart.now().snapshot.context;
  const keep = ({ type, params }: Asked): void => {
    const { name, value } = params as { name: string; value?: unknown };
    if (type === 'payload.put') rows.set(name, value);
    if (type === 'payload.delete') rows.delete(name);
  };
  return {
    context,
    turn: () => (chart.now().snapshot.value as { readonly turn: State }).turn,
    send: (event, afterMs = 0) => {
      const wanted = rowsReadBy(context(), event);
      if (wanted === undefined) throw new Error(`no session takes ${JSON.stringify(event)}`);
      const names = wanted.filter((name) => rows.has(name));
      const shown = Object.fromEntries(names.map((name) => [name, rows.get(name)]));
      const { asked: all } = chart.send(event, { afterMs, rows: shown });
      const written = all.filter(({ type }) => /^(actor|history|payload|file)\./.test(type));
      written.forEach(keep);
      return written;
    },
    fire: (delay) => void chart.fire(delay),
    timers: chart.timers,
    at: () => chart.now().at,
    states: () => {
      const heads = context().pages.flatMap((page) => page.heads);
      return Object.fromEntries(heads.map((head) => [head.nonce, stateOf(context(), head, chart.now().at)]));
    },
    prove: (...claimIds) => claimIds.map((id) => proof(context(), id)),
  };
}
