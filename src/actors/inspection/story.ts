/**
 * What one event led to, over all actors: back to the first cause that is kept, then forward.
 *
 * Callers: inspection.ts. Invariants:
 *  S1  A cause stands before what it caused, and an actor's steps in their order; else it goes by commit.
 *  S2  At most `limits.storyStepsMax` steps of `limits.storyActorsMax` actors: what is left out, or is not
 *      kept any more, makes the story `cut`.
 */
import { HoldfastError } from '../../errors.js';
import { limits } from '../../limits.js';
import type { JournalEntry } from '../kernel/index.js';
import type { Story, StoryStep } from './face.js';
import { bareStep } from './lines.js';
import type { Scene } from './scene.js';
import { checkCount, withCommitTimes } from './steps.js';
import type { Cause, StepName } from './story-causes.js';
import { nameOf, StoryJournals } from './story-journals.js';
import { mermaidOf } from './story-mermaid.js';
import { subjectOf } from './subject.js';

interface Told extends StepName {
  readonly entry: JournalEntry;
  /** The one that the story came from. */
  readonly cause: Cause | undefined;
}

/** Throws INVALID_ID, INVALID_INPUT, ACTOR_NOT_FOUND, STEP_NOT_KEPT. */
export async function storyOf(scene: Scene, address: string, seq?: number): Promise<Story> {
  checkCount('seq', seq);
  await subjectOf(scene, address);
  const journals = new StoryJournals(scene);
  const { entries } = await journals.of(address);
  const from = seq === undefined ? entries[0] : entries.find((entry) => entry.seq === seq);
  if (from === undefined)
    throw new HoldfastError('STEP_NOT_KEPT', `step ${seq ?? 1} of ${address} is not kept`);
  const { chain, isWhole } = await chainTo(journals, { address, seq: from.seq });
  const { told, isCut } = await toldFrom(journals, chain);
  const inOrder = ordered(told);
  const untimed = inOrder.map(({ address: of, entry, cause }, order): StoryStep => {
    const { cause: _cause, ...step } = bareStep(of, entry);
    return { ...step, ...causeParts(cause), order };
  });
  const steps = await withCommitTimes(scene, untimed);
  const actors = [...new Set(steps.map((step) => step.address))];
  const gone = [...journals.gaps];
  const cut = isCut || !isWhole || gone.length > 0;
  const root = chain[0]?.step ?? { address, seq: from.seq };
  return { root, actors, steps, cut, mermaid: mermaidOf({ actors, steps, cut, gone }) };
}

function causeParts(cause: Cause | undefined): Pick<StoryStep, 'cause' | 'isInferred'> {
  if (cause === undefined) return {};
  const { isInferred, ...step } = cause;
  return { cause: step, ...(isInferred && { isInferred }) };
}

interface Link {
  readonly step: StepName;
  /** What led to it here; undefined for the first. */
  readonly cause: Cause | undefined;
}

/**
 * From the first cause that is kept down to a step; `isWhole` is false where that has one which is not, or
 * there are more than a story has room for.
 */
async function chainTo(
  journals: StoryJournals,
  from: StepName,
): Promise<{ readonly chain: readonly Link[]; readonly isWhole: boolean }> {
  const seen = new Set<string>([nameOf(from)]);
  const actors = new Set([from.address]);
  let chain: readonly Link[] = [{ step: from, cause: undefined }];
  for (let step = from; ;) {
    const [cause] = (await journals.of(step.address)).causes.get(step.seq) ?? [];
    if (cause === undefined) {
      journals.noteOrigin(step);
      return { chain, isWhole: true };
    }
    const { entries } = await journals.of(cause.address);
    actors.add(cause.address);
    const hasRoom = chain.length < limits.storyStepsMax && actors.size <= limits.storyActorsMax;
    const isKept = entries.some(({ seq }) => seq === cause.seq) && !seen.has(nameOf(cause));
    if (!hasRoom || !isKept) return { chain, isWhole: false };
    seen.add(nameOf(cause));
    const { isInferred: _how, ...before } = cause;
    chain = [{ step: before, cause: undefined }, { step, cause }, ...chain.slice(1)];
    step = before;
  }
}

/** The chain, which has its place whatever else there is no room for, and all that its steps led to. */
async function toldFrom(
  journals: StoryJournals,
  chain: readonly Link[],
): Promise<{ readonly told: readonly Told[]; readonly isCut: boolean }> {
  const told = new Map<string, Told>();
  const actors = new Set(chain.map(({ step }) => step.address));
  const waiting: Link[] = [...chain];
  let isCut = false;
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const { step, cause } = next;
    if (told.has(nameOf(step))) continue;
    const { entries } = await journals.of(step.address);
    const entry = entries.find(({ seq }) => seq === step.seq);
    const hasRoom = actors.has(step.address) || actors.size < limits.storyActorsMax;
    if (entry === undefined || !hasRoom || told.size >= limits.storyStepsMax) {
      isCut = true;
      continue;
    }
    actors.add(step.address);
    told.set(nameOf(step), { ...step, entry, cause });
    for (const { isInferred, ...effect } of await journals.effectsOf(step))
      waiting.push({ step: effect, cause: { ...step, ...(isInferred && { isInferred }) } });
  }
  return { told: [...told.values()], isCut };
}

/** S1. Among those whose causes and own earlier steps stand already, the one that was committed first. */
function ordered(told: readonly Told[]): readonly Told[] {
  const left = new Map(
    told.toSorted((a, b) => a.entry.commit - b.entry.commit).map((one) => [nameOf(one), one] as const),
  );
  const waits = ({ address, seq, cause }: Told): boolean =>
    (cause !== undefined && left.has(nameOf(cause))) ||
    [...left.values()].some((other) => other.address === address && other.seq < seq);
  const inOrder: Told[] = [];
  while (left.size > 0) {
    const inLine = [...left.values()];
    const next = inLine.find((one) => !waits(one)) ?? inLine[0];
    if (next === undefined) break;
    left.delete(nameOf(next));
    inOrder.push(next);
  }
  return inOrder;
}
