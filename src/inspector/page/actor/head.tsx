/**
 * What an actor is, in a few lines: its address, how it is, since when, what comes next, and what it belongs
 * to.
 *
 * Callers: stage.tsx. Invariant: a fault is said here, whatever panel is open.
 */
import type { VNode } from 'preact';
import type { ActorReport, WhyReport } from '../../../actors/inspection/face.js';
import { useNow } from '../house.js';
import { hrefOf } from '../router.js';
import { StatusMark } from '../status-mark.js';
import { agoWords, durationWords, stateWords, timeWords } from '../words.js';
import { AddressLink } from './address-link.js';
import { useEventWords } from './named-events.js';

interface HeadProps {
  readonly report: ActorReport;
  readonly why?: WhyReport | undefined;
  readonly isLinked: boolean;
}

export function ActorHead({ report, why, isLinked }: HeadProps): VNode {
  const now = useNow();
  const { address, status, since, title } = report;
  const state = stateWords(report.value);
  return (
    <header class="actor-head">
      <div class="view-head">
        <h1 class="mono">{address}</h1>
        <StatusMark status={status} />
        {state !== '' && <strong class="mono actor-state">{state}</strong>}
        {/* No time passes for a file: how long it has been so is told of actors of this inspector alone. */}
        {since !== undefined && isLinked && (
          <span class="soft" title={timeWords(since)}>
            {now - since < 1_000 ? 'just now' : `for ${durationWords(now - since)}`}
          </span>
        )}
      </div>
      {title !== undefined && title !== report.id && <p class="actor-title">{title}</p>}
      {why !== undefined && status === 'active' && <Next why={why} now={now} />}
      <Facts report={report} now={now} isLinked={isLinked} />
      <Links report={report} isLinked={isLinked} />
      <Notes report={report} now={now} />
    </header>
  );
}

/** What moves it if nobody does: effects and the first timer; else what it waits for. */
function Next({ why, now }: { readonly why: WhyReport; readonly now: number }): VNode | null {
  const eventWords = useEventWords();
  const [timed] = why.legal
    .flatMap(({ dueAt, ...event }) => (dueAt === undefined ? [] : [{ ...event, dueAt }]))
    .toSorted((a, b) => a.dueAt - b.dueAt);
  const ways = [
    ...why.effects.map(({ src, state }) => `${src} ${DOES[state]}`),
    ...(timed === undefined ? [] : [timerWords(timed, eventWords(timed.type), now)]),
  ];
  const heard = [...new Set(why.legal.map(({ type }) => eventWords(type)))];
  if (ways.length === 0 && heard.length === 0) return null;
  return (
    <p class="actor-next">
      <span class="soft">{ways.length > 0 ? 'next' : 'waits for'}</span>{' '}
      {ways.length > 0 ? ways.join(' · ') : orWords(heard)}
    </p>
  );
}

const DOES = { running: 'runs', waiting: 'waits to run', parked: 'is parked' } as const;
const HEARD_MAX = 3;

function timerWords(
  { dueAt, targets }: { readonly dueAt: number; readonly targets: readonly string[] },
  name: string,
  now: number,
): string {
  const to = targets.map((path) => path || 'itself').join(', ');
  const when = dueAt > now ? `in ${durationWords(dueAt - now)}` : 'now';
  return to === '' ? `${name}, ${when}` : `${name} → ${to}, ${when}`;
}

function orWords(names: readonly string[]): string {
  const shown = names.slice(0, HEARD_MAX).join(', ');
  return names.length > HEARD_MAX ? `${shown}, or ${names.length - HEARD_MAX} others` : shown;
}

function Facts({ report, now, isLinked }: HeadProps & { readonly now: number }): VNode {
  const { kind, version, machine, seq, createdAt, at } = report;
  return (
    <p class="actor-facts soft">
      {isLinked ? <a href={hrefOf('actors', { kind })}>{kind}</a> : <span>{kind}</span>}
      {machine !== undefined && machine !== kind && <span>machine {machine}</span>}
      {version !== undefined && <span>version {version}</span>}
      {seq !== undefined && <span>{seq === 1 ? '1 step' : `${seq.toLocaleString('en')} steps`}</span>}
      {createdAt !== undefined && (
        <span title={timeWords(createdAt)}>created {agoWords(createdAt, now)}</span>
      )}
      {at !== undefined && <span title={timeWords(at)}>last step {agoWords(at, now)}</span>}
      {report.provider !== undefined && <span>provider {report.provider}</span>}
    </p>
  );
}

function Links({ report: { links }, isLinked }: HeadProps): VNode | null {
  if (links.length === 0) return null;
  return (
    <ul class="actor-links" aria-label="Belongs together">
      {links.map(({ rel, address, exists }) => (
        <li key={`${rel} ${address}`}>
          <span class="soft">{rel}</span> <AddressLink address={address} isLinked={isLinked && exists} />
          {!exists && isMissed(rel) && <span class="soft"> (removed)</span>}
        </li>
      ))}
    </ul>
  );
}

/** An account or a session is an actor once something happened to it: before, nobody misses it. */
function isMissed(rel: ActorReport['links'][number]['rel']): boolean {
  return rel !== 'account' && rel !== 'session';
}

function Notes({ report, now }: { readonly report: ActorReport; readonly now: number }): VNode {
  const { fault, defined, kind, version } = report;
  return (
    <>
      {fault !== undefined && (
        <div class="trouble actor-fault">
          <code>{fault.code}</code> <span>{fault.message}</span>
          <span class="nowrap">{agoWords(fault.at, now)}</span>
        </div>
      )}
      {!defined && (
        <p class="actor-note">
          No machine of <code>{kind}</code> {version === undefined ? '' : `version ${version} `}is defined in
          this process: it is parked, and its steps can be seen, but not taken again. Name the module that has
          the machine with <code>--module</code>.
        </p>
      )}
    </>
  );
}
