/**
 * What the names in the session chart mean.
 *
 * Callers: session-queue.ts. Invariant: a guard looks at what a step was given and nothing else; the façade
 * asks the same functions before it sends, so what is refused there never gets here.
 */
import { assign, enqueueActions, setup } from 'xstate';
import { envelopeOf } from './envelope.js';
import { reservedActions } from './reserved.js';
import type { SelectionRefusal } from './select-batches.js';
import { firstReady, freed, readyNextAt, released, renewed } from './session-claims.js';
import { taken, takingOf } from './session-claims.js';
import * as intake from './session-intake.js';
import { NO_CHANGE, type Change, type SessionAsk } from './session-intake.js';
import { completed, completeRefusal, endsTurn, firstSuperseded, interrupted } from './session-settling.js';
import type { ClaimAsked, ClaimProof, ModeSettings, QueueMode } from './session-words.js';
import type { SessionContext, SessionEvent, SessionInput } from './session-words.js';

/** How long an interrupted turn's handler may take to come to its end. */
const LET_GO_MS = 30_000;

interface Scope {
  readonly context: SessionContext;
  readonly event: SessionEvent;
}

/** An action whose rule gives a new context, and what is to be written with it. */
function change(rule: (context: SessionContext, event: SessionEvent) => Change) {
  return enqueueActions<
    SessionContext,
    SessionEvent,
    undefined,
    SessionEvent,
    never,
    SessionAsk,
    never,
    never
  >(({ context, event, enqueue }) => {
    const { context: next, asks } = rule(context, event);
    enqueue.assign(next);
    for (const ask of asks) enqueue(ask);
  });
}

/** The same for events of one type: what else a chart lets in would be a mistake in it. */
function changeBy<Type extends SessionEvent['type']>(
  type: Type,
  rule: (context: SessionContext, event: Extract<SessionEvent, { type: Type }>) => Change,
) {
  return change((context, event) =>
    event.type === type ? rule(context, event as Extract<SessionEvent, { type: Type }>) : NO_CHANGE,
  );
}

function claimIn(event: SessionEvent): ClaimAsked | undefined {
  const asks = event.type === 'claim.take' || event.type === 'turn.begin' || event.type === 'turn.checkpoint';
  return asks ? event.claim : undefined;
}

/** A turn takes what is at the head: a command alone, or work. */
export function askedBy(context: SessionContext, event: SessionEvent): ClaimAsked | undefined {
  const claim = claimIn(event);
  if (claim === undefined || event.type !== 'turn.begin') return claim;
  const head = firstReady(context, envelopeOf(event).at);
  return head?.kind === 'command' ? { ...claim, wanted: 'command' } : claim;
}

/** What stands at the head for the claim that an event asks for. */
function headFor({ context, event }: Scope): 'command' | 'exclusive' | 'join' | SelectionRefusal {
  const claim = askedBy(context, event);
  if (claim === undefined) return 'empty';
  const taking = takingOf(context, claim, envelopeOf(event).at);
  if (taking.type === 'refused') return taking.reason === 'deliveryBoundaryBlocked' ? taking.reason : 'empty';
  const [head] = taking.heads;
  if (head?.kind === 'command') return 'command';
  return head?.slot === 'X' ? 'exclusive' : 'join';
}

function take(context: SessionContext, event: SessionEvent): Partial<SessionContext> {
  const asked = askedBy(context, event);
  const taking = asked && takingOf(context, asked, envelopeOf(event).at);
  return taking?.type === 'taken' ? taken(context, taking) : {};
}

function turnWith(context: SessionContext, event: SessionEvent): Partial<SessionContext> {
  if (event.type !== 'turn.begin' && event.type !== 'turn.checkpoint') return {};
  const { turnId, claim } = event;
  const { claimId, ownerId } = claim;
  const claims = [...(event.type === 'turn.checkpoint' ? (context.turn?.claims ?? []) : []), claimId];
  const startedAt = context.turn?.startedAt ?? envelopeOf(event).at;
  return { turn: { turnId, ownerId, startedAt, claims } };
}

function modeOf({ context, event }: Scope): QueueMode | undefined {
  return event.type === 'message.arrived' ? intake.settingsOf(context, event.channel).mode : undefined;
}

function isAccepted({ context, event }: Scope): boolean {
  const isWork = event.type === 'session.enqueue' || event.type === 'message.arrived';
  return isWork && intake.enqueueRefusal(context, event) === undefined;
}

function isRunning({ turn }: SessionContext): boolean {
  return turn !== undefined;
}

function restMs(event: SessionEvent): number {
  return event.type === 'claims.abandon' ? (event.retryInMs ?? 0) : 0;
}

function readyNow({ context, event }: Scope): boolean {
  return firstReady(context, envelopeOf(event).at) !== undefined;
}

export const sessionSetup = setup({
  types: {
    context: {} as SessionContext,
    events: {} as SessionEvent,
    input: {} as SessionInput,
  },
  actions: {
    ...reservedActions,
    enqueue: changeBy('session.enqueue', intake.enqueued),
    joinTurn: changeBy('message.arrived', (context, event) =>
      intake.arrived(context, event, { deliver: 'E', slot: 'J', merge: 'P' }),
    ),
    followUp: changeBy('message.arrived', (context, event) =>
      intake.arrived(context, event, { deliver: 'A', slot: 'X', merge: 'N' }),
    ),
    collectUntilQuiet: changeBy('message.arrived', intake.collected),
    replaceWaiting: changeBy('message.arrived', intake.replacing),
    setMode: assign(({ context, event }) => (event.type === 'mode.set' ? withMode(context, event) : {})),
    take: assign(({ context, event }) => take(context, event)),
    noteTurn: assign(({ context, event }) => turnWith(context, event)),
    forgetTurn: assign({ turn: undefined }),
    interruptTurn: change((context, event) => interrupted(context, event)),
    renew: assign(({ context, event }) =>
      event.type === 'claim.renew' ? renewed(context, event.claim, envelopeOf(event).at) : {},
    ),
    complete: changeBy('claims.complete', completed),
    giveBack: assign(({ context, event }) =>
      event.type === 'claims.abandon'
        ? {
            ...released(context, event.claims),
            lastAbandon: { at: envelopeOf(event).at, reason: event.reason },
          }
        : {},
    ),
    rest: assign(({ event }) => ({ pausedUntil: envelopeOf(event).at + restMs(event) })),
    restNoMore: assign({ pausedUntil: undefined }),
    cancel: changeBy('batch.cancel', (context, event) =>
      intake.cancelled(context, event.batchId, envelopeOf(event).at),
    ),
    retry: changeBy('batch.retry', (context, event) => intake.retried(context, event.batchId)),
    freeClaims: assign(({ context, event }) => ({ claims: freed(context, event, envelopeOf(event).at) })),
    noteWake: assign(({ context, event }) => ({ wakeAt: readyNextAt(context, envelopeOf(event).at) })),
  },
  guards: {
    isAccepted,
    steersRunningTurn: (scope) => isAccepted(scope) && modeOf(scope) === 'steer' && isRunning(scope.context),
    followsUp: (scope) => isAccepted(scope) && (modeOf(scope) === 'steer' || modeOf(scope) === 'followup'),
    collects: (scope) => isAccepted(scope) && modeOf(scope) === 'collect',
    interrupts: (scope) => isAccepted(scope) && modeOf(scope) === 'interrupt',
    headWaitsForCommit: (scope) => headFor(scope) === 'deliveryBoundaryBlocked',
    headIsCommand: (scope) => headFor(scope) === 'command',
    headIsExclusive: (scope) => headFor(scope) === 'exclusive',
    headJoins: (scope) => headFor(scope) === 'join',
    isProven: ({ context, event }) => isProven(context, event),
    endsTurn: ({ context, event }) => isProven(context, event) && endsTurn(context, claimsIn(event)),
    endsTurnAndRests: ({ context, event }) =>
      isProven(context, event) && endsTurn(context, claimsIn(event)) && restMs(event) > 0,
    losesTurn: ({ context, event }) => event.type === 'claims.lost' && losesTurn(context, event.claimIds),
    rests: ({ context, event }) => isProven(context, event) && restMs(event) > 0,
    somethingReady: readyNow,
    nothingReady: (scope) => !readyNow(scope),
    somethingLater: ({ context, event }) => readyNextAt(context, envelopeOf(event).at) !== undefined,
    wakeMoved: ({ context, event }) => readyNextAt(context, envelopeOf(event).at) !== context.wakeAt,
    releasesTurn: ({ context, event }) =>
      event.type === 'turn.released' && event.turnId === context.turn?.turnId,
  },
  delays: {
    nextReady: ({ context, event }) => Math.max(0, (context.wakeAt ?? 0) - envelopeOf(event).at),
    letGo: LET_GO_MS,
    rest: ({ context, event }) => Math.max(0, (context.pausedUntil ?? 0) - envelopeOf(event).at),
  },
});

/** True when nothing is left of the running turn without these claims. */
function losesTurn({ turn, claims }: SessionContext, lost: readonly string[]): boolean {
  return turn?.claims.every((id) => claims[id] === undefined || lost.includes(id)) === true;
}

function claimsIn(event: SessionEvent): readonly ClaimProof[] {
  if (event.type === 'claim.renew') return [event.claim];
  return event.type === 'claims.complete' || event.type === 'claims.abandon' ? event.claims : [];
}

function isProven(context: SessionContext, event: SessionEvent): boolean {
  if (event.type === 'claims.complete') return completeRefusal(context, event) === undefined;
  const proves = event.type === 'claims.abandon' || event.type === 'claim.renew';
  return proves && firstSuperseded(context, claimsIn(event)) === undefined;
}

function withMode(
  context: SessionContext,
  { settings, channel }: Extract<SessionEvent, { type: 'mode.set' }>,
): Partial<SessionContext> {
  const { modes } = context;
  if (channel === undefined) return { modes: { ...modes, session: { ...modes.session, ...settings } } };
  const own = { ...intake.settingsOf(context, channel), ...settings };
  return { modes: { ...modes, channels: { ...modes.channels, [channel]: own } } };
}

/** How a session begins. */
export function startSession({ key, attemptsMax = 5 }: SessionInput): SessionContext {
  return {
    key,
    attemptsMax,
    nextSeq: 1,
    pages: [],
    claims: {},
    modes: { session: modeDefaults, channels: {} },
    messages: [],
    summaries: [],
    counts: {
      batches: 0,
      dead: 0,
      enqueued: 0,
      completed: 0,
      cancelled: 0,
      dropped: { old: 0, summarize: 0, interrupt: 0 },
    },
  };
}

export const modeDefaults: ModeSettings = { mode: 'followup', cap: 20, drop: 'summarize', debounceMs: 500 };
