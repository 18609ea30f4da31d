/**
 * A capsule, shown as an actor is: it is checked, and goes nowhere.
 *
 * Callers: inspection.ts. Invariants:
 *  1  It is taken again only by a machine of its version and structure.
 *  2  Contexts are shown as far as `limits.inspectorCapsuleBytesMax` reach; what changed is told of every
 *     step.
 */
import { HoldfastError } from '../../errors.js';
import { limits } from '../../limits.js';
import type { Capsule } from '../capsule/capsule.js';
import { parseCapsule } from '../capsule/parse.js';
import { startOf } from '../capsule/start.js';
import type { ActorRecord } from '../kernel/index.js';
import { reportOf as actorOf } from './actor-report.js';
import { capsuleSandbox } from './capsule-what-if.js';
import type {
  ActorReport,
  CapsuleReport,
  ChartView,
  StepReport,
  WhatIfReport,
  WhatIfRequest,
} from './face.js';
import { chartOf } from './chart.js';
import { delayNames, stepLine } from './lines.js';
import { linksIn } from './links.js';
import { foldedOf, messageOf, retakenOf, type Retake } from './retake.js';
import type { Scene } from './scene.js';
import { withChanges, withContexts } from './step-report.js';
import { definitionFor, type Subject } from './subject.js';
import { veiled } from './veil.js';
import { reportOf as whatIfOf, unknownMachine } from './what-if.js';

/** Throws CAPSULE_INVALID, CAPSULE_ALTERED. */
export function capsuleReport(scene: Scene, given: unknown): CapsuleReport {
  const capsule = parseCapsule(given);
  const retakes = retakesOf(scene, capsule);
  const subject = subjectIn(scene, capsule, retakes);
  const names = delayNames(subject.shape);
  const entries = capsule.journal.map(({ entry }) => entry);
  const steps = entries.map((entry) => {
    const retaken = retakes.get(entry.seq) ?? { unknown: 'no machine of its version is defined here' };
    return withContexts(stepLine(capsule.address, entry, names), entry, retaken);
  });
  const actor: ActorReport = actorOf(subject, {
    outbox: capsule.outbox,
    entries,
    links: linksIn(
      subject,
      entries.find(({ seq }) => seq === 1),
    ),
    waiting: capsule.inbox.length,
    history: [],
    delivery: undefined,
    running: () => ({ state: 'parked' }),
  });
  const shown = veiled({ actor, steps }, Object.values(capsule.payloads));
  const chart = chartIn(scene, capsule);
  return {
    actor: shown.actor,
    steps: bounded(shown.steps.map(withChanges)),
    ...(chart && { chart }),
  };
}

/** Throws CAPSULE_INVALID, CAPSULE_ALTERED, KIND_UNKNOWN, STEP_NOT_KEPT, REPLAY_DIVERGED, INVALID_EVENT. */
export async function capsuleWhatIf(
  scene: Scene,
  given: unknown,
  { seq, events }: Omit<WhatIfRequest, 'address'>,
): Promise<WhatIfReport> {
  const capsule = parseCapsule(given);
  const { kind, record } = capsule;
  const definition = definitionFor(scene, kind, record);
  if (definition === undefined) throw unknownMachine({ kind, record });
  const sandbox = capsuleSandbox(definition, capsule, seq);
  return whatIfOf(sandbox, events, { kind, ...(sandbox.seq === record.seq && { record }) });
}

/** Every step that its machine takes as its journal says, by seq; those after one that differs have none. */
function retakesOf(scene: Scene, capsule: Capsule): ReadonlyMap<number, Retake> {
  const { kind, record, address } = capsule;
  const definition = definitionFor(scene, kind, record);
  const found = new Map<number, Retake>();
  if (definition === undefined) return found;
  const { entries, checkpoint, missing } = startOf(capsule);
  if (missing !== undefined) return unknownFrom(found, capsule, 'its journal has a gap');
  try {
    for (const step of foldedOf({ definition, address, record, checkpoint, entries })) {
      const retaken = retakenOf(definition, step);
      if (retaken === undefined) return unknownFrom(found, capsule, 'its machine takes it another way now');
      found.set(step.entry.seq, retaken);
    }
  } catch (error) {
    // The machine is the user's code: whatever it throws, it is an answer.
    return unknownFrom(found, capsule, messageOf(error));
  }
  return unknownFrom(found, capsule, 'it is of an older version of its machine');
}

function unknownFrom(
  found: Map<number, Retake>,
  { journal }: Capsule,
  unknown: string,
): ReadonlyMap<number, Retake> {
  for (const { entry } of journal) if (!found.has(entry.seq)) found.set(entry.seq, { unknown });
  return found;
}

/** With the context that its last step led to, where its record is without. */
function subjectIn(scene: Scene, capsule: Capsule, retakes: ReadonlyMap<number, Retake>): Subject {
  const { address, kind, id, record, shape } = capsule;
  const definition = definitionFor(scene, kind, record);
  const last = retakes.get(record.seq);
  const stored = (record as { readonly snapshot?: ActorRecord['snapshot'] }).snapshot;
  const whole =
    stored === undefined && last !== undefined && 'after' in last
      ? { ...record, snapshot: { status: record.status, value: record.value ?? null, context: last.after } }
      : record;
  return {
    address,
    kind,
    id,
    record: whole,
    definition,
    shape: shape ?? scene.kernel.shape(kind, record.version, record.hash),
  };
}

function chartIn(scene: Scene, { kind, version, hash, shape }: Capsule): ChartView | undefined {
  if (shape?.chart !== undefined) return { kind, version, hash, config: shape.chart };
  try {
    return chartOf(scene, kind, version, hash);
  } catch (error) {
    if (error instanceof HoldfastError && error.code === 'CHART_UNKNOWN') return undefined;
    throw error;
  }
}

function bounded(steps: readonly StepReport[]): readonly StepReport[] {
  let left: number = limits.inspectorCapsuleBytesMax;
  return steps.map(({ context, ...step }) => {
    left -= context === undefined ? 0 : JSON.stringify(context).length;
    if (context === undefined || left >= 0) return { ...step, ...(context !== undefined && { context }) };
    return { ...step, unknown: 'the contexts of so many steps are too much to be shown at once' };
  });
}
