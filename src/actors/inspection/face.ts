/**
 * What can be seen of actors, and done to one of them: the words of `runtime.inspection`.
 *
 * Types alone. Callers: users, the control door, the inspector and its page, the CLI. Invariants:
 *  1  What is shown is on disk (K1), and without secrets: what looks like one has a stand-in, `[redacted:N]`,
 *     the same for the same secret within one answer.
 *  2  Nothing but `act` changes anything.
 *  3  An answer costs what it shows, not what is stored: counts and times come from rows that are kept.
 */
import type { StateValue } from 'xstate';
import type { Json, JsonEvent, JsonObject } from '../../json.js';
import type { Page } from '../kernel/index.js';
import type { ActorViewStatus } from '../actor-view.js';
import type { Change, LegalEvent, WhatIfReport, WhatIfRequest } from './face-what-if.js';

export type { Change, LegalEvent, WhatIfReport, WhatIfRequest, WhatIfStep } from './face-what-if.js';

/** How long actors stay in one state: of those that have left it. Times in milliseconds. */
export interface DwellView {
  /** The path of a leaf state, such as `submitting.posting.wanted`. */
  readonly state: string;
  /** How many have left it, since the store was made. */
  readonly count: number;
  /** Of a histogram with eight buckets an octave: its middle, within 5 % of the true value. */
  readonly p50Ms: number;
  readonly p95Ms: number;
  /** The longest stays that have ended, at most `limits.dwellSlowestMax`, longest first. */
  readonly slowest: readonly { readonly address: string; readonly ms: number }[];
}

/** How many actors of one version are in one state. */
export interface StateCountView {
  readonly version: string;
  /** Of the machine's structure: with kind and version it names a chart. */
  readonly hash: string;
  /** The whole state value. */
  readonly value: StateValue | null;
  readonly count: number;
  /** A final state: these actors have ended and wait for their removal. */
  readonly finished: boolean;
}

/** All actors of a kind. */
export interface KindView {
  readonly kind: string;
  /** The kind belongs to the runtime itself. */
  readonly house: boolean;
  /** A machine is defined for it in this process. False: its actors are parked. */
  readonly defined: boolean;
  /** Of all states, ended ones included. */
  readonly count: number;
  readonly states: readonly StateCountView[];
  readonly dwell: readonly DwellView[];
}

export interface Population {
  /** Epoch milliseconds: when it was looked at. */
  readonly at: number;
  /** Whether anybody runs the directory: in one that is only looked at, no time passes for its actors. */
  readonly live: boolean;
  /** By name. */
  readonly kinds: readonly KindView[];
  /** Actors that stand still: 1,000 are counted, more say 1,000. */
  readonly quarantined: number;
}

/** What a listing is narrowed to; all that are given must hold. */
export interface ListInspected {
  /** Absent: every kind, one after the other by name. */
  readonly kind?: string | undefined;
  /** The path of a state that it is in, `a.b`, or one below. */
  readonly state?: string | undefined;
  readonly status?: ActorViewStatus | undefined;
  /** What belongs to a conversation: its jobs, tasks, deliveries and itself. */
  readonly session?: string | undefined;
  readonly provider?: string | undefined;
  /** Found, whatever its case, in the id, the prompt or the name of an actor: see `ActorLine.title`. */
  readonly text?: string | undefined;
  /** In its present state for this long at least; milliseconds. */
  readonly olderMs?: number | undefined;
  readonly cursor?: string | undefined;
  /** 1 to 1,000, default 100. A page may be shorter than its limit, empty even, and have a cursor. */
  readonly limit?: number | undefined;
}

/** An actor as a line of a list. */
export interface ActorLine {
  readonly address: string;
  readonly kind: string;
  readonly id: string;
  readonly status: ActorViewStatus;
  readonly value?: StateValue;
  /** When it came into its present state (of several regions, the one that changed last). Epoch ms. */
  readonly since?: number;
  readonly version?: string;
  readonly seq?: number;
  readonly createdAt?: number;
  readonly at?: number;
  /** A line about what it is for: a job's prompt, a work item's kind; at most 200 characters. */
  readonly title?: string;
  readonly session?: string;
  readonly provider?: string;
  readonly fault?: { readonly code: string; readonly message: string; readonly at: number };
}

/** A timer that is armed. */
export interface TimerView {
  readonly id: string;
  /** The name of its delay, where it is an `after`; else its send id. */
  readonly name: string;
  /** The path of the state whose `after` it is. */
  readonly state?: string;
  readonly dueAt: number;
  /** What it delivers, by type. */
  readonly event: string;
}

/** An effect that is not finished. */
export interface EffectView {
  /** `<seq>:<index>`, as the journal has it. */
  readonly id: string;
  readonly src: string;
  readonly child: string;
  readonly pool: string;
  /**
   * `running`: its code is at work in this process. `waiting`: for its turn, its gate or its back-off.
   * `parked`: nobody runs it here (no machine is defined, nobody runs the directory, it stands still).
   */
  readonly state: 'running' | 'waiting' | 'parked';
  /** When it was asked for; absent where that step is not kept any more. */
  readonly since?: number;
  /** How often it was started, as far as that is marked on disk or known here. */
  readonly attempts: number;
  readonly startedAt?: number;
  readonly input?: Json;
}

export interface LinkView {
  /** What the other is to this one. */
  readonly rel:
    | 'session'
    | 'parent'
    | 'child'
    | 'delivery'
    | 'job'
    | 'task'
    | 'account'
    | 'schedule'
    | 'cause';
  readonly address: string;
  /** False: there is no such actor any more. */
  readonly exists: boolean;
}

export interface ArtifactView {
  /** The name below `/v1/artifacts/`: SHA-256 and extension. */
  readonly file: string;
  readonly mediaType: string;
  readonly bytes?: number;
}

/** One actor, whole. */
export interface ActorReport extends ActorLine {
  readonly machine?: string;
  readonly hash?: string;
  /** A machine of its version is defined in this process: its steps can be taken again. */
  readonly defined: boolean;
  readonly context?: Json;
  readonly output?: Json;
  readonly error?: Json;
  readonly timers: readonly TimerView[];
  readonly effects: readonly EffectView[];
  readonly children: readonly { readonly child: string; readonly src: string; readonly address: string }[];
  readonly links: readonly LinkView[];
  readonly artifacts: readonly ArtifactView[];
  /** Of a delivery, or of a job's last one. */
  readonly delivery?: { readonly id: string; readonly status: string; readonly attempts?: number };
  /** Events that wait for it: 1,000 are counted. */
  readonly waiting: number;
  /** Its kept steps: from the first to `seq`. */
  readonly firstSeq: number;
  /** Entries that it wrote, or that were written for it: of a session its newest 50, oldest first. */
  readonly history: readonly { readonly at: number; readonly cause: string; readonly entry: Json }[];
}

/** One kept step. */
export interface StepLine {
  readonly address: string;
  readonly seq: number;
  readonly at: number;
  /** Who sent it: `user`, `timer`, `effect`, `actor:<address>`, `provider:<id>`, `operator:<name>`. */
  readonly source: string;
  /** The step that caused it, where that is known: another actor's, or its own that asked for it. */
  readonly cause?: { readonly address: string; readonly seq: number };
  readonly event: JsonEvent;
  readonly eventId: string;
  readonly value: StateValue | null;
  readonly status: string;
  readonly effects: readonly { readonly id: string; readonly src: string; readonly child: string }[];
  readonly timers: readonly TimerView[];
  readonly sends: readonly { readonly id: string; readonly to: string; readonly type: string }[];
  readonly emitted: readonly JsonEvent[];
  readonly commit: number;
  /**
   * When the write of its commit began, by the wall clock: of an imported actor, the commit that brought it
   * here. Absent in live frames and capsules, where the commit is not among the last 20,000, and where an
   * older holdfast wrote it.
   */
  readonly committedAt?: number;
  readonly by?: string;
  readonly traceparent?: string;
  /** The throw that ended or restarted it. */
  readonly failure?: Json;
  readonly migrated: boolean;
}

export interface ListSteps {
  /** Steps before this one; default: the newest. */
  readonly before?: number | undefined;
  /** 1 to 1,000, default 1,000: all that is kept. */
  readonly limit?: number | undefined;
}

/** One step, taken again. */
export interface StepReport extends StepLine {
  /**
   * After the step. Absent, with `diff`, where it cannot be taken again: no machine of its version is
   * defined here, or what it goes on from is not kept.
   */
  readonly context?: Json;
  readonly diff?: readonly Change[];
  /** Why there is no context. */
  readonly unknown?: string;
}

/** What `machine.config` says, as JSON: names for functions, `ƒ` for those without. */
export interface ChartView {
  readonly kind: string;
  readonly version: string;
  readonly hash: string;
  /** What `createMachine` accepts. */
  readonly config: JsonObject;
}

/** Why an actor is where it is. */
export interface WhyReport {
  readonly address: string;
  readonly status: ActorViewStatus;
  readonly value?: StateValue;
  /** Leaf states, each since when, and what its chart says of it. */
  readonly states: readonly {
    readonly path: string;
    readonly since: number;
    /** An older holdfast wrote it, and did not say since when: it has been there since then at least. */
    readonly atLeast?: true;
    readonly description?: string;
    /** How long others stayed there, where that is known. */
    readonly p95Ms?: number;
  }[];
  readonly legal: readonly LegalEvent[];
  readonly nextTimer?: TimerView;
  readonly effects: readonly EffectView[];
  /** The last three, newest first: of its context, its fault, its journal. */
  readonly errors: readonly { readonly at?: number; readonly code?: string; readonly message: string }[];
  /** One paragraph that says all of it. */
  readonly words: string;
}

/** A step in a story. */
export interface StoryStep extends Omit<StepLine, 'timers' | 'effects' | 'emitted' | 'sends'> {
  /** Its place: causes come before what they cause, and else it goes by commit. From 0. */
  readonly order: number;
  /**
   * Its cause is told by order, not by an id: a turn that has not ended took the newest message, and what was
   * submitted without naming its `turn` is of the turn that its session had then.
   */
  readonly isInferred?: true;
}

/** What one event led to, over all actors. */
export interface Story {
  /** The first cause that is kept. */
  readonly root: { readonly address: string; readonly seq: number };
  /** In order of appearance: the columns of a sequence diagram. */
  readonly actors: readonly string[];
  readonly steps: readonly StoryStep[];
  /** It is longer than `limits.storyStepsMax`, or goes on in steps that are not kept. */
  readonly cut: boolean;
  /** As a Mermaid sequence diagram. */
  readonly mermaid: string;
}

/** What an operator may do to an actor in its present state. */
export interface ActView {
  /** `cancel`, `retry`, `send:<event type>`. */
  readonly name: string;
  readonly title: string;
  readonly description: string;
  /** JSON Schema of what it needs; absent: nothing. */
  readonly input?: JsonObject;
  /** It ends something, or pays for something: ask before. */
  readonly serious: boolean;
}

export interface ActRequest {
  readonly address: string;
  /** Of `acts(address)`. */
  readonly act: string;
  readonly input?: Json | undefined;
  /**
   * Asked for again under one id, within a day, it is not done again, and resolves where it was a step of
   * this actor: for who repeats what was not answered. 1 to 200 characters.
   */
  readonly id?: string | undefined;
  /**
   * The step after which its operator saw the actor (`ActorReport.seq`). Refused with ACT_STALE where the
   * act could not be done after one of the steps since then, though it could be done again now, or where not
   * all of them are kept. Other steps (a poll) do not matter. Default: it is done if it can be done now. An
   * act whose input names what it is done to (a batch) is not looked at so.
   */
  readonly seenSeq?: number | undefined;
  /** Who says so: journaled. 1 to 100 characters. */
  readonly operator: string;
}

/** What is told as it happens, at most every `limits.inspectorFrameGapMs`. */
export interface LiveFrame {
  /** The newest steps since the frame before, at most `limits.inspectorFrameStepsMax`, oldest first. */
  readonly steps: readonly Omit<StepLine, 'timers' | 'effects' | 'emitted' | 'sends'>[];
  /** Steps that had no room. */
  readonly more: number;
  /** Counts that changed, as they are now. */
  readonly counts: readonly (StateCountView & { readonly kind: string })[];
}

/** A capsule as the page shows an actor. */
export interface CapsuleReport {
  readonly actor: ActorReport;
  readonly steps: readonly StepReport[];
  /** Absent: neither the capsule nor this process knows the machine. */
  readonly chart?: ChartView;
}

/** `runtime.inspection`. Every method throws INVALID_INPUT, INVALID_ID and RUNTIME_CLOSED. */
export interface InspectionFace {
  population(): Promise<Population>;
  list(filter?: ListInspected): Promise<Page<ActorLine>>;
  /** Throws ACTOR_NOT_FOUND, STORE_CORRUPTED. */
  actor(address: string): Promise<ActorReport>;
  /** Kept steps, oldest first; `cursor` is the `before` of the page of older ones. */
  steps(address: string, options?: ListSteps): Promise<Page<StepLine>>;
  /** Throws STEP_NOT_KEPT. */
  step(address: string, seq: number): Promise<StepReport>;
  /** The chart of a kind, of what is named or else the newest. Throws CHART_UNKNOWN. */
  chart(kind: string, version?: string, hash?: string): Promise<ChartView>;
  why(address: string): Promise<WhyReport>;
  /** Throws STEP_NOT_KEPT, INVALID_EVENT, KIND_UNKNOWN without its machine, REPLAY_DIVERGED with another. */
  whatIf(request: WhatIfRequest): Promise<WhatIfReport>;
  /** From the first cause of a step on; default: the actor's first kept one. */
  story(address: string, seq?: number): Promise<Story>;
  acts(address: string): Promise<readonly ActView[]>;
  /** Throws ACT_UNKNOWN, ACT_STALE, and what the act throws. Resolves when it is on disk. */
  act(request: ActRequest): Promise<void>;
  /** A capsule, shown: it is checked as `import` does, and goes nowhere. */
  look(capsule: unknown): Promise<CapsuleReport>;
  /** The same sandbox over a capsule. */
  whatIfOf(capsule: unknown, request: Omit<WhatIfRequest, 'address'>): Promise<WhatIfReport>;
  /** The file of an artifact; undefined when no actor refers to it. */
  artifact(file: string): Promise<{ readonly path: string; readonly mediaType: string } | undefined>;
  /** Hears of steps; of one actor's alone where it is named. Returns a function that stops it. */
  watch(listener: (frame: LiveFrame) => void, options?: { readonly address?: string }): () => void;
}
