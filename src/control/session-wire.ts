/**
 * What is said about sessions on the wire: one table a thing, for both directions.
 *
 * Pure. Callers: session-routes.ts, session-client.ts, the CLI. Invariants: those of codec.ts; and names that
 * users gave (of images, channels, turn options, what a wake brings) pass as they are.
 */
import { isAbsolute } from 'node:path';
import type {
  Batch,
  Enqueued,
  EnqueuePolicies,
  ModeChange,
  Payload,
  SessionCommand,
  SessionInputDraft,
  SessionView,
  WorkDraft,
} from '../index.js';
import { isPlainObject } from '../json.js';
import { fieldsOf, listOf, mapOf, refused, same, taggedBy, timeMs, word, type Codec } from './codec.js';
import type { MessageAsk, ShortWork } from './session-port.js';

type PayloadOf<Type extends Payload['type']> = Omit<Extract<Payload, { readonly type: Type }>, 'type'>;
type CommandOf<Kind extends SessionCommand['kind']> = Omit<
  Extract<SessionCommand, { readonly kind: Kind }>,
  'kind'
>;

const deliver = word('earliestSafeBoundary', 'afterCurrentTurnCommit');

const mergeWord = word('never', 'payloadDefault');
const group = fieldsOf<{ readonly group: string }>({ group: same });
const merge: Codec = {
  toWire: (value) => (isPlainObject(value) ? group : mergeWord).toWire(value),
  fromWire: (value, path) => (isPlainObject(value) ? group : mergeWord).fromWire(value, path),
};

const imageFields = fieldsOf<Record<'base64' | 'path' | 'attachment' | 'mime' | 'bytes', unknown>>({
  ...{ base64: same, path: same, attachment: same, mime: same, bytes: same },
});
/** Bytes are base64 on the wire, and a path is absolute: the reader stands elsewhere than the writer. */
const image: Codec = {
  toWire: (value) => {
    if (!isPlainObject(value) || !(value['bytes'] instanceof Uint8Array)) return imageFields.toWire(value);
    const { bytes, ...rest } = value;
    return { base64: Buffer.from(bytes).toString('base64'), ...rest };
  },
  fromWire: (value, path) => {
    const { base64, ...rest } = Object(imageFields.fromWire(value, path)) as Readonly<
      Record<string, unknown>
    >;
    const file = rest['path'];
    if (typeof file === 'string' && !isAbsolute(file)) throw refused(`${path}.path`, 'is not absolute');
    if (base64 === undefined) return rest;
    if (typeof base64 !== 'string' || !BASE64.test(base64)) throw refused(`${path}.base64`, 'is not base64');
    return { ...rest, bytes: new Uint8Array(Buffer.from(base64, 'base64')) };
  },
};
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

const said = {
  items: listOf(
    fieldsOf<{ readonly text: string; readonly imageRef: string }>({ text: same, imageRef: same }),
  ),
  images: mapOf(image),
  turnOptions: same,
  traceTurnId: same,
};

const draftPayloads = {
  turnInput: fieldsOf<PayloadOf<'turnInput'>>(said),
  processWake: fieldsOf<PayloadOf<'processWake'>>({
    ...{ processId: same, sequence: same, eventType: same, input: same, causedBy: same },
    targetSessionId: same,
  }),
  sessionCommand: fieldsOf<PayloadOf<'sessionCommand'>>({
    command: taggedBy('kind', {
      refreshToolSurface: fieldsOf<CommandOf<'refreshToolSurface'>>({
        reason: same,
        expectedGeneration: same,
      }),
      resetSession: fieldsOf<CommandOf<'resetSession'>>({ reason: same }),
    }),
  }),
};

const payload = taggedBy('type', {
  ...draftPayloads,
  droppedMessages: fieldsOf<PayloadOf<'droppedMessages'>>({ lines: same, more: same }),
});

const availableAt = { name: 'available_at_ms', codec: timeMs };
const policies = {
  ...{ deliver, merge, availableAt, slot: same },
  ...{ sourceKey: same, dedupeRetentionMs: same, onConflict: same },
};
/** Names of policies, to be told from what is said beside them. */
export const POLICY_NAMES: readonly string[] = Object.keys(
  policies satisfies Record<keyof EnqueuePolicies, unknown>,
);

const draft = fieldsOf<WorkDraft>({ payloads: listOf(taggedBy('type', draftPayloads)), ...policies });
const short = { ...said, id: same, text: same } satisfies Record<keyof SessionInputDraft, Codec>;
const shortWork = fieldsOf<ShortWork>({ ...short, ...policies, inject: same });
const workCodec = (work: unknown): Codec => (isPlainObject(work) && 'payloads' in work ? draft : shortWork);

/** Work in full, with payloads, or in short. */
export const workWire: Codec = {
  toWire: (work) => workCodec(work).toWire(work),
  fromWire: (work, path) => workCodec(work).fromWire(work, path),
};

/** Work as it came over the wire. Its façade checks what is in it. */
export function workFrom(body: unknown): WorkDraft | ShortWork {
  return workWire.fromWire(body, '') as WorkDraft | ShortWork;
}

export const messageWire = fieldsOf<MessageAsk>({ ...short, channel: same });

export const batchWire = fieldsOf<Batch>({
  ...{ batchId: same, seq: same, kind: same, deliver, slot: same, merge, state: same, attempts: same },
  ...{ claims: same, channel: same, sourceKey: same, availableAt },
  enqueuedAt: { name: 'enqueued_at_ms', codec: same },
  claim: fieldsOf<NonNullable<Batch['claim']>>({
    ...{ claimId: same, ownerId: same },
    expiresAt: { name: 'expires_at_ms', codec: same },
  }),
  items: listOf(fieldsOf<Batch['items'][number]>({ itemId: same, payload })),
});

export const enqueuedWire = fieldsOf<Enqueued>({
  batch: batchWire,
  deduplicated: same,
  contentMatches: same,
});

const settings = { mode: same, cap: same, drop: same, debounceMs: same };
export const settingsWire = fieldsOf<SessionView['mode']>(settings);
export const modeChangeWire = fieldsOf<ModeChange>({ ...settings, channel: same });

export const sessionWire = fieldsOf<SessionView>({
  ...{ key: same, state: same, pending: same, claimed: same },
  counts: fieldsOf<SessionView['counts']>({
    ...{ batches: same, dead: same, enqueued: same, completed: same, cancelled: same },
    dropped: same,
  }),
  mode: settingsWire,
  channels: mapOf(settingsWire),
  pausedUntil: { name: 'paused_until_ms', codec: same },
  lastAbandon: fieldsOf<NonNullable<SessionView['lastAbandon']>>({
    at: { name: 'at_ms', codec: same },
    reason: same,
  }),
  turn: fieldsOf<NonNullable<SessionView['turn']>>({
    ...{ turnId: same, ownerId: same },
    startedAt: { name: 'started_at_ms', codec: same },
  }),
});
