/**
 * What a world is made of: kinds of actors, and how the world outside answers their effects.
 *
 * Callers: the world, tests that bring a world of their own.
 */
import type { DefinitionOptions } from '../../src/actors/kernel/index.js';
import { familyKind, growingKind, scribeKind, strangerKind } from './family-kinds.js';
import { defineDeliveries, jobAnswers, jobKind } from './job-kinds.js';
import type { AnswerOf, Hands } from './outside.js';
import type { Process } from './process.js';
import type { Sessions } from '../../src/actors/sessions.js';
import { openSessions } from './session-house.js';
import { workAnswers, workKinds } from './work-kinds.js';
import { workerKind } from './worker-kind.js';

/** How a process is set up, as far as that changes from one to the next. */
export interface Setting {
  /** Of the machine that changes. */
  readonly version: number;
  /** Kinds that this process does not define. */
  readonly without: readonly string[];
}

export interface Kinds {
  readonly definitions: (hands: Hands, setting: Setting) => readonly DefinitionOptions[];
  /** Façades with kinds of their own; returns what is to be done after the start. */
  readonly facades: (process: Process) => (() => Promise<void>)[];
  /** The façade of sessions, where the world has them. */
  readonly sessions?: (process: Process) => Sessions;
  /** By source; others are resolved with nothing in particular, or fail. */
  readonly answers: Readonly<Record<string, AnswerOf>>;
}

export const allKinds: Kinds = {
  definitions: (hands, { version }) => [
    workerKind(hands),
    familyKind(hands),
    scribeKind(hands),
    growingKind(hands, version),
    strangerKind(hands),
    jobKind(hands),
    ...workKinds(hands),
  ],
  facades: (process) => [defineDeliveries(process.kernel, process.hands, process.logger())],
  sessions: openSessions,
  answers: { ...jobAnswers, ...workAnswers },
};
