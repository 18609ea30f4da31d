/**
 * Where the view of an actor has its facts from: a running inspector, or a capsule that was dropped.
 *
 * Pure but for what it calls. Callers: actor-view.tsx, capsule-view.tsx make one, the panels ask it.
 */
import type { CapsuleReport, StepReport, WhatIfReport } from '../../../actors/inspection/face.js';
import type { JsonEvent } from '../../../json.js';
import type { Api } from '../api.js';

export interface ActorSource {
  /** Names what is looked at: another key, another actor. */
  readonly key: string;
  step(seq: number, signal: AbortSignal): Promise<StepReport>;
  whatIf(seq: number, events: readonly JsonEvent[], signal: AbortSignal): Promise<WhatIfReport>;
  /** The actor as a file, for the test that is saved. */
  capsule(): Promise<unknown>;
  /** A link to another actor leads somewhere. */
  readonly isLinked: boolean;
}

export function apiSource(api: Api, address: string): ActorSource {
  return {
    key: address,
    step: (seq, signal) => api.step(address, seq, signal),
    whatIf: (seq, events, signal) => api.whatIf({ address, seq, events }, signal),
    capsule: () => api.capsule(address),
    isLinked: true,
  };
}

export function capsuleSource(api: Api, capsule: unknown, report: CapsuleReport): ActorSource {
  const bySeq = new Map(report.steps.map((step) => [step.seq, step]));
  return {
    key: `capsule ${report.actor.address}`,
    step: async (seq) => {
      const step = bySeq.get(seq);
      if (step === undefined) throw new Error(`The capsule has no step ${seq}.`);
      return step;
    },
    whatIf: (seq, events, signal) => api.whatIfOf(capsule, { seq, events }, signal),
    capsule: async () => capsule,
    isLinked: false,
  };
}
