/**
 * `holdfast/runners/ai-sdk`: any model of the AI SDK as the runner of background tasks.
 *
 * The one entry that needs the package `ai` (6, an optional peer); nothing else imports it.
 */
export { idempotent } from './idempotent.js';
export type { AiSdkRunnerOptions, AiSdkSettings, TextOrigin } from './options.js';
export { aiSdkRunner } from './runner.js';
