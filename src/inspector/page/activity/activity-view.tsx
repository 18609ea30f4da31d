/**
 * `#/activity`: the newest steps of all actors, since the page was opened.
 *
 * Callers: shell.tsx. Invariant: what it shows is what the live source remembers, no more than that.
 */
import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import { eventWords } from '../actor/event-words.js';
import { useHouse, useLive, useNow } from '../house.js';
import type { LiveStep } from '../live.js';
import { Nothing } from '../notice.js';
import { hrefOf } from '../router.js';
import { shortened } from '../story/diagram.js';
import { agoWords, stateWords, timeWords } from '../words.js';

const FROM_CHARS = 26;

export function ActivityView(): VNode {
  const { live } = useHouse();
  const [steps, setSteps] = useState(live.recent);
  const [isHeld, setHeld] = useState(false);
  useLive({ frame: () => isHeld || setSteps(live.recent) });
  const toggle = (): void => {
    setHeld(!isHeld);
    if (isHeld) setSteps(live.recent);
  };
  return (
    <>
      <div class="view-head">
        <h1>Activity</h1>
        <span class="soft">the newest steps, since this page was opened</span>
        <button type="button" aria-pressed={isHeld} onClick={toggle}>
          Hold
        </button>
      </div>
      <div class="sheet">
        {steps.length === 0 ? <Nothing>Nothing has happened yet.</Nothing> : <Steps steps={steps} />}
      </div>
    </>
  );
}

function Steps({ steps }: { readonly steps: readonly LiveStep[] }): VNode {
  const now = useNow();
  return (
    <div class="scroll" role="group" aria-label="The newest steps" tabIndex={0}>
      <table class="activity">
        <thead>
          <tr>
            <th scope="col">When</th>
            <th scope="col">Actor</th>
            <th scope="col">Step</th>
            <th scope="col">Event</th>
            <th scope="col">State after it</th>
            <th scope="col">From</th>
          </tr>
        </thead>
        <tbody>
          {steps.map(({ address, seq, at, event, source, value }) => (
            <tr key={`${address}:${seq}`}>
              <td class="soft nowrap" title={timeWords(at)}>
                {agoWords(at, now)}
              </td>
              <td>
                <a class="mono" href={hrefOf('actor', { address })}>
                  {address}
                </a>
              </td>
              <td class="nowrap">
                <a href={hrefOf('actor', { address, seq })}>{seq}</a>{' '}
                <a href={hrefOf('story', { address, seq })} aria-label={`story of step ${seq} of ${address}`}>
                  story
                </a>
              </td>
              <td class="mono" title={event.type}>
                {eventWords(event.type)}
              </td>
              <td class="mono">{stateWords(value)}</td>
              <td class="soft" title={source}>
                {shortened(source, FROM_CHARS)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
