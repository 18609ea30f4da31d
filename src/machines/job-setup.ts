/**
 * What the names in the job chart mean: its actions, guards, delays and effects.
 *
 * Owns: the table from a name to a rule, nothing else. Callers: job.ts. The rules themselves are in
 * job-rules.ts.
 * Invariant: every name here is used in the chart, and the chart uses no other.
 */
import { assign, enqueueActions, setup } from 'xstate';
import * as chain from './job-chain.js';
import * as polls from './job-polls.js';
import * as rules from './job-rules.js';
import { settlementOf, type SettlementAsk } from './job-settlement.js';
import type * as words from './job-words.js';
import { deliveriesOver } from './owed-deliveries.js';
import { providedByRuntime, reservedActions } from './reserved.js';

const { jobRules, msUntil } = rules;
const FOLLOWED = 'the provider gave it the task of another job, which follows it already';
const LOST = 'rendering cannot be followed: the provider no longer knows the task';
const UNACCEPTED = 'no provider accepted it within';
const UNKNOWN = 'it is still unknown whether the provider accepted it after';

export interface Settling {
  readonly status: words.SettledStatus;
}

const answers =
  (is: string) =>
  ({ event }: { readonly event: words.JobEvent }): boolean =>
    'output' in event && event.output.type === is;

export const jobSetup = setup({
  types: {
    context: {} as words.JobContext,
    events: {} as words.JobEvent,
    input: {} as words.JobInput,
  },
  actors: {
    submit: providedByRuntime<words.SubmitAnswer, words.SubmitInput>(),
    reconcile: providedByRuntime<words.ReconcileAnswer, words.ReconcileInput>(),
    poll: providedByRuntime<words.PollAnswer, words.PollInput>(),
    fetch: providedByRuntime<words.FetchAnswer, words.FetchInput>(),
    cancelRemote: providedByRuntime<words.CancelAnswer, words.RemoteTaskInput>(),
  },
  actions: {
    ...reservedActions,
    adopt: assign(({ context, event }) => rules.adopt(context, event)),
    noteError: assign(({ event }) => rules.noteError(event)),
    noteRefusal: assign(({ context, event }) => chain.noteRefusal(context, event)),
    advance: assign(({ context }) => chain.advance(context)),
    beginRound: assign(({ context }) => chain.beginRound(context)),
    noteCancel: assign(({ context, event }) => rules.noteCancel(context, event)),
    noteCancelInDoubt: assign(({ context, event }) => rules.noteCancelInDoubt(context, event)),
    noteDoubt: assign(({ context, event }) => rules.noteDoubt(context, event)),
    notePoll: assign(({ context, event }) => rules.notePoll(context, event)),
    noteFollowed: assign(() => rules.failure('task-followed', FOLLOWED)),
    noteLost: assign(() => rules.failure('task-lost', LOST)),
    noteUnaccepted: assign(({ context: { input } }) =>
      rules.failure('not-accepted', `${UNACCEPTED} ${rules.seconds(input.submitByMs)}`),
    ),
    noteUnknown: assign(({ context: { input } }) =>
      rules.failure('submit-unknown', `${UNKNOWN} ${rules.seconds(input.submitByMs)}`),
    ),
    noteDeadline: assign(({ context: { input } }) =>
      rules.failure('timed-out', `timed out after ${rules.seconds(input.timeoutMs)}`),
    ),
    noteDownload: assign(({ event }) => rules.noteDownload(event)),
    clearError: assign({ error: undefined }),
    noteDelivery: assign(({ context, event }) => rules.noteDelivery(context, event)),
    countPost: assign({ posts: ({ context }) => context.posts + 1, retryAt: undefined }),
    countLook: assign(({ context, event }) => rules.countLook(context, event)),
    countAbsent: assign(({ context }) => rules.countAbsent(context)),
    countPoll: assign(({ context, event }) => rules.countPoll(context, event)),
    noteHint: assign({ hinted: true }),
    restBeforePost: assign(({ context, event }) => rules.restBeforePost(context, event)),
    restBeforeLook: assign(({ context, event }) => rules.restBeforeLook(context, event)),
    restBeforeFetch: assign(({ context, event }) => rules.restBeforeFetch(context, event)),
    schedulePoll: assign(({ context, event }) => polls.schedulePoll(context, event)),
    beginFetch: assign({ fetchFailures: 0, nextPollAt: undefined }),
    keepArtifacts: assign(({ event }) => rules.keepArtifacts(event)),
    settle: enqueueActions<
      words.JobContext,
      words.JobEvent,
      Settling,
      words.JobEvent,
      never,
      SettlementAsk,
      never,
      never
    >(({ context, event, enqueue }, { status }) => {
      const { change, asks } = settlementOf(context, event, status);
      enqueue.assign(change);
      for (const ask of asks) enqueue(ask);
    }),
  },
  guards: {
    tracked: ({ context }) => context.ref !== undefined,
    accepted: answers('accepted'),
    ambiguous: answers('ambiguous'),
    blocked: answers('blocked'),
    found: answers('found'),
    absent: answers('absent'),
    unsupported: answers('unsupported'),
    done: answers('done'),
    failed: answers('failed'),
    stale: answers('stale'),
    permanent: answers('permanent'),
    perhapsAccepted: ({ event }) => rules.perhapsAccepted(event),
    // What is said of the task, by a webhook or with the answer to the POST, and a reference to fetch it by.
    saysDone: ({ context, event }) => rules.says(context, event, 'done'),
    saysFailed: ({ context, event }) => rules.says(context, event, 'failed'),
    saysPending: ({ context, event }) => rules.says(context, event, 'pending'),
    saysDoneInGrace: ({ context, event }) => rules.saysDoneInGrace(context, event),
    mayAdvance: ({ context, event }) => chain.mayAdvance(context, event),
    mayRetryPost: ({ context, event }) => chain.mayRetryPost(context, event),
    mustWait: ({ context, event }) => chain.mustWait(context, event),
    mayExpire: ({ context }) => chain.mayExpire(context),
    mayPostAgain: ({ context, event }) => rules.mayPostAgain(context, event),
    provenAbsent: ({ context, event }) => rules.provenAbsent(context, event),
    cannotLook: ({ context }) => context.input.reconcile.by === 'none',
    // Its answer names a task that another job took in the same moment: there is no doubt that it was paid.
    followed: ({ event }) => 'error' in event && event.error.code === 'NOT_UNIQUE',
    taskLost: ({ context, event }) => rules.taskLost(context, event),
    wasLastPoll: ({ context }) => rules.wasLastPoll(context),
    hintInTime: ({ context, event }) => polls.hintInTime(context, event),
    hintHurries: ({ context }) => polls.hintHurries(context),
    namesTask: ({ event }) => rules.refIn(event) !== undefined,
    fetchBudgetSpent: ({ context }) => context.fetchFailures >= jobRules.fetchRetriesMax,
    canWithdraw: ({ context }) => rules.canWithdraw(context),
    deliveriesOver: ({ context }) => deliveriesOver(context.deliveries),
    lastDeliveryOver: ({ context, event }) => rules.lastDeliveryOver(context, event),
  },
  delays: {
    answerPatience: jobRules.answerPatienceMs,
    remoteCancel: jobRules.remoteCancelMs,
    retry: ({ context, event }) => msUntil(context.retryAt ?? 0, event),
    nextPoll: ({ context, event }) => msUntil(context.nextPollAt ?? 0, event),
    deadline: ({ context, event }) => msUntil(context.timeoutAt ?? 0, event),
    submitBy: ({ context, event }) => msUntil(context.submittedAt + context.input.submitByMs, event),
    unknownBy: ({ context, event }) =>
      msUntil((context.doubtSince ?? context.submittedAt) + context.input.submitByMs, event),
    // From the entry, which is the moment of the outcome: the outcome itself is written a little later in
    // that step.
    keep: ({ context }) => rules.keepMs(context),
  },
});
