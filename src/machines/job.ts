/**
 * The job chart: one paid piece of work at a provider, from the intent to the file in the chat.
 *
 *   starting → submitting ⇄ blocked          submitting: posting ⇄ advancing · resting ·
 *                  │    │                                doubting (looking · pausing)
 *                  │    └──▶ submitUnknown
 *                  ▼              │
 *              pending ⇄ polling ◀┘
 *                           └──▶ fetching: downloading · refreshing · resting
 *   any of these ──▶ settled: done | failed | timedOut | cancelled ──▶ closed
 *
 * Owns: the status of the job, its due times, its last error, its artifacts' names.
 * Asks for: `submit` (manual), `reconcile`, `poll`, `fetch`, `cancelRemote` (rerun); history.append,
 * actor.create and actor.send (its delivery, its session's wake).
 * Never: posts again after it was accepted; asks another provider before this one is known to have refused;
 * posts again in doubt before two complete looks found nothing; keeps a URL or a key; waits for a remote
 * cancel before it is cancelled.
 */
import * as rules from './job-rules.js';
import { jobSetup } from './job-setup.js';

export const jobMachine = jobSetup.createMachine({
  id: 'job',
  version: '2',
  description: 'One paid piece of work at a provider: submitted once, followed, fetched, delivered.',
  context: ({ input }) => rules.startJob(input),
  output: ({ context }) => context.outcome,
  initial: 'starting',
  on: { 'delivery.settled': { actions: 'noteDelivery' } },
  states: {
    starting: {
      description: 'Decides between a new task and one that was submitted elsewhere.',
      always: [{ guard: 'tracked', target: 'pending' }, { target: 'submitting' }],
    },
    blocked: {
      description: 'The provider has no adapter or no credentials here: parked until it has.',
      on: { 'job.cancel': { target: '#cancelled', actions: 'noteCancel' } },
      initial: 'unsubmitted',
      states: {
        unsubmitted: {
          description: 'Nothing was accepted; given up when the time to submit is over.',
          on: {
            'provider.available': { target: '#job.submitting', actions: 'beginRound' },
            'provider.evidence': [
              { guard: 'saysDone', target: '#job.fetching', actions: 'adopt' },
              { guard: 'saysFailed', target: '#failed', actions: ['adopt', 'noteError'] },
              { guard: 'saysPending', target: '#job.pending', actions: 'adopt' },
            ],
          },
          after: { submitBy: { guard: 'mayExpire', target: '#failed', actions: 'noteUnaccepted' } },
        },
        accepted: {
          description: 'The task is at the provider; polling goes on once it can be asked again.',
          on: {
            'provider.available': '#job.pending',
            'provider.evidence': [
              { guard: 'saysDone', target: '#job.fetching' },
              { guard: 'saysFailed', target: '#failed', actions: 'noteError' },
            ],
          },
        },
      },
    },
    submitting: {
      description: 'Not accepted yet, as far as is known.',
      on: {
        'job.cancel': { target: '#cancelled', actions: 'noteCancel' },
        'provider.evidence': [
          { guard: 'saysDone', target: 'fetching', actions: 'adopt' },
          { guard: 'saysFailed', target: '#failed', actions: ['adopt', 'noteError'] },
          { guard: 'saysPending', target: 'pending', actions: 'adopt' },
        ],
      },
      initial: 'posting',
      states: {
        posting: {
          description: 'The intent is on disk; one POST waits for its turn or its answer.',
          entry: 'countPost',
          invoke: {
            id: 'submit',
            src: 'submit',
            input: ({ context }) => rules.submitInput(context),
            onDone: [
              { guard: 'saysDone', target: '#job.fetching', actions: 'adopt' },
              { guard: 'saysFailed', target: '#failed', actions: ['adopt', 'noteError'] },
              { guard: 'accepted', target: '#job.pending', actions: 'adopt' },
              { guard: 'ambiguous', target: 'doubting', actions: 'noteDoubt' },
              { guard: 'mayAdvance', target: 'advancing', actions: 'noteRefusal' },
              { guard: 'mayRetryPost', target: 'resting', actions: 'noteRefusal' },
              { guard: 'mustWait', target: '#job.blocked', actions: 'noteRefusal' },
              { target: '#failed', actions: ['noteError', 'noteRefusal'] },
            ],
            onError: [
              { guard: 'followed', target: '#failed', actions: 'noteFollowed' },
              { target: 'doubting', actions: 'noteDoubt' },
            ],
          },
          on: { 'effect.interrupted': { target: 'doubting', actions: 'noteDoubt' } },
          initial: 'wanted',
          states: {
            wanted: {
              description: 'The answer is awaited.',
              on: { 'job.cancel': { target: 'unwanted', actions: 'noteCancel' } },
            },
            unwanted: {
              description: 'Cancelled while the POST is out: its answer says what to cancel.',
              on: {
                'job.cancel': {},
                'xstate.done.actor.submit': [
                  { guard: 'accepted', target: '#cancelled', actions: 'adopt' },
                  {
                    guard: 'perhapsAccepted',
                    target: '#cancelled',
                    actions: 'noteCancelInDoubt',
                  },
                  { target: '#cancelled' },
                ],
                'xstate.error.actor.submit': {
                  target: '#cancelled',
                  actions: 'noteCancelInDoubt',
                },
                'effect.interrupted': { target: '#cancelled', actions: 'noteCancelInDoubt' },
                'provider.evidence': { guard: 'namesTask', target: '#cancelled', actions: 'adopt' },
              },
              after: { answerPatience: { target: '#cancelled', actions: 'noteCancelInDoubt' } },
            },
          },
        },
        advancing: {
          description: 'Known not to be accepted: the next provider of the chain is asked.',
          entry: 'advance',
          always: 'posting',
        },
        resting: {
          description: 'Refused for now and known not to be accepted: the next POST waits.',
          entry: 'restBeforePost',
          after: {
            retry: { target: 'posting', actions: 'beginRound' },
            submitBy: { target: '#failed', actions: 'noteUnaccepted' },
          },
        },
        doubting: {
          description: 'A POST may have been accepted: the provider is asked, nothing is repeated.',
          on: { 'job.adopt': { target: '#job.pending', actions: 'adopt' } },
          initial: 'deciding',
          states: {
            deciding: {
              description: 'Decides whether the provider can be asked at all.',
              always: [{ guard: 'cannotLook', target: '#job.submitUnknown' }, { target: 'looking' }],
            },
            looking: {
              description: 'One complete look for the task, by key or by list.',
              entry: 'countLook',
              invoke: {
                id: 'reconcile',
                src: 'reconcile',
                input: ({ context }) => rules.reconcileInput(context),
                onDone: [
                  { guard: 'found', target: '#job.pending', actions: 'adopt' },
                  { guard: 'unsupported', target: '#job.submitUnknown' },
                  { guard: 'mayPostAgain', target: '#job.submitting.posting' },
                  { guard: 'provenAbsent', target: '#job.submitUnknown' },
                  { guard: 'absent', target: 'pausing', actions: 'countAbsent' },
                  { target: 'pausing' },
                ],
                onError: { target: 'pausing', actions: 'noteError' },
              },
            },
            pausing: {
              description: 'Between two looks.',
              entry: 'restBeforeLook',
              after: {
                retry: 'looking',
                unknownBy: { target: '#timedOut', actions: 'noteUnknown' },
              },
            },
          },
        },
      },
    },
    submitUnknown: {
      description: 'Perhaps accepted, and nobody to ask: waits for a webhook or an operator.',
      on: {
        'job.cancel': { target: '#cancelled', actions: 'noteCancel' },
        'job.adopt': { target: 'pending', actions: 'adopt' },
        'job.resubmit': 'submitting',
        'provider.evidence': [
          { guard: 'saysDone', target: 'fetching', actions: 'adopt' },
          { guard: 'saysFailed', target: '#failed', actions: ['adopt', 'noteError'] },
          { guard: 'saysPending', target: 'pending', actions: 'adopt' },
        ],
      },
      after: { unknownBy: { target: '#timedOut', actions: 'noteUnknown' } },
    },
    pending: {
      description: 'Accepted; waits for the next poll.',
      entry: 'schedulePoll',
      on: {
        'job.cancel': { target: '#cancelled', actions: 'noteCancel' },
        'provider.hint': [
          { guard: 'hintInTime', target: 'polling' },
          { guard: 'hintHurries', target: 'pending', reenter: true, actions: 'noteHint' },
        ],
        'provider.evidence': [
          { guard: 'saysDone', target: 'fetching' },
          { guard: 'saysFailed', target: '#failed', actions: 'noteError' },
          { guard: 'saysPending', actions: 'notePoll' },
        ],
      },
      after: { nextPoll: 'polling', deadline: 'polling' },
    },
    polling: {
      description: 'One poll waits for its turn or its answer; begun after the deadline, it is the last.',
      entry: 'countPoll',
      invoke: {
        id: 'poll',
        src: 'poll',
        input: ({ context }) => rules.pollInput(context),
        onDone: [
          { guard: 'done', target: 'fetching', actions: 'clearError' },
          { guard: 'failed', target: '#failed', actions: 'noteError' },
          { guard: 'blocked', target: 'blocked.accepted', actions: 'noteError' },
          { guard: 'taskLost', target: '#failed', actions: 'noteLost' },
          { guard: 'wasLastPoll', target: '#timedOut', actions: ['notePoll', 'noteDeadline'] },
          { target: 'pending', actions: 'notePoll' },
        ],
        onError: [
          { guard: 'wasLastPoll', target: '#timedOut', actions: 'noteDeadline' },
          { target: 'pending', actions: 'noteError' },
        ],
      },
      on: {
        'job.cancel': { target: '#cancelled', actions: 'noteCancel' },
        'provider.hint': { actions: 'noteHint' },
        'provider.evidence': [
          { guard: 'saysDone', target: 'fetching' },
          { guard: 'saysFailed', target: '#failed', actions: 'noteError' },
        ],
      },
    },
    fetching: {
      description: 'Rendered; the artifacts are being brought to disk, within a budget of retries.',
      entry: 'beginFetch',
      on: { 'job.cancel': { target: '#cancelled', actions: 'noteCancel' } },
      initial: 'downloading',
      states: {
        downloading: {
          description: 'A download, from a URL that is at hand where there is one.',
          invoke: {
            id: 'fetch',
            src: 'fetch',
            input: ({ context }) => rules.fetchInput(context, false),
            onDone: [
              { guard: 'done', target: '#done', actions: 'keepArtifacts' },
              { guard: 'blocked', target: '#job.blocked.accepted', actions: 'noteError' },
              { guard: 'permanent', target: '#failed.undownloaded', actions: 'noteDownload' },
              { guard: 'stale', target: 'refreshing', actions: 'noteError' },
              { target: 'resting', actions: 'noteError' },
            ],
            onError: { target: 'resting', actions: 'noteError' },
          },
        },
        refreshing: {
          description: 'A download from a URL the provider is asked for anew; stale again, it counts.',
          invoke: {
            id: 'fetch',
            src: 'fetch',
            input: ({ context }) => rules.fetchInput(context, true),
            onDone: [
              { guard: 'done', target: '#done', actions: 'keepArtifacts' },
              { guard: 'blocked', target: '#job.blocked.accepted', actions: 'noteError' },
              { guard: 'permanent', target: '#failed.undownloaded', actions: 'noteDownload' },
              {
                guard: 'fetchBudgetSpent',
                target: '#failed.undownloaded',
                actions: 'noteDownload',
              },
              { target: 'resting', actions: 'noteError' },
            ],
            onError: [
              {
                guard: 'fetchBudgetSpent',
                target: '#failed.undownloaded',
                actions: 'noteDownload',
              },
              { target: 'resting', actions: 'noteError' },
            ],
          },
        },
        resting: {
          description: 'Between two downloads.',
          entry: 'restBeforeFetch',
          after: { retry: 'refreshing' },
        },
      },
    },
    settled: {
      description: 'Has an outcome; kept until its messages are over and nothing late can come.',
      on: {
        'delivery.settled': [
          { guard: 'lastDeliveryOver', target: 'closed', actions: 'noteDelivery' },
          { actions: 'noteDelivery' },
        ],
      },
      after: { keep: { guard: 'deliveriesOver', target: 'closed' } },
      type: 'parallel',
      states: {
        outcome: {
          description: 'How it ended.',
          initial: 'done',
          states: {
            done: {
              id: 'done',
              description: 'The artifacts are on disk.',
              entry: { type: 'settle', params: { status: 'done' } },
            },
            failed: {
              id: 'failed',
              description: 'There is no artifact, and there will be none by itself.',
              entry: { type: 'settle', params: { status: 'failed' } },
              initial: 'unrendered',
              states: {
                unrendered: { description: 'The provider made nothing that could be fetched.' },
                undownloaded: {
                  description: 'Rendered and paid for, but not downloaded: can be retried by hand.',
                  on: { 'job.retry': '#job.fetching' },
                },
              },
            },
            timedOut: {
              id: 'timedOut',
              description: 'The deadline passed; a proven success within the grace period still counts.',
              entry: { type: 'settle', params: { status: 'timedOut' } },
              on: {
                'provider.evidence': { guard: 'saysDoneInGrace', target: '#job.fetching', actions: 'adopt' },
              },
            },
            cancelled: {
              id: 'cancelled',
              description: 'Cancelled on request: written to history, never pushed.',
              entry: { type: 'settle', params: { status: 'cancelled' } },
            },
          },
        },
        withdrawal: {
          description: 'What is no longer wanted is called off at the provider; nobody waits for it.',
          initial: 'deciding',
          states: {
            deciding: {
              description: 'Decides whether there is something to call off.',
              always: [{ guard: 'canWithdraw', target: 'withdrawing' }, { target: 'over' }],
            },
            withdrawing: {
              description: 'The provider is being told.',
              invoke: {
                id: 'cancelRemote',
                src: 'cancelRemote',
                input: ({ context }) => rules.taskInput(context),
                onDone: 'over',
                onError: 'over',
              },
              after: { remoteCancel: 'over' },
            },
            over: { description: 'Nothing is left to call off.' },
          },
        },
      },
    },
    closed: { description: 'Final: may be collected.', type: 'final' },
  },
});
