/**
 * Sessions: what their steps cost however long the queue is, how many messages a second they take, and how
 * much memory it takes to drain many of them. Callers: run.ts, as a process of its own.
 */
import { atLeast, atMost, report } from './gates.js';
import { median } from './lanes.js';
import { measureDrains } from './session-drain.js';
import { measureQueues, type QueueCost } from './session-flat.js';
import { measureLive, measureTalk, medianTalk, type Talk } from './session-talk.js';

const BYTES_FACTOR_MAX = 1.2;
const TIME_FACTOR_MAX = 2;
const RATIO_MIN = 0.6;
const GROWTH_MIB_MAX = 32;

const operations = ['enqueue', 'claim', 'complete', 'head'] as const;
type Operation = (typeof operations)[number];

function queueLine({ size, bytes, us, cpuUs }: QueueCost): string {
  const each = operations.map((operation) => {
    const figures = [bytes, us, cpuUs].map((figure) => figure[operation].toFixed(0));
    return figures.join(' / ').padStart(20);
  });
  return `${String(size).padStart(13)}${each.join('')}`;
}

function talkLine(name: string, { messagesPerSecond, cpuUsPerMessage }: Talk): string {
  const rate = messagesPerSecond.toFixed(0).padStart(6);
  return `${name.padEnd(28)}${rate} messages/s  ${cpuUsPerMessage.toFixed(0).padStart(6)} us CPU a message`;
}

/** The most of a figure to its least, over all lengths. */
function spread(costs: readonly QueueCost[], figure: (cost: QueueCost) => number): number {
  const figures = costs.map(figure);
  return Math.max(...figures) / Math.min(...figures);
}

const queues = await measureQueues();
console.log(`batches waiting${operations.map((name) => name.padStart(20)).join('')}   (bytes / us / CPU us)`);
for (const queue of queues) console.log(queueLine(queue));

const rounds = await measureTalk();
const live = await measureLive();
const facade = medianTalk(rounds.map((round) => round.facade));
const ceiling = medianTalk(rounds.map((round) => round.ceiling));
console.log('\na thousand conversations of twenty messages, one in flight in each, synced');
console.log(talkLine('sessions', facade));
console.log(talkLine('ceiling', ceiling));
console.log(talkLine('live XState and level', live));
const ratioOf = (part: (round: (typeof rounds)[number]) => number): number => median(rounds.map(part));
const cpuRatio = ratioOf((round) => round.ceiling.cpuUsPerMessage / round.facade.cpuUsPerMessage);
console.log(`CPU a message, ceiling to sessions: ${cpuRatio.toFixed(2)}`);

const drains = await measureDrains();
console.log(
  '\nsessions with one batch each, drained: a second, MiB resident at most and at the end, of heap',
);
for (const { sessions, sessionsPerSecond, peakMiB, endMiB, heapMiB } of drains) {
  const mib = [peakMiB, endMiB, heapMiB].map((value) => value.toFixed(0).padStart(6));
  console.log(`${String(sessions).padStart(13)}${sessionsPerSecond.toFixed(0).padStart(8)}${mib.join('')}`);
}

const bytesOf = (operation: Operation): number => spread(queues, ({ bytes }) => bytes[operation]);
const timeOf = (operation: Operation): number => spread(queues, ({ us }) => us[operation]);
const cpuOf = (operation: Operation): number => spread(queues, ({ cpuUs }) => cpuUs[operation]);
const steps = ['enqueue', 'claim', 'complete'] as const;
const [, middle, last] = drains.map(({ peakMiB }) => peakMiB);
report(
  'sessions',
  [
    ...steps.map((step) => atMost(BYTES_FACTOR_MAX, `bytes of ${step}, most to least`, bytesOf(step))),
    ...operations.map((step) => atMost(TIME_FACTOR_MAX, `time of ${step}, most to least`, timeOf(step))),
    ...operations.map((step) => atMost(TIME_FACTOR_MAX, `CPU of ${step}, most to least`, cpuOf(step))),
    atMost(
      0,
      'payload rows read to see the head',
      Math.max(...queues.map(({ payloadReadsOfHeads }) => payloadReadsOfHeads)),
    ),
    atLeast(
      RATIO_MIN,
      'messages a second, sessions to ceiling, synced',
      ratioOf((round) => round.facade.messagesPerSecond / round.ceiling.messagesPerSecond),
    ),
    atMost(
      GROWTH_MIB_MAX,
      'resident memory at most, 50,000 sessions drained to 10,000',
      (last ?? Number.NaN) - (middle ?? Number.NaN),
      'MiB',
    ),
  ],
  { queues, rounds, live, cpuRatio, drains },
);
