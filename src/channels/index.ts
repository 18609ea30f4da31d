/** The channels room: what users and other rooms may use. */
export { consoleChannel } from './console.js';
export type { ConsoleChannelOptions } from './console.js';
export { channelOf, DeliveryError, faultOf, permanent, receiptOf } from './port.js';
export type {
  Channel,
  ChannelObject,
  ChannelSend,
  DeliveryErrorOptions,
  DeliveryFault,
  Message,
  MessageFile,
  ReconcileVerdict,
  RetryPolicy,
  SendContext,
} from './port.js';
export { webhookChannel } from './webhook.js';
export type { WebhookChannelOptions } from './webhook.js';
export type { WebhookSigning } from './webhook-signing.js';
