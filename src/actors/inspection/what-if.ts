/**
 * What would happen: events taken from any kept step on, in a sandbox.
 *
 * Callers: inspection.ts. Invariants: those of sandbox.ts; nothing is written.
 */
import { HoldfastError } from '../../errors.js';
import type { Json } from '../../json.js';
import type { Definition } from '../kernel/index.js';
import { copiedBut } from '../kernel/paging.js';
import type { ShownRows } from '../kernel/record.js';
import { restored } from '../kernel/step.js';
import { changesBetween } from './diff.js';
import type { WhatIfReport, WhatIfRequest, WhatIfStep } from './face.js';
import { legalAt, type LegalScope } from './legal.js';
import { stateIn } from './lines.js';
import { checkKept, messageOf, retake, stretchTo } from './retake.js';
import { play, type Played, type Sandbox } from './sandbox.js';
import type { Scene } from './scene.js';
import { subjectOf, withSnapshot, type Subject } from './subject.js';
import { veiled, veiledText } from './veil.js';
import { whatIfTest } from './what-if-test.js';

export async function whatIfReport(
  scene: Scene,
  { address, seq, events }: WhatIfRequest,
): Promise<WhatIfReport> {
  const subject = await withSnapshot(scene, await subjectOf(scene, address));
  const { record, definition } = subject;
  const from = seq ?? record.seq;
  checkKept(subject, from);
  if (definition === undefined) throw unknownMachine(subject);
  const snapshot = await snapshotAt(scene, subject, definition, from);
  const at = Math.max(scene.clock.now(), record.at);
  const rowsOf = async (names: readonly string[]): Promise<ShownRows> => rowsNamed(scene, address, names);
  const sandbox = { definition, address, parent: record.parent, snapshot, seq: from, at, rowsOf };
  const now = from === record.seq ? { record } : {};
  return reportOf(sandbox, events, { kind: subject.kind, ...now });
}

/** Plays the events, and tells of it without secrets. */
export async function reportOf(
  sandbox: Sandbox,
  events: readonly unknown[],
  scope: LegalScope,
): Promise<WhatIfReport> {
  const { definition, address, seq, snapshot, at } = sandbox;
  const { steps, snapshot: last } = await play(sandbox, events);
  const legal = (state: typeof snapshot, known: LegalScope): WhatIfReport['legalBefore'] =>
    state.status === 'active' ? legalAt(definition.machine, state.value, known) : [];
  const { kind } = scope;
  const report = veiled({
    ...{ address, seq, value: stateIn(snapshot.value), steps },
    legalBefore: legal(snapshot, scope),
    legalAfter: legal(last, steps.length === 0 ? scope : { kind }),
  });
  const told = { kind: definition.kind, address, seq, at };
  return { ...report, steps: report.steps.map(withChanges), test: whatIfTest(told, report.steps) };
}

export function withChanges({ before, ...step }: Played): WhatIfStep {
  return { ...step, diff: changesBetween(before, step.context) };
}

export function unknownMachine({ kind, record }: Pick<Subject, 'kind' | 'record'>): HoldfastError {
  const message = `no machine of ${kind}, version ${record.version}, is defined here`;
  return new HoldfastError('KIND_UNKNOWN', message, { details: { kind } });
}

async function snapshotAt(
  scene: Scene,
  subject: Subject,
  definition: Definition,
  seq: number,
): Promise<Sandbox['snapshot']> {
  const { record } = subject;
  // What is stored is what it is.
  if (seq === record.seq && (record.snapshot as Json | undefined) !== undefined) {
    try {
      return restored(definition.steppable, copiedBut(record.snapshot, definition.paged));
    } catch (error) {
      throw notAgain(subject, seq, messageOf(error));
    }
  }
  const stretch = await stretchTo(scene, subject, seq);
  const retaken = 'unknown' in stretch ? stretch : retake(stretch);
  if ('unknown' in retaken) throw notAgain(subject, seq, retaken.unknown);
  return retaken.snapshot;
}

/** `why` is what the user's machine threw, maybe. */
function notAgain({ address, record }: Subject, seq: number, why: string): HoldfastError {
  const told = veiledText(why, [record.snapshot]);
  return new HoldfastError('REPLAY_DIVERGED', `${address}: step ${seq} cannot be taken again: ${told}`);
}

async function rowsNamed({ kernel }: Scene, address: string, names: readonly string[]): Promise<ShownRows> {
  const rows = await Promise.all(
    names.map(async (name) => [name, await kernel.reader.payloadOnDisk(address, name)] as const),
  );
  return Object.fromEntries(rows.flatMap(([name, row]) => (row === undefined ? [] : [[name, row]])));
}
