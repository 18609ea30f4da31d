/** `holdfast/client`: work items for processes beside the runtime, or on other machines. */
export { connectWork } from './work-client.js';
export type { ClaimAsk, ConnectOptions, WorkClient, WorkPlace } from './work-client.js';
export type { ElsewhereHandling, ElsewhereOptions } from './worker.js';
export type {
  ClaimedWork,
  EnqueuedWork,
  EnqueueOptions,
  FailOptions,
  NewWork,
  WorkHandler,
  WorkHandlerContext,
} from '../index.js';
export { HoldfastError, isHoldfastError, type ErrorCode } from '../errors.js';
