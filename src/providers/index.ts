/**
 * What the rest of the house, and users through `holdfast/providers`, may use of this room.
 */
// What adapters are written with: docs/guide-your-own-adapter.md.
export { bearer, checkAccountLimits, defaultCredential, homeOf, keyOf, refuseShared } from './account.js';
export type { AdapterOptions, ApiKey, Home, KeyOptions, WebhookSecret } from './account.js';
export {
  acceptedSubmit,
  failedPoll,
  providerError,
  refusedSubmit,
  soundsUnsafe,
  unusable,
  unusablePoll,
} from './classify.js';
export type { ErrorWords } from './classify.js';
export { decisions } from './decisions.js';
export type { Decision } from './decisions.js';
export { asList, asNumber, asObject, asText, asUrl, at, isSuccess, readObject } from './wire.js';
export type { WireObject } from './wire.js';
export { checkJobTimes } from './job-times.js';
export { download } from './download.js';
export type { DownloadOptions } from './download.js';
export type { DownloadedArtifact, DownloadOutcome } from './download-outcome.js';
export { receiveInline } from './inline-file.js';
export type { InlineOptions } from './inline-file.js';
export { receiveImage } from './image-file.js';
export type { ImageSource, ReceivedImage } from './image-file.js';
export { agnes } from './adapters/agnes.js';
export type { AgnesOptions } from './adapters/agnes.js';
export { fromAiSdkVideoModel } from './adapters/ai-sdk.js';
export type { AiSdkFile, AiSdkOptions, AiSdkStart, AiSdkStatus, AiSdkVideoModel } from './adapters/ai-sdk.js';
export { fal } from './adapters/fal.js';
export type { FalOptions } from './adapters/fal.js';
export { kling } from './adapters/kling.js';
export type { KlingOptions } from './adapters/kling.js';
export type { KlingApiKey, KlingKey, KlingKeyPair } from './adapters/kling-keys.js';
export { luma } from './adapters/luma.js';
export type { LumaOptions } from './adapters/luma.js';
export { replicate } from './adapters/replicate.js';
export type { ReplicateOptions } from './adapters/replicate.js';
export { rsclaw } from './adapters/rsclaw.js';
export type { RsclawOptions } from './adapters/rsclaw.js';
export { rsclawImage } from './adapters/rsclaw-image.js';
export type { RsclawImageOptions } from './adapters/rsclaw-image.js';
export { runway } from './adapters/runway.js';
export type { RunwayOptions } from './adapters/runway.js';
export { minimax } from './adapters/minimax.js';
export type { MinimaxOptions } from './adapters/minimax.js';
export { openai } from './adapters/openai.js';
export type { OpenAiOptions } from './adapters/openai.js';
export { seedance } from './adapters/seedance.js';
export type { SeedanceOptions } from './adapters/seedance.js';
export { openaiResponses } from './adapters/openai-responses.js';
export type { OpenAiResponsesOptions } from './adapters/openai-responses.js';
export { veo } from './adapters/veo.js';
export type { VeoOptions } from './adapters/veo.js';
export { checkAccount, pollTask, submitTask } from './calls.js';
export type { AccountCheck, SubmitCall } from './calls.js';
export type { BlockedOutcome } from './outcome.js';
export { partsBelow, partsIn, placeWhole, sweepParts } from './parts.js';
export type * from './port.js';
export { redactError, redactText, redactUrl, shortWord } from './redact.js';
export { retryAfterMs } from './retry-after.js';
export { createTransport } from './transport.js';
export type { SendOptions, Transport, TransportLog, TransportOptions, TransportResult } from './transport.js';
export { webhookBody } from './webhooks/delivery.js';
export type { WebhookDelivery, WebhookVerdict } from './webhooks/delivery.js';
export { challengeIn, newsIn } from './webhooks/news.js';
export { WebhookVerifier } from './webhooks/verify.js';
