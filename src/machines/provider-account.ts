/**
 * The provider account chart: which calls of one account at one provider may go out.
 *
 *   open ⇄ limited (until the provider says)        any ──▶ paused: auth | billing ──▶ open (resumed by hand)
 *
 * Owns: the state of the account, its last trouble, what that holds back. The kernel's pools read it: jobs
 * never hear of it.
 * Asks for: nothing. Never: expires a job; opens a paused account because one late call still succeeded;
 * keeps what is paid for waiting because a new task cannot be paid.
 */
import { assign, emit, setup } from 'xstate';
import { envelopeOf } from './envelope.js';

export interface ProviderAccountInput {
  readonly provider: string;
  /** The credential's alias, never a key. */
  readonly alias: string;
}

export type AccountTrouble = 'auth' | 'billing';

/** What an account that is not open keeps in the pools: new tasks alone, or every call. */
export type AccountHold = 'submits' | 'calls';

export interface ProviderAccountContext extends ProviderAccountInput {
  /** When the present state began. */
  readonly since: number;
  readonly limitedUntil?: number | undefined;
  readonly message?: string | undefined;
  /** What trouble holds back; absent, as in accounts of the first version: every call. */
  readonly holds?: AccountHold | undefined;
}

export type ProviderAccountEvent =
  | {
      readonly type: 'account.trouble';
      readonly class: AccountTrouble;
      readonly message: string;
      readonly holds?: AccountHold;
    }
  /** `untilMs` is a wall time, epoch milliseconds. */
  | { readonly type: 'account.limited'; readonly untilMs: number }
  | { readonly type: 'account.resume' }
  | { readonly type: 'account.ok' };

/** Emitted once when an account is paused, and when it opens again after that. */
export type AccountNotice =
  | {
      readonly type: 'account.paused';
      readonly provider: string;
      readonly alias: string;
      readonly reason: AccountTrouble;
      readonly message: string;
    }
  | { readonly type: 'account.resumed'; readonly provider: string; readonly alias: string };

/** A provider may hold an account back for this long at most; then one call finds out. */
const LIMITED_MAX_MS = 900_000;

const start = (input: ProviderAccountInput): ProviderAccountContext => ({
  provider: input.provider,
  alias: input.alias,
  since: envelopeOf({ input }).at,
});

function limit({ limitedUntil = 0 }: ProviderAccountContext, event: ProviderAccountEvent) {
  const { at } = envelopeOf(event);
  const asked = event.type === 'account.limited' ? event.untilMs : at;
  return { limitedUntil: Math.max(limitedUntil, Math.min(asked, at + LIMITED_MAX_MS)) };
}

/** What waits in the pools; undefined while every call of the account may go out. */
export function accountHolds(snapshot: {
  readonly value: unknown;
  readonly context: unknown;
}): AccountHold | undefined {
  if (snapshot.value === 'open') return undefined;
  return (snapshot.context as ProviderAccountContext).holds ?? 'calls';
}

export const providerAccountMachine = setup({
  types: {
    context: {} as ProviderAccountContext,
    events: {} as ProviderAccountEvent,
    input: {} as ProviderAccountInput,
    emitted: {} as AccountNotice,
  },
  actions: {
    begin: assign(({ event }) => ({ since: envelopeOf(event).at })),
    limit: assign(({ context, event }) => limit(context, event)),
    clear: assign({ limitedUntil: undefined, message: undefined, holds: undefined }),
    noteTrouble: assign(({ event }) =>
      event.type === 'account.trouble' ? { message: event.message, holds: event.holds ?? 'calls' } : {},
    ),
    announcePaused: emit(({ context }, params: { reason: AccountTrouble }) => ({
      type: 'account.paused' as const,
      provider: context.provider,
      alias: context.alias,
      reason: params.reason,
      message: context.message ?? 'no reason given',
    })),
    announceResumed: emit(({ context: { provider, alias } }) => ({
      type: 'account.resumed' as const,
      provider,
      alias,
    })),
  },
  guards: {
    isBilling: ({ event }) => event.type === 'account.trouble' && event.class === 'billing',
    isHeldAlready: ({ context, event }) =>
      context.holds !== 'submits' || (event.type === 'account.trouble' && event.holds === 'submits'),
  },
  delays: {
    limited: ({ context, event }) => Math.max(0, (context.limitedUntil ?? 0) - envelopeOf(event).at),
  },
}).createMachine({
  id: 'provider',
  version: '2',
  description: 'One account at one provider: its calls go out, are held back, or wait for its owner.',
  context: ({ input }) => start(input),
  initial: 'open',
  on: {
    'account.trouble': [
      { guard: 'isBilling', target: '.paused.billing', actions: 'noteTrouble' },
      { target: '.paused.auth', actions: 'noteTrouble' },
    ],
  },
  states: {
    open: {
      description: 'Calls go out.',
      entry: ['begin', 'clear'],
      on: { 'account.limited': { target: 'limited', actions: 'limit' } },
    },
    limited: {
      description: 'The provider asked for a pause: calls wait in their pools until it is over.',
      entry: 'begin',
      on: {
        'account.limited': { target: 'limited', actions: 'limit', reenter: true },
        'account.ok': 'open',
        'account.resume': 'open',
      },
      after: { limited: 'open' },
    },
    paused: {
      description: 'Its owner must act: calls keep their places in the pools, nobody expires.',
      entry: 'begin',
      on: {
        'account.resume': { target: 'open', actions: 'announceResumed' },
        'account.trouble': { guard: 'isHeldAlready' },
      },
      initial: 'auth',
      states: {
        auth: {
          description: 'The key is missing, wrong or expired.',
          entry: { type: 'announcePaused', params: { reason: 'auth' } },
        },
        billing: {
          description:
            'The account has no credit: new tasks wait, and unless polls are refused too, they go on.',
          entry: { type: 'announcePaused', params: { reason: 'billing' } },
        },
      },
    },
  },
});
