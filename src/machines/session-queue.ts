/**
 * The session chart: one conversation's queue, and the turn that works on it.
 *
 *   turn    idle(empty | waiting | ready) → running(commanding | working) → idle
 *                                             │ interrupt → interrupting → idle
 *                                             └ given back → pausing → idle
 *   queue   work comes in under its delivery policy (at the next safe boundary of a running turn, or after
 *           its commit) and its slot (joined with its like, or alone), messages under those of their queue
 *           mode; claims are taken, renewed, completed and given back by whoever proves them
 *
 * Owns: the order of a session's work, who holds which batch, when it may be claimed next. Asks for:
 * payload.put and payload.delete, file.hold and file.release, history.append, actor.create (deliveries).
 * Never: skips a ready head; lets two turns run at once; settles a batch twice; reads a payload.
 */
import { sessionSetup, startSession } from './session-setup.js';

export const sessionMachine = sessionSetup.createMachine({
  id: 'session',
  version: '1',
  description: 'One conversation: what reaches its next turn, when, and together with what.',
  context: ({ input }) => startSession(input),
  type: 'parallel',
  states: {
    turn: {
      description: 'The lifecycle of a turn: one at a time.',
      initial: 'idle',
      on: { 'claims.abandon': { guard: 'rests', target: '.pausing', actions: 'rest' } },
      states: {
        idle: {
          description: 'No turn runs: the head may be claimed, whatever its delivery policy.',
          initial: 'empty',
          on: {
            // What is at the head is one of these: the most frequent is asked for first, here and below.
            'turn.begin': [
              { guard: 'headIsExclusive', target: 'running.working', actions: ['take', 'noteTurn'] },
              { guard: 'headJoins', target: 'running.working', actions: ['take', 'noteTurn'] },
              { guard: 'headIsCommand', target: 'running.commanding', actions: ['take', 'noteTurn'] },
            ],
          },
          states: {
            empty: {
              description: 'Nothing to claim, and nothing that time alone makes claimable.',
              always: [
                { guard: 'somethingReady', target: 'ready' },
                { guard: 'somethingLater', target: 'waiting' },
              ],
            },
            waiting: {
              description: 'Work for later, or held by a claim that ends by itself.',
              entry: 'noteWake',
              always: [
                { guard: 'somethingReady', target: 'ready' },
                { guard: 'wakeMoved', target: 'empty' },
              ],
              after: { nextReady: 'empty' },
            },
            ready: {
              description: 'A turn can begin.',
              always: { guard: 'nothingReady', target: 'empty' },
            },
          },
        },
        running: {
          description: 'A turn runs: at its safe boundaries it may take what need not wait for its commit.',
          initial: 'working',
          on: {
            'turn.checkpoint': [
              { guard: 'headIsExclusive', actions: ['take', 'noteTurn'] },
              { guard: 'headJoins', actions: ['take', 'noteTurn'] },
              // Here to be drawn: the façade refuses it before.
              { guard: 'headWaitsForCommit' },
            ],
            'claims.complete': { guard: 'endsTurn', target: 'idle', actions: 'forgetTurn' },
            'claims.abandon': [
              { guard: 'endsTurnAndRests', target: 'pausing', actions: ['rest', 'forgetTurn'] },
              { guard: 'endsTurn', target: 'idle', actions: 'forgetTurn' },
              // What somebody else gives back is no reason for a running turn to rest.
              { guard: 'isProven' },
            ],
            'generation.began': { target: 'idle', actions: 'forgetTurn' },
            'generation.ended': { target: 'idle', actions: 'forgetTurn' },
            'claims.lost': { guard: 'losesTurn', target: 'idle', actions: 'forgetTurn' },
          },
          states: {
            commanding: { description: 'One session command, alone: no message interrupts it.' },
            working: {
              description: 'Inputs and wakes.',
              on: {
                'message.arrived': {
                  guard: 'interrupts',
                  target: '#session.turn.interrupting',
                  actions: 'interruptTurn',
                },
              },
            },
          },
        },
        interrupting: {
          description:
            'A newer message took its place: its claims are settled, its handler comes to its end.',
          on: {
            'turn.released': { guard: 'releasesTurn', target: 'idle', actions: 'forgetTurn' },
            'generation.began': { target: 'idle', actions: 'forgetTurn' },
            'generation.ended': { target: 'idle', actions: 'forgetTurn' },
            // What somebody else gives back does not end the interruption.
            'claims.abandon': { guard: 'isProven' },
          },
          after: { letGo: { target: 'idle', actions: 'forgetTurn' } },
        },
        pausing: {
          description: 'A turn failed: the session rests, so that nothing later overtakes what it held.',
          on: { 'session.resume': 'idle' },
          after: { rest: 'idle' },
          exit: 'restNoMore',
        },
      },
    },
    queue: {
      description:
        'Work in its order, under policies of its own or of a message’s queue mode. Delivery: at the next ' +
        'safe boundary of a running turn, or after its commit. Slot: joined with its like, or alone.',
      on: {
        'session.enqueue': { guard: 'isAccepted', actions: 'enqueue' },
        'message.arrived': [
          { guard: 'steersRunningTurn', actions: 'joinTurn' },
          { guard: 'followsUp', actions: 'followUp' },
          { guard: 'collects', actions: 'collectUntilQuiet' },
          { guard: 'interrupts', actions: 'replaceWaiting' },
        ],
        'mode.set': { actions: 'setMode' },
        'claim.take': [
          { guard: 'headIsExclusive', actions: 'take' },
          { guard: 'headJoins', actions: 'take' },
          { guard: 'headIsCommand', actions: 'take' },
          { guard: 'headWaitsForCommit' },
        ],
        'claim.renew': { guard: 'isProven', actions: 'renew' },
        'claims.complete': { guard: 'isProven', actions: 'complete' },
        'claims.abandon': { guard: 'isProven', actions: 'giveBack' },
        'batch.cancel': { actions: 'cancel' },
        'batch.retry': { actions: 'retry' },
        'generation.began': { actions: 'freeClaims' },
        'generation.ended': { actions: 'freeClaims' },
        'claims.lost': { actions: 'freeClaims' },
      },
    },
  },
});
