/** The control room's face for the doors. */
export { connectControl } from './client.js';
export { OPERATIONS } from './port.js';
export type { ControlClient, Operation } from './port.js';
export { JOB_STATUSES, TASK_STATUSES, WORK_STATUSES } from '../actors/index.js';
export { pageWire, type Codec } from './codec.js';
export { errorResponse } from './answer.js';
export { bringsToken } from './bearer.js';
export { forwardTo } from './forward.js';
export { jsonBody } from './input.js';
export { inspectionApp } from './inspection-app.js';
export type { ControlInspection } from './inspection-client.js';
export { inspectedToWire } from './inspection-wire.js';
export { errorFromWire, errorToWire, toWire } from './wire.js';
export { sessionsAt } from './session-acts.js';
export type { ControlSessions } from './session-port.js';
export { batchWire, enqueuedWire, sessionWire, settingsWire, workFrom } from './session-wire.js';
export { tasksAt } from './task-acts.js';
export type { ControlTasks, TaskActs } from './task-port.js';
export { taskWire } from './task-wire.js';
export { workAt } from './work-acts.js';
export type { WorkActs } from './work-port.js';
export {
  bulkWire,
  enqueuedWorkWire,
  scheduleRunWire,
  scheduleWire,
  workCountsWire,
  workItemWire,
} from './work-wire.js';
