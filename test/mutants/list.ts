/** All mutants. Callers: the tests of this folder and test/guarantees.test.ts. */
import { actMutants } from './acts.js';
import { actorMutants } from './actors.js';
import { artifactMutants } from './artifacts.js';
import { askingMutants } from './asking.js';
import { attachmentMutants } from './attachments.js';
import { commitMutants } from './commits.js';
import { drawingMutants } from './drawing.js';
import { dwellMutants } from './dwell.js';
import { effectMutants } from './effects.js';
import { eventMutants } from './events.js';
import { hookMutants } from './hooks.js';
import { hostMutants } from './hosts.js';
import { inspectionMutants } from './inspection.js';
import { inspectorMutants } from './inspector.js';
import type { Mutant } from './mutant.js';
import { pagingMutants } from './paging.js';
import { runnerMutants } from './runners.js';
import { sessionMutants } from './sessions.js';
import { storeMutants } from './store.js';
import { storyMutants } from './stories.js';
import { taskRunMutants } from './task-runs.js';
import { taskMutants } from './tasks.js';
import { timerMutants } from './timers.js';
import { trustMutants } from './trust.js';
import { workItemMutants } from './work-items.js';
import { workQueueMutants } from './work-queues.js';
import { workMutants } from './work.js';
import { workerMutants } from './workers.js';

export const mutants: readonly Mutant[] = [
  ...commitMutants,
  ...eventMutants,
  ...askingMutants,
  ...timerMutants,
  ...effectMutants,
  ...actorMutants,
  ...attachmentMutants,
  ...pagingMutants,
  ...sessionMutants,
  ...storeMutants,
  ...workMutants,
  ...workItemMutants,
  ...workQueueMutants,
  ...workerMutants,
  ...taskMutants,
  ...taskRunMutants,
  ...runnerMutants,
  ...trustMutants,
  ...hostMutants,
  ...hookMutants,
  ...artifactMutants,
  ...drawingMutants,
  ...dwellMutants,
  ...actMutants,
  ...inspectionMutants,
  ...inspectorMutants,
  ...storyMutants,
];
