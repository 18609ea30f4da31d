/**
 * Everything that can go wrong on the way of one job, as scripts of the simulator: each once, so that the job
 * can come to a good end afterwards, and what other ends there may be.
 *
 * Callers: the matrix. Invariant: names are unique; the first one is no fault at all.
 */
import type { SimulatorScript } from '../../../src/simulator/index.js';

type Rule = NonNullable<SimulatorScript['faults']>[number];
export type Ending = 'done' | 'failed' | 'submitUnknown';

export interface Trouble {
  readonly name: string;
  readonly faults: readonly Rule[];
  readonly life?: SimulatorScript['life'];
  readonly ranges?: false;
  /** Beside `done`. */
  readonly mayEnd: readonly Ending[];
  /** The same, of adapters by their ids. */
  readonly mayEndOf?: Readonly<Record<string, readonly Ending[]>>;
}

const LOST: readonly Ending[] = ['submitUnknown', 'failed'];
const rule = (route: Rule['route'], fault: Rule['fault'], nth = 1): Rule => ({ route, nth, fault });

function once(name: string, route: Rule['route'], fault: Rule['fault'], ...mayEnd: Ending[]): Trouble {
  return { name: `${route}: ${name}`, faults: [rule(route, fault)], mayEnd };
}

/** A signed URL that is refused is over: there is no key that could be mended. */
function signedPolls(fault: string): Pick<Trouble, 'mayEndOf'> {
  return fault === 'unauthorized' ? { mayEndOf: { rsclaw_image: ['failed'] } } : {};
}

const refusals = [
  ['429 with seconds', { type: 'rateLimit', retryAfter: 'seconds' }],
  ['429 with a date', { type: 'rateLimit', retryAfter: 'date' }],
  ['429 with milliseconds', { type: 'rateLimit', retryAfter: 'milliseconds' }],
  ['a key that is refused', { type: 'unauthorized' }],
  ['a reset before the body', { type: 'resetBeforeBody' }],
] as const;

/** After these nobody can know whether there is a task. */
const doubts = [
  ['500, billed', { type: 'status', status: 500, billed: true }],
  ['500, not billed', { type: 'status', status: 500 }],
  ['502 in HTML, billed', { type: 'status', status: 502, body: 'html', billed: true }],
  ['503 of nothing', { type: 'status', status: 503, body: 'empty' }],
  ['504, billed', { type: 'status', status: 504, body: 'empty', billed: true }],
  ['408, billed', { type: 'status', status: 408, billed: true }],
  ['409, billed', { type: 'status', status: 409, billed: true }],
  ['a reset after the body, billed', { type: 'resetAfterBody', billed: true }],
  ['a reset after the body, not billed', { type: 'resetAfterBody', billed: false }],
  ['half an answer', { type: 'halfResponse' }],
  ['an answer longer than it says', { type: 'wrongContentLength', deltaBytes: -7 }],
  ['an answer shorter than it says', { type: 'wrongContentLength', deltaBytes: 7 }],
  ['JSON that breaks off', { type: 'invalidJson' }],
] as const;

const poll = [
  ['429', { type: 'rateLimit' }],
  ['500', { type: 'status', status: 500 }],
  ['502 in HTML', { type: 'status', status: 502, body: 'html' }],
  ['404', { type: 'status', status: 404 }],
  ['a key that is refused', { type: 'unauthorized' }],
  ['a reset before the body', { type: 'resetBeforeBody' }],
  ['a reset after the body', { type: 'resetAfterBody', billed: true }],
  ['half an answer', { type: 'halfResponse' }],
  ['an answer shorter than it says', { type: 'wrongContentLength', deltaBytes: 7 }],
  ['JSON that breaks off', { type: 'invalidJson' }],
  ['a status nobody knows', { type: 'unknownStatus', word: 'simmering' }],
] as const;

const downloads = [
  ['429', { type: 'rateLimit' }],
  ['503', { type: 'status', status: 503 }],
  ['404', { type: 'status', status: 404 }],
  ['a reset before the body', { type: 'resetBeforeBody' }],
  ['half a file', { type: 'halfResponse' }],
  ['a file that ends early', { type: 'truncated' }],
  ['a file shorter than it says', { type: 'wrongContentLength', deltaBytes: 7 }],
  ['an error page', { type: 'mistyped' }],
  ['an error page that says it is a film', { type: 'mistyped', body: 'html', lying: true }],
  ['a link that is over', { type: 'expired' }],
  ['a redirect within', { type: 'redirect', through: ['same'] }],
] as const;

export const troubles: readonly Trouble[] = [
  { name: 'nothing', faults: [], mayEnd: [] },
  ...refusals.map(([name, fault]) => once(name, 'submit', fault, ...LOST)),
  ...doubts.map(([name, fault]) => once(name, 'submit', fault, ...LOST)),
  once('400', 'submit', { type: 'status', status: 400 }, ...LOST),
  once('a terminal answer', 'submit', { type: 'terminalReply' }),
  once('a terminal failure', 'submit', { type: 'terminalReply', outcome: 'failed' }, 'failed'),
  ...poll.map(([name, fault]) => ({ ...once(name, 'poll', fault), ...signedPolls(fault.type) })),
  ...downloads.map(([name, fault]) => once(name, 'download', fault)),
  // Where it leads nobody has configured: refused, and no key goes there.
  once('a redirect to strangers', 'download', { type: 'redirect', through: ['foreign'] }, 'failed'),
  {
    ...once('half a file', 'download', { type: 'halfResponse' }),
    name: 'half a file, no ranges',
    ranges: false,
  },
  {
    name: 'an answer is lost, and so is the first look for its task',
    faults: [
      rule('submit', { type: 'resetAfterBody', billed: true }),
      rule('lookup', { type: 'status', status: 500 }),
      rule('list', { type: 'halfResponse' }),
    ],
    mayEnd: LOST,
  },
  {
    name: 'an answer is lost, and the task is not to be found at once',
    faults: [rule('submit', { type: 'halfResponse' })],
    life: { lag: { ms: 30_000 } },
    mayEnd: LOST,
  },
  { name: 'the task is not to be found at once', faults: [], life: { lag: { ms: 30_000 } }, mayEnd: [] },
  { name: 'the task fails', faults: [], life: { outcome: 'failed' }, mayEnd: ['failed'] },
];
