/** What is said about sessions on the wire: both ways, and what is refused. */
import { describe, expect, test } from 'vitest';
import { pageWire, type Codec } from '../../src/control/codec.js';
import { sessionsOver } from '../../src/control/session-client.js';
import {
  batchWire,
  enqueuedWire,
  messageWire,
  modeChangeWire,
  sessionWire,
  workFrom,
  workWire,
} from '../../src/control/session-wire.js';
import type { Batch, SessionView, WorkDraft } from '../../src/index.js';
import { isHoldfastError } from '../../src/errors.js';

const DRAFT = {
  payloads: [
    {
      type: 'turnInput',
      items: [{ text: 'look' }, { imageRef: 'myCat' }],
      images: {
        myCat: { bytes: new Uint8Array([1, 2, 255]), mime: 'image/png' },
        other_cat: { path: '/tmp/a.png' },
        stored: { attachment: 'ab.png', mime: 'image/png', bytes: 3 },
      },
      turnOptions: { maxTokens: 5, snake_case: { camelCase: 1 } },
      traceTurnId: 't',
    },
    {
      ...{
        type: 'processWake',
        processId: 'job_1',
        sequence: 3,
        eventType: 'job.done',
        targetSessionId: 's',
      },
      ...{ input: { camelCase: [{ deepDown: 1 }] }, causedBy: 'task_1' },
    },
  ],
  deliver: 'earliestSafeBoundary',
  slot: 'join',
  merge: { group: 'myGroup' },
  sourceKey: 'k',
  availableAt: 5,
  dedupeRetentionMs: 6,
  onConflict: 'reject',
} as const satisfies WorkDraft;

const BATCH: Batch = {
  ...{ batchId: 'bat_1_x', seq: 1, kind: 'command', state: 'claimed', attempts: 2, claims: 3, channel: 'tG' },
  ...{ deliver: 'afterCurrentTurnCommit', slot: 'exclusive', merge: 'payloadDefault', sourceKey: 'k' },
  ...{ availableAt: 0, enqueuedAt: 7, claim: { claimId: 'c', ownerId: 'o', expiresAt: 9 } },
  items: [
    {
      itemId: 'bat_1_x:item:0',
      payload: {
        type: 'sessionCommand',
        command: { kind: 'refreshToolSurface', reason: 'r', expectedGeneration: 2 },
      },
    },
    { itemId: 'bat_1_x:item:1', payload: { type: 'droppedMessages', lines: ['a'], more: 4 } },
  ],
};

const MODE = { mode: 'collect', cap: 20, drop: 'summarize', debounceMs: 500 } as const;
const VIEW: SessionView = {
  ...{ key: 's', state: 'working', pending: 1, claimed: 2, pausedUntil: 3, mode: MODE },
  turn: { turnId: 't', ownerId: 'o', startedAt: 4 },
  lastAbandon: { at: 5, reason: 'it throws' },
  counts: {
    ...{ batches: 1, dead: 0, enqueued: 1, completed: 0, cancelled: 0 },
    dropped: { old: 1, summarize: 2, interrupt: 3 },
  },
  channels: { myChannel: MODE, my_channel: MODE },
};

test('a draft is written with the names of the wire, and users’ own names stay', () => {
  expect(workWire.toWire(DRAFT)).toEqual({
    payloads: [
      {
        type: 'turn_input',
        items: [{ text: 'look' }, { image_ref: 'myCat' }],
        images: {
          myCat: { base64: 'AQL/', mime: 'image/png' },
          other_cat: { path: '/tmp/a.png' },
          stored: { attachment: 'ab.png', mime: 'image/png', bytes: 3 },
        },
        turn_options: { maxTokens: 5, snake_case: { camelCase: 1 } },
        trace_turn_id: 't',
      },
      {
        ...{ type: 'process_wake', process_id: 'job_1', sequence: 3, event_type: 'job.done' },
        ...{ target_session_id: 's', input: { camelCase: [{ deepDown: 1 }] }, caused_by: 'task_1' },
      },
    ],
    ...{ deliver: 'earliest_safe_boundary', slot: 'join', merge: { group: 'myGroup' }, source_key: 'k' },
    ...{ available_at_ms: 5, dedupe_retention_ms: 6, on_conflict: 'reject' },
  });
});

test('a batch and a session say times in ms, and their words in snake_case', () => {
  expect(batchWire.toWire(BATCH)).toMatchObject({
    ...{ batch_id: 'bat_1_x', deliver: 'after_current_turn_commit', merge: 'payload_default' },
    ...{ available_at_ms: 0, enqueued_at_ms: 7, claim: { claim_id: 'c', owner_id: 'o', expires_at_ms: 9 } },
    items: [
      {
        item_id: 'bat_1_x:item:0',
        payload: {
          type: 'session_command',
          command: { kind: 'refresh_tool_surface', expected_generation: 2 },
        },
      },
      { payload: { type: 'dropped_messages', lines: ['a'], more: 4 } },
    ],
  });
  expect(sessionWire.toWire(VIEW)).toMatchObject({
    ...{ last_abandon: { at_ms: 5, reason: 'it throws' } },
    ...{ paused_until_ms: 3, turn: { turn_id: 't', owner_id: 'o', started_at_ms: 4 } },
    ...{ mode: { debounce_ms: 500 }, channels: { myChannel: { mode: 'collect' }, my_channel: {} } },
  });
});

test.each<[string, Codec, unknown]>([
  ['a draft', workWire, DRAFT],
  ['work in short', workWire, { text: 't', id: 'i', inject: true, turnOptions: { aB: 1 }, availableAt: 3 }],
  ['a message', messageWire, { items: [{ text: 't' }], channel: 'tG' }],
  ['a batch', batchWire, BATCH],
  ['what was enqueued', enqueuedWire, { batch: BATCH, deduplicated: true, contentMatches: false }],
  ['a page', pageWire(batchWire), { items: [BATCH], cursor: 'c' }],
  ['a session', sessionWire, VIEW],
  ['a change of mode', modeChangeWire, { ...MODE, channel: 'tG' }],
])('%s comes back from the wire as it was', (_what, codec, value) => {
  expect(codec.fromWire(JSON.parse(JSON.stringify(codec.toWire(value))), '')).toEqual(value);
});

test('what is absent is left out', () => {
  expect(workWire.toWire({ payloads: [], sourceKey: undefined })).toEqual({ payloads: [] });
});

describe('what comes in is refused by field, with what is known there', () => {
  const input = { type: 'turn_input', items: [{ text: 'a' }] };
  const wrong: readonly (readonly [body: unknown, field: string, message: string])[] = [
    [
      { payloads: [{ ...input, type: 'turnInput' }] },
      'payloads.0.type',
      'turn_input, process_wake, session_command',
    ],
    [{ payloads: [{ items: [] }] }, 'payloads.0.type', 'turn_input, process_wake, session_command'],
    [{ payloads: [{ type: 'dropped_messages', lines: [], more: 1 }] }, 'payloads.0.type', 'is not known'],
    [{ payloads: [{ type: '__proto__' }] }, 'payloads.0.type', 'is not known'],
    [
      { payloads: [input], deliver: 'earliestSafeBoundary' },
      'deliver',
      'earliest_safe_boundary, after_current_turn',
    ],
    [{ payloads: [input], merge: 'always' }, 'merge', 'never, payload_default'],
    [{ payloads: [input], merge: { groups: 'g' } }, 'merge.groups', 'known are group'],
    [
      { payloads: [input], availableAt: 1 },
      'available_at',
      '"availableAt": on the wire it is "available_at_ms"',
    ],
    [{ payloads: [input], available_at_ms: -1 }, 'available_at_ms', 'milliseconds'],
    [{ payloads: [input], available_at_ms: '1' }, 'available_at_ms', 'milliseconds'],
    [
      { payloads: [{ ...input, colour: 1 }] },
      'payloads.0.colour',
      'known are items, images, turn_options, trace',
    ],
    [
      { payloads: [{ ...input, items: [{ imageRef: 'a' }] }] },
      'payloads.0.items.0.image_ref',
      'items.0.imageRef": on the wire it is "image_ref"',
    ],
    [
      { payloads: [{ ...input, images: { a: { path: 'a.png' } } }] },
      'payloads.0.images.a.path',
      'not absolute',
    ],
    [
      { payloads: [{ ...input, images: { a: { base64: '?' } } }] },
      'payloads.0.images.a.base64',
      'not base64',
    ],
    [
      { payloads: [{ type: 'session_command', command: { kind: 'reset', reason: 'r' } }] },
      'payloads.0.command.kind',
      'refresh_tool_surface, reset_session',
    ],
    [{ payloads: input }, 'payloads', 'is not a list'],
    [
      { text: 'a', colour: 'red' },
      'colour',
      'known are items, images, turn_options, trace_turn_id, id, text, deliver',
    ],
    [[], '', 'the body: is not an object'],
    ['text', '', 'the body: is not an object'],
  ];
  test.each(wrong)('%j', (body, field, message) => {
    try {
      workFrom(body);
    } catch (error) {
      if (!isHoldfastError(error, 'INVALID_INPUT')) throw error;
      expect(error.details).toEqual({ field });
      expect(error.message).toContain(message);
      return;
    }
    throw new Error('it was taken');
  });
});

test('an answer of another version is CONTROL_FAILED, a key that no URL can hold is refused', async () => {
  const sessions = sessionsOver(async () => ({
    status: 200,
    body: { ...Object(sessionWire.toWire(VIEW)), newer: 1 },
  }));
  await expect(sessions.view('s')).rejects.toMatchObject({ code: 'CONTROL_FAILED' });
  for (const key of ['.', '..', '', '\ud800'])
    await expect(sessions.view(key), key).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      details: { field: 'key' },
    });
  await expect(sessions.retry('s', '..')).rejects.toMatchObject({ code: 'INVALID_INPUT' });
});
