/**
 * Why an actor is where it is, as one paragraph: where and since when, what it waits for, what went wrong,
 * what comes next, what you may do.
 *
 * Pure. Callers: why.ts. Invariant: every sentence says a fact of the report, in the order of a person's
 * questions.
 */
import { kernelEvents } from '../kernel/kernel-events.js';
import { durationWords } from './duration-words.js';
import { eventWords, timeWords } from './event-words.js';
import type { EffectView } from './face.js';
import type { WhyFacts } from './why-facts.js';
import { reasonsOf } from './why-reasons.js';

export function wordsOf(facts: WhyFacts): string {
  const sentences = [
    ...standing(facts),
    ...surroundings(facts),
    ...reasonsOf(facts),
    ...effectsIn(facts),
    ...waitingFor(facts),
    ...lastError(facts),
    ...next(facts),
    youMay(facts),
  ];
  return sentences.filter((sentence) => sentence !== '').join(' ');
}

/** The row itself says nothing. */
export function unreadableWords(address: string, code: string, acts: readonly string[]): string {
  const broken = `${address} cannot be read (${code}): its record is damaged, and nothing of it goes on.`;
  return `${broken} Run holdfast doctor on the directory, or restore a backup. ${mayWords(acts)}`;
}

function standing(facts: WhyFacts): readonly string[] {
  const { address, record, now, status, states } = facts;
  const { quarantine } = record;
  if (quarantine !== undefined) {
    const { event, source, imported, redacted, code, message } = quarantine;
    const from = imported === true ? 'It came in a capsule and has not gone on here.' : '';
    const without = redacted === true ? 'What was secret in it are stand-ins.' : '';
    const what =
      event === undefined
        ? ''
        : `It could not take "${eventWords(event.type)}" from ${source ?? 'somebody'}.`;
    const since = durationWords(now - quarantine.at);
    return [
      `${address} has stood still for ${since}: ${faultWords(message, code)}`,
      from,
      without,
      what,
      inStates(facts),
    ];
  }
  if (status !== 'active') {
    const how = status === 'done' ? '' : ` (${status})`;
    const where = states.map(({ path }) => path).join(' and ');
    const last = where === '' ? '' : ` in ${where}`;
    return [`${address} has ended${how}${last} ${durationWords(now - record.at)} ago.`];
  }
  if (states.length === 0) return [`${address} is ${status} since ${durationWords(now - record.at)}.`];
  const shown = foreground(facts);
  const told = shown.map(({ path, since, atLeast = false, p95Ms }) => {
    const others = p95Ms === undefined ? '' : ` (others leave it within ${durationWords(p95Ms)}, p95)`;
    const least = atLeast ? 'at least ' : '';
    return `in ${path} for ${least}${durationWords(now - since)}${others}`;
  });
  const descriptions = new Set(shown.map(({ description = '' }) => withStop(description)));
  return [`${address} has been ${told.join(', and ')}.`, ...descriptions];
}

/** States that say nothing of why: they are there whatever the actor is at. */
const BACKGROUND: ReadonlySet<string> = new Set([
  'session queue',
  'job settled.withdrawal.over',
  'schedule active.run.idle',
]);

function foreground({ kind, states }: WhyFacts): WhyFacts['states'] {
  return states.filter(({ path }) => !BACKGROUND.has(`${kind} ${path}`));
}

function inStates({ states }: WhyFacts): string {
  return states.length === 0 ? '' : `It is in ${states.map(({ path }) => path).join(' and ')}.`;
}

function surroundings({ live, defined, kind, record }: WhyFacts): readonly string[] {
  if (record.status !== 'active') return [];
  const here = live ? 'this process' : 'here';
  const undefinedKind = defined
    ? ''
    : `No machine is defined for "${kind}" in ${here}: it is parked until one is.`.replace('in here', 'here');
  return [undefinedKind, live ? '' : 'Nobody runs its directory: nothing goes on until somebody does.'];
}

const EFFECTS_TOLD = 3;

function effectsIn(facts: WhyFacts): readonly string[] {
  const { effects } = facts;
  const more = effects.length - EFFECTS_TOLD;
  const told = effects.slice(0, EFFECTS_TOLD).map((effect) => effectWords(facts, effect));
  return more > 0 ? [...told, `${more} more effects are under way.`] : told;
}

function effectWords(
  { held, now }: WhyFacts,
  { id, src, state, since, startedAt, attempts }: EffectView,
): string {
  if (state === 'running') {
    const from = startedAt ?? since;
    const long = from === undefined ? '' : ` for ${durationWords(now - from)}`;
    return `Its effect ${src} runs${long}${attempts > 1 ? `, attempt ${attempts}` : ''}.`;
  }
  const account = held.get(id);
  const waits = `It waits for its effect ${src}`;
  if (account !== undefined) {
    const until = account.untilMs === undefined ? '' : ` until ${timeWords(account.untilMs, now)}`;
    const why = account.why === '' ? '' : ` because of ${account.why}`;
    const is = `${account.state} since ${timeWords(account.since, now)}${until}${why}`;
    return `${waits}, which waits behind the account ${account.name}, ${withStop(is)}`;
  }
  if (state === 'parked') return `${waits}, which nobody runs here.`;
  return `${waits}, which waits for its turn.`;
}

/** Who can bring it on, where nothing of its own does. */
function waitingFor({ report, effects, legal, record, states, kind }: WhyFacts): readonly string[] {
  const { waiting } = report;
  const inbox =
    waiting === 0 ? '' : `${waiting === 1 ? 'One event waits' : `${waiting} events wait`} for it.`;
  if (record.status !== 'active' || record.quarantine !== undefined || effects.length > 0) return [inbox];
  // What leads no further than where it is brings nothing on; of a session, its queue says more.
  const isAhead = (target: string): boolean =>
    target !== '' && !states.some(({ path }) => path === target || path.startsWith(`${target}.`));
  const others = legal.filter(
    ({ by, targets }) => ['caller', 'actor', 'provider'].includes(by) && targets.some(isAhead),
  );
  if (others.length === 0 || report.timers.length > 0 || kind === 'session') return [inbox];
  const told = others.slice(0, EFFECTS_TOLD).map(({ type, who }) => `${eventWords(type)} (${who})`);
  return [inbox, `It goes on with ${told.join(', ')}${others.length > EFFECTS_TOLD ? ' and others' : ''}.`];
}

function lastError({ errors, record, now }: WhyFacts): readonly string[] {
  const [last] = record.quarantine === undefined ? errors : errors.slice(1);
  if (last === undefined) return [];
  const { code, message, at } = last;
  const when = at === undefined ? '' : `, ${durationWords(now - at)} ago`;
  // Kept as an error, and none: somebody did not want it any more.
  if (code === 'cancelled') return [`The reason given: ${withStop(message)}`];
  return [`Last error${when}: ${faultWords(message, code)}`];
}

function next({ nextTimer, timerTargets, now, live, record }: WhyFacts): readonly string[] {
  if (nextTimer === undefined) return [];
  const { name, event, dueAt } = nextTimer;
  const late = now - dueAt;
  const dueIn = late <= 0 ? `in ${durationWords(-late)}` : `due since ${durationWords(late)}`;
  if (event === kernelEvents.retention) return [`Next: it is removed, ${dueIn}.`];
  if (record.status !== 'active') return [];
  const makes = timerTargets.length === 0 ? '' : `, which leads to ${timerTargets.join(' or ')}`;
  const still = live && record.quarantine === undefined ? '' : ', once it goes on';
  return [`Next: the timer ${name}, ${dueIn}${still}${makes}.`];
}

function youMay({ acts }: WhyFacts): string {
  return mayWords(acts);
}

function mayWords(acts: readonly string[]): string {
  return acts.length === 0 ? 'There is nothing to be done to it by hand.' : `You may: ${acts.join(', ')}.`;
}

/** The code comes last: before the message, a name such as `noCredential:` would look like a secret's. */
function faultWords(message: string, code: string | undefined): string {
  const plain = message.replaceAll(/\s+/g, ' ').trim().replace(/\.$/, '');
  return withStop(code === undefined || plain.includes(code) ? plain : `${plain} (${code})`);
}

function withStop(sentence: string): string {
  const trimmed = sentence.trim();
  return trimmed === '' || /[.!?]$/.test(trimmed) ? trimmed : `${trimmed}.`;
}
