/**
 * Who may send what: for each event of the runtime's own charts, who does, in words.
 *
 * Pure. Callers: legal.ts. Invariant (kept by a test): every event that a chart of the house takes, but for
 * its own timers and effects, is in the table, and the table has no other.
 */
import type { LegalEvent } from './face.js';

export type Sender = Pick<LegalEvent, 'by' | 'who'>;

const person = (who: string): Sender => ({ by: 'operator', who });
const caller = (who: string): Sender => ({ by: 'caller', who });
const actor = (who: string): Sender => ({ by: 'actor', who });
const effect = (who: string): Sender => ({ by: 'effect', who });
const provider = (who: string): Sender => ({ by: 'provider', who });

const you = person('an operator, or your code');
const runner = effect('its runner, while it runs');
const worker = caller('the worker that has its claim');
const itsDelivery = actor('its delivery, when that has ended');
const crash = effect('the runtime, after a crash cut the effect off');
const opening = caller('the runtime, when it is opened');
const turn = caller('who serves the session: a turn of your handler');
const anyone = caller('your code, a door, or a job or task that wakes it');

/** By kind and type. */
export const houseSenders: Readonly<Record<string, Readonly<Record<string, Sender>>>> = {
  job: {
    'job.cancel': you,
    'job.retry': you,
    'job.adopt': you,
    'job.resubmit': you,
    'provider.available': caller('the runtime, once the provider has its adapter, its key and its account'),
    'provider.hint': provider('the provider, by webhook; a poll follows'),
    'provider.evidence': provider('the provider, by signed webhook'),
    'delivery.settled': itsDelivery,
    'effect.interrupted': crash,
  },
  delivery: {
    'lane.turn': caller('the runtime, when earlier messages to the same target are out'),
    'delivery.retry': you,
    'delivery.dismiss': you,
    'effect.interrupted': crash,
  },
  provider: {
    'account.trouble': effect('a call that the provider refused for its key or its credit'),
    'account.limited': effect('a call that the provider asked to come later'),
    'account.ok': effect('a call that went through'),
    'account.resume': person('an operator, once its key or its credit is mended'),
  },
  parked: { 'job.found': caller('the runtime, when a job has adopted the task') },
  session: {
    'session.enqueue': anyone,
    'message.arrived': caller('your code, or a door'),
    'mode.set': caller('your code, or a door'),
    'turn.begin': turn,
    'turn.checkpoint': turn,
    'turn.released': turn,
    'claim.take': caller('a worker, by the claims of the session'),
    'claim.renew': caller('who holds the claim'),
    'claims.complete': caller('who holds the claims'),
    'claims.abandon': caller('who holds the claims'),
    'claims.lost': caller('the runtime, when the session goes on after it stood still'),
    'batch.cancel': you,
    'batch.retry': you,
    'session.resume': you,
    'generation.began': opening,
    'generation.ended': caller('the runtime, when it is closed'),
  },
  task: {
    'task.started': runner,
    'task.iteration': runner,
    'task.usage': runner,
    'task.checkpoint': runner,
    'task.output': runner,
    'task.spawn': runner,
    'tool.started': runner,
    'tool.ended': runner,
    'run.released': runner,
    'tool.resolve': person('an operator, or your code: what became of the call'),
    'task.cancel': person('an operator, your code, or its parent'),
    'task.retry': you,
    'runner.available': opening,
    'child.settled': actor('a sub-task, when it has ended'),
    'delivery.settled': itsDelivery,
  },
  work: {
    'work.claim': caller('a worker that asks for the next item'),
    'work.heartbeat': worker,
    'work.done': worker,
    'work.fail': worker,
    'work.requeue': worker,
    'work.reclaim': caller('your code, once the claim has expired'),
    'work.cancel': you,
    'work.retry': you,
    'generation.began': opening,
  },
  schedule: {
    'schedule.change': you,
    'schedule.pause': you,
    'schedule.resume': you,
    'schedule.trigger': you,
    'schedule.remove': you,
    'schedule.due': { by: 'timer', who: 'the schedule itself, when a run is due' },
    'work.settled': actor('the work item of a run, when it has ended'),
  },
};

const stranger = caller('your code, or another actor');

/** Who sends an event that is neither a timer's nor an effect's. */
export function senderOf(kind: string, type: string): Sender {
  const house = houseSenders[kind];
  return (house !== undefined && Object.hasOwn(house, type) ? house[type] : undefined) ?? stranger;
}
