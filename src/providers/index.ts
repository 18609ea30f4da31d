/**
 * What the rest of the house, and users through `holdfast/providers`, may use of this room.
 */
export { defaultCredential } from './account.js';
export type { ApiKey } from './account.js';
export { download } from './download.js';
export type { DownloadedArtifact, DownloadOptions, DownloadOutcome } from './download.js';
export { receiveImage } from './image-file.js';
export type { ImageSource, ReceivedImage } from './image-file.js';
export { kling } from './kling.js';
export type { KlingOptions } from './kling.js';
export { openai } from './openai.js';
export type { OpenAiOptions } from './openai.js';
export { pollOutcome, submitOutcome } from './outcome.js';
export type { BlockedOutcome } from './outcome.js';
export { partsBelow, partsIn, placeWhole, sweepParts } from './parts.js';
export type * from './port.js';
export { redactError, redactText, redactUrl, replaceSecrets, shortWord } from './redact.js';
export { createTransport } from './transport.js';
export type { SendOptions, Transport, TransportLog, TransportOptions, TransportResult } from './transport.js';
