/**
 * What the testing room and the doors may use of this room beside the runtime: capsules, read and replayed,
 * the words for jobs, and the reader of bodies.
 *
 * The façades themselves are put together in assembly.ts.
 */
export type { Capsule, ChainedEntry } from './capsule/capsule.js';
export { readCapsule } from './capsule/file.js';
export { mendCapsule } from './capsule/mend.js';
export type { MendedStep, MendReport } from './capsule/mend.js';
export { boundedBody } from './hooks/body.js';
export { isOperatorName } from './operator.js';
export { JOB_STATUSES } from './job-index.js';
export { TASK_STATUSES } from './tasks/task-index.js';
export { WORK_STATUSES } from './work/work-index.js';
export { parseCapsule } from './capsule/parse.js';
export { replayCapsule } from './capsule/retrace.js';
export type { Divergence, ReplayedStep, ReplayOptions, ReplayReport } from './capsule/retrace.js';
export { chartViewOf, houseCharts } from './house-charts.js';
export { whatIfCapsule, type WhatIfOptions } from './inspection/capsule-what-if.js';
export type { WhatIfStep } from './inspection/face.js';
export { veiled } from './inspection/veil.js';
export { leavesOf } from './kernel/index.js';
