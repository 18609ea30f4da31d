/**
 * Why the actor is where it is: in words, what may come next, what it waits for, and what it has made.
 *
 * Callers: stage.tsx. Invariant: a part that has nothing to say is not there.
 */
import type { ComponentChildren, VNode } from 'preact';
import { useState } from 'preact/hooks';
import type { ActorReport, LegalEvent, WhyReport } from '../../../actors/inspection/face.js';
import { useNow } from '../house.js';
import { agoWords, durationWords, timeWords } from '../words.js';
import { AddressLink } from './address-link.js';
import { useEventWords } from './named-events.js';
import { JsonTree } from './json-tree.js';

interface NowProps {
  readonly report: ActorReport;
  readonly why: WhyReport | undefined;
  readonly isLinked: boolean;
  /** What can be done. */
  readonly children?: ComponentChildren;
}

export function NowPanel({ report, why, isLinked, children }: NowProps): VNode {
  const now = useNow();
  return (
    <div class="now">
      {why !== undefined && <p class="why-words">{why.words}</p>}
      {!isLinked && <p class="soft">As it was when it was exported: no time passes for a file.</p>}
      {children}
      {why !== undefined && <Errors errors={why.errors} now={now} />}
      {why !== undefined && why.legal.length > 0 && <Legal legal={why.legal} now={now} />}
      <Effects report={report} now={now} />
      <Timers report={report} now={now} />
      {report.waiting > 0 && <p>{waitingWords(report.waiting)} for it.</p>}
      <Artifacts report={report} />
      <Delivery report={report} isLinked={isLinked} />
      <Children report={report} isLinked={isLinked} />
      <Outcome report={report} />
      {why !== undefined && <AsJson why={why} />}
    </div>
  );
}

function Errors({
  errors,
  now,
}: {
  readonly errors: WhyReport['errors'];
  readonly now: number;
}): VNode | null {
  if (errors.length === 0) return null;
  return (
    <Part title="Last errors">
      <ul class="lines">
        {errors.map(({ at, code, message }, index) => (
          <li key={index}>
            {code !== undefined && <code class="mark mark-trouble">{code}</code>} {message}
            {at !== undefined && <span class="soft"> {agoWords(at, now)}</span>}
          </li>
        ))}
      </ul>
    </Part>
  );
}

function Legal({ legal, now }: { readonly legal: readonly LegalEvent[]; readonly now: number }): VNode {
  const eventWords = useEventWords();
  return (
    <Part title="What it hears now">
      <ul class="legal">
        {legal.map(({ type, who, targets, guards, dueAt }, index) => (
          <li key={index}>
            <div class="mono">
              <strong>{eventWords(type)}</strong>
              {targets.length > 0 && ` → ${targets.map((path) => path || 'itself').join(', ')}`}
            </div>
            <div class="soft small">
              {who}
              {dueAt !== undefined && `, ${untilWords(dueAt, now)}`}
              {guards.length > 0 && ` · if ${guards.join(', ')}`}
            </div>
          </li>
        ))}
      </ul>
    </Part>
  );
}

function Effects({
  report: { effects },
  now,
}: {
  readonly report: ActorReport;
  readonly now: number;
}): VNode | null {
  if (effects.length === 0) return null;
  return (
    <Part title="Effects in flight">
      <ul class="lines">
        {effects.map((effect) => (
          <li key={effect.id}>
            <div class="row">
              <strong class="mono">{effect.src}</strong>
              <span class={effect.state === 'running' ? 'mark mark-accent' : 'mark'}>{effect.state}</span>
              <span class="soft">
                {attemptsWords(effect.attempts)} · pool {effect.pool}
                {effect.since !== undefined && ` · asked for ${agoWords(effect.since, now)}`}
                {effect.startedAt !== undefined && ` · runs ${durationWords(now - effect.startedAt)}`}
              </span>
            </div>
            {effect.input !== undefined && <JsonTree value={effect.input} label={`Input of ${effect.src}`} />}
          </li>
        ))}
      </ul>
    </Part>
  );
}

function Timers({
  report: { timers },
  now,
}: {
  readonly report: ActorReport;
  readonly now: number;
}): VNode | null {
  if (timers.length === 0) return null;
  return (
    <Part title="Timers">
      <ul class="lines">
        {timers.map((timer) => (
          <li key={timer.id} class="row">
            <strong class="mono">{timer.name}</strong>
            <span>{untilWords(timer.dueAt, now)}</span>
            <span class="soft">
              {timeWords(timer.dueAt)}
              {timer.state !== undefined && ` · of ${timer.state || 'the machine'}`}
            </span>
          </li>
        ))}
      </ul>
    </Part>
  );
}

function Artifacts({ report: { artifacts } }: { readonly report: ActorReport }): VNode | null {
  if (artifacts.length === 0) return null;
  return (
    <Part title="Artifacts">
      <ul class="artifacts">
        {artifacts.map(({ file, mediaType, bytes }) => {
          const href = `v1/artifacts/${encodeURIComponent(file)}`;
          return (
            <li key={file}>
              {mediaType.startsWith('video/') ? (
                <video controls preload="metadata" src={href} aria-label={file} />
              ) : (
                <img src={href} alt={`Artifact ${file}`} loading="lazy" />
              )}
              <a href={href} download={file} class="small mono">
                {mediaType}
                {bytes !== undefined && `, ${bytes.toLocaleString('en')} bytes`}
              </a>
            </li>
          );
        })}
      </ul>
    </Part>
  );
}

interface LinkedProps {
  readonly report: ActorReport;
  readonly isLinked: boolean;
}

function Delivery({ report: { delivery }, isLinked }: LinkedProps): VNode | null {
  if (delivery === undefined) return null;
  const address = delivery.id.includes('/') ? delivery.id : `delivery/${delivery.id}`;
  return (
    <Part title="Delivery">
      <p class="row">
        <span class={delivery.status === 'delivered' ? 'mark mark-good' : 'mark mark-warn'}>
          {delivery.status}
        </span>
        <AddressLink address={address} isLinked={isLinked} />
        {delivery.attempts !== undefined && <span class="soft">{attemptsWords(delivery.attempts)}</span>}
      </p>
    </Part>
  );
}

function Children({ report: { children }, isLinked }: LinkedProps): VNode | null {
  if (children.length === 0) return null;
  return (
    <Part title="Children">
      <ul class="lines">
        {children.map(({ child, src, address }) => (
          <li key={address} class="row">
            <strong class="mono">{child}</strong>
            <span class="soft">{src}</span>
            <AddressLink address={address} isLinked={isLinked} />
          </li>
        ))}
      </ul>
    </Part>
  );
}

function Outcome({ report: { output, error } }: { readonly report: ActorReport }): VNode | null {
  if (output === undefined && error === undefined) return null;
  return (
    <Part title={error === undefined ? 'Output' : 'Error'}>
      <JsonTree value={error ?? output ?? null} label="How it ended" />
    </Part>
  );
}

function AsJson({ why }: { readonly why: WhyReport }): VNode {
  const [said, setSaid] = useState('');
  const text = JSON.stringify(why, undefined, 2);
  const copy = (): void => {
    // A page that is served without TLS elsewhere than on loopback has no clipboard.
    navigator.clipboard?.writeText(text).then(
      () => setSaid('copied'),
      () => setSaid('not copied: select it'),
    );
  };
  return (
    <details class="as-json">
      <summary>The same as JSON</summary>
      <div class="row">
        <button type="button" onClick={copy}>
          Copy
        </button>
        <span role="status">{said}</span>
      </div>
      <pre tabIndex={0}>{text}</pre>
    </details>
  );
}

export function Part(props: { readonly title: string; readonly children: ComponentChildren }): VNode {
  return (
    <section class="part">
      <h3>{props.title}</h3>
      {props.children}
    </section>
  );
}

function attemptsWords(attempts: number): string {
  return attempts === 1 ? '1 attempt' : `${attempts} attempts`;
}

/** More than 1,000 are not counted. */
function waitingWords(waiting: number): string {
  if (waiting === 1) return '1 event waits';
  return `${waiting >= 1_000 ? '1,000 or more' : waiting} events wait`;
}

function untilWords(dueAt: number, now: number): string {
  return dueAt > now ? `in ${durationWords(dueAt - now)}` : `due ${agoWords(dueAt, now)}`;
}
