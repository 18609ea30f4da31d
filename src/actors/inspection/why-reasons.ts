/**
 * What the runtime's own actors wait for, in words that need their context: a sentence or two for a kind and
 * a state.
 *
 * Pure. Callers: why-words.ts. Invariant: what a context does not have is left out, and no fault.
 */
import { durationWords } from './duration-words.js';
import { timeWords } from './event-words.js';
import { loose, text } from './titles.js';
import type { WhyFacts } from './why-facts.js';

type Reason = (facts: WhyFacts) => readonly string[];

const reasons: Readonly<Record<string, Reason>> = {
  job: jobReason,
  delivery: deliveryReason,
  task: taskReason,
  work: workReason,
  schedule: scheduleReason,
  session: sessionReason,
  provider: accountReason,
  parked: ({ context }) => [
    `It is news of the task ${text(loose(context['ref'])['taskId']) ?? '?'}, which no job has taken yet.`,
  ],
};

export function reasonsOf(facts: WhyFacts): readonly string[] {
  const reason = Object.hasOwn(reasons, facts.kind) ? reasons[facts.kind] : undefined;
  return reason?.(facts) ?? [];
}

function isIn({ states }: WhyFacts, path: string): boolean {
  return states.some((state) => state.path === path || state.path.startsWith(`${path}.`));
}

function jobReason(facts: WhyFacts): readonly string[] {
  const { context } = facts;
  const provider = text(loose(context['input'])['provider']) ?? 'its provider';
  if (isIn(facts, 'blocked'))
    return [
      `${provider} cannot be asked here: it goes on by itself once its adapter, its key and its ` +
        'account are there.',
    ];
  if (isIn(facts, 'submitUnknown'))
    return [
      `${provider} may have taken it, and may be paid for: look there for the task. Adopt it if it is ` +
        'there, submit again if it is not.',
    ];
  if (isIn(facts, 'submitting.doubting'))
    return [`Whether ${provider} has it is being looked up; ${count(context['looks'], 'look')} so far.`];
  if (isIn(facts, 'submitting.resting'))
    return [`${provider} refused it for now, and has not got it; ${count(context['posts'], 'POST')} so far.`];
  if (isIn(facts, 'pending') || isIn(facts, 'polling')) return [followed(facts, provider)];
  if (isIn(facts, 'fetching')) {
    const failed = Number(context['fetchFailures'] ?? 0);
    return failed === 0 ? [] : [`It was rendered; ${count(failed, 'download')} failed.`];
  }
  if (isIn(facts, 'settled')) return deliveryOf(context);
  return [];
}

function followed({ context, now }: WhyFacts, provider: string): string {
  const { acceptedAt, pollCount, progress } = context;
  const since = typeof acceptedAt === 'number' ? ` for ${durationWords(now - acceptedAt)}` : '';
  const part = typeof progress === 'number' ? `; it is at ${Math.round(progress * 100)} %` : '';
  return `${provider} has had it${since}, and was asked ${count(pollCount, 'time')}${part}.`;
}

function deliveryOf({ deliveries }: WhyFacts['context']): readonly string[] {
  if (!Array.isArray(deliveries)) return [];
  const { deliveryId, status } = loose(deliveries.at(-1));
  if (text(deliveryId) === undefined) return [];
  // Until it is told of an end it knows no more: the message may wait after its tenth attempt.
  const stands = status === 'queued' ? 'on its way' : String(status);
  return [`Its message delivery/${String(deliveryId)} is ${stands}.`];
}

function deliveryReason(facts: WhyFacts): readonly string[] {
  const { context } = facts;
  const { channel, target } = loose(context['input']);
  const to = `${String(channel)}: ${String(target)}`;
  if (isIn(facts, 'queued')) return [`It is for ${to}.`];
  if (isIn(facts, 'exhausted')) return [`${count(context['attempts'], 'attempt')} to reach ${to} failed.`];
  if (isIn(facts, 'waiting')) return [`${count(context['attempts'], 'attempt')} to reach ${to} failed.`];
  return [];
}

function taskReason(facts: WhyFacts): readonly string[] {
  const { context } = facts;
  const runner = `"${String(loose(context['input'])['runner'])}"`;
  if (isIn(facts, 'interruptedTool')) {
    const calls = listOf(context['calls']).map(
      (call) => `${String(call['name'])} (${String(call['callId'])})`,
    );
    return [`Cut off: ${calls.join(', ')}. Say what it returned, or that it is to run again.`];
  }
  if (isIn(facts, 'blocked')) return [`The runner ${runner} is to be registered.`];
  if (isIn(facts, 'active.running')) return [progressOf(facts, runner)];
  if (isIn(facts, 'cancelling')) return [`The runner ${runner} was told to stop, and has not yet.`];
  if (!isIn(facts, 'settled')) return [];
  const why = text(context['cancelReason']);
  return [...(why === undefined ? [] : [`The reason given: ${why}.`]), ...deliveryOf(context)];
}

function progressOf({ context, now }: WhyFacts, runner: string): string {
  const { at } = loose(context['checkpoint']);
  const { maxIterations } = loose(context['input']);
  const kept =
    typeof at === 'number' ? `its last checkpoint is ${durationWords(now - at)} old` : 'no checkpoint yet';
  const open = listOf(context['calls']).map((call) => String(call['name']));
  const calls = open.length === 0 ? '' : `; it waits for ${open.join(', ')}`;
  const done = `${Number(context['iterations'])} of ${Number(maxIterations)} iterations`;
  return `With the runner ${runner} it has made ${done}, ${kept}${calls}.`;
}

function workReason(facts: WhyFacts): readonly string[] {
  const { context, now } = facts;
  const attempts = `${count(context['attempts'], 'attempt')} of ${Number(context['attemptsMax'])} failed.`;
  const failed = Number(context['attempts']) > 0 ? [attempts] : [];
  if (isIn(facts, 'ready')) return [`Its kind is "${String(loose(context['input'])['kind'])}".`, ...failed];
  if (!isIn(facts, 'running')) return failed;
  const { workerId, expiresAt } = loose(context['claim']);
  if (typeof expiresAt !== 'number') return failed;
  const left = expiresAt > now ? `has it for ${durationWords(expiresAt - now)} more` : 'has let it expire';
  return [`${String(workerId)} ${left}, unless it says otherwise.`, ...failed];
}

function scheduleReason(facts: WhyFacts): readonly string[] {
  const { context, now } = facts;
  const { nextAt } = context;
  const last = listOf(context['history']).at(-1);
  const ran =
    last === undefined
      ? 'It has not run yet.'
      : `Its last run, due at ${timeWords(Number(last['dueAt']), now)}, is ${String(last['outcome'])}.`;
  return [...(typeof nextAt === 'number' ? [`It is due next at ${timeWords(nextAt, now)}.`] : []), ran];
}

function sessionReason(facts: WhyFacts): readonly string[] {
  const { context, now } = facts;
  const { batches, dead } = loose(context['counts']);
  const living = Number(batches ?? 0) - Number(dead ?? 0);
  const waiting =
    living === 0
      ? 'Nothing waits in its queue.'
      : `In its queue ${living === 1 ? 'is' : 'are'} ${count(living, 'batch')}.`;
  const letters = Number(dead ?? 0) === 0 ? [] : [`Dead letters: ${Number(dead)}; they can be retried.`];
  const { turnId, ownerId, startedAt } = loose(context['turn']);
  const { pausedUntil } = context;
  const state: string[] = [];
  if (typeof startedAt === 'number')
    state.push(
      `The turn ${String(turnId)} of ${String(ownerId)} has run for ${durationWords(now - startedAt)}.`,
    );
  if (isIn(facts, 'turn.idle.ready'))
    state.push('Nobody has begun a turn: who serves it is busy, or not there.');
  if (typeof pausedUntil === 'number' && isIn(facts, 'turn.pausing'))
    state.push(`It rests until ${timeWords(pausedUntil, now)}.`);
  return [...state, waiting, ...letters];
}

function accountReason(facts: WhyFacts): readonly string[] {
  const { context, now } = facts;
  const holds =
    context['holds'] === 'submits' ? 'New tasks wait; what is paid for goes on' : 'All its calls wait';
  if (isIn(facts, 'paused'))
    return [
      `${holds}: ${text(context['message']) ?? 'no reason given'}.`,
      'Mend its key or its credit, then resume it.',
    ];
  const { limitedUntil } = context;
  if (isIn(facts, 'limited') && typeof limitedUntil === 'number')
    return [`Its calls wait until ${timeWords(limitedUntil, now)}, as the provider asked.`];
  return [];
}

/** "3 attempts". */
function count(value: unknown, noun: string): string {
  const number = Number(value ?? 0);
  const plural = noun.endsWith('ch') ? `${noun}es` : `${noun}s`;
  return `${number} ${number === 1 ? noun : plural}`;
}

function listOf(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.map(loose) : [];
}
