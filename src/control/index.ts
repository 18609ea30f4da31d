/** The control room's face for the doors. */
export { connectControl } from './client.js';
export { OPERATIONS } from './port.js';
export type { CallOptions, ControlClient, Operation, RuntimeView, SubmittedJob } from './port.js';
export { JOB_STATUSES } from './input.js';
export { errorToWire, toWire, type WireError } from './wire.js';
