/**
 * The provider account chart: whether the calls of one account at one provider may go out.
 *
 *   open ⇄ limited (until the provider says)        any ──▶ paused: auth | billing ──▶ open (resumed by hand)
 *
 * Owns: the state of the account, its last trouble. The kernel's pools read it: jobs never hear of it.
 * Asks for: nothing. Never: expires a job; opens a paused account because one late call still succeeded.
 */
import { assign, emit, setup } from 'xstate';
import { envelopeOf } from './envelope.js';

export interface ProviderAccountInput {
  readonly provider: string;
  /** The credential's alias, never a key. */
  readonly alias: string;
}

export type AccountTrouble = 'auth' | 'billing';

export interface ProviderAccountContext extends ProviderAccountInput {
  /** When the present state began. */
  readonly since: number;
  readonly limitedUntil?: number | undefined;
  readonly message?: string | undefined;
}

export type ProviderAccountEvent =
  | { readonly type: 'account.trouble'; readonly class: AccountTrouble; readonly message: string }
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

/** True while calls of the account may go out. */
export function accountIsOpen(snapshot: { readonly value: unknown }): boolean {
  return snapshot.value === 'open';
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
    clear: assign({ limitedUntil: undefined, message: undefined }),
    noteTrouble: assign(({ event }) => (event.type === 'account.trouble' ? { message: event.message } : {})),
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
  },
  delays: {
    limited: ({ context, event }) => Math.max(0, (context.limitedUntil ?? 0) - envelopeOf(event).at),
  },
}).createMachine({
  id: 'provider',
  version: '1',
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
      on: { 'account.resume': { target: 'open', actions: 'announceResumed' }, 'account.trouble': {} },
      initial: 'auth',
      states: {
        auth: {
          description: 'The key is missing, wrong or expired.',
          entry: { type: 'announcePaused', params: { reason: 'auth' } },
        },
        billing: {
          description: 'The account has no credit.',
          entry: { type: 'announcePaused', params: { reason: 'billing' } },
        },
      },
    },
  },
});
