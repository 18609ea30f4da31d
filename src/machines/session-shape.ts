/**
 * Whether an event is one that a session can take.
 *
 * Pure. Callers: what a session's definition shows its steps. The façade checks what it sends; events that
 * other actors send come unchecked, and one that nobody can read would set the whole conversation aside.
 * Invariant: what is well formed changes a session or is refused by it, and never throws.
 */
import { dropPolicies, queueModes } from './session-words.js';

type Check = (value: unknown) => boolean;
type Fields = Readonly<Record<string, unknown>>;

const NAME_CHARS_MAX = 300;
const ID_BYTES_MAX = 512;

/** False for an event of a session's own types without what such an event has. */
export function isWellFormed(event: object): boolean {
  const fields = event as Fields;
  const shape = SHAPES.get(fields['type']);
  return shape === undefined || shape(fields);
}

/** What rows may be named by. */
const isName: Check = (value) =>
  isText(value) && value !== '' && value.length <= NAME_CHARS_MAX && !value.includes('\0');
const isWhole: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const isMerge: Check = (value) => value === 'N' || value === 'P' || (isText(value) && value.startsWith('G'));

const isWake = shapeOf({ process: isName, sequence: isWhole });
const isDraft = shapeOf(
  {
    nonce: isName,
    deliver: oneOf(['E', 'A']),
    slot: oneOf(['J', 'X']),
    merge: isMerge,
    kind: oneOf(['input', 'wake', 'command', 'mixed']),
    items: isWhole,
    availableAt: isWhole,
    digest: isText,
  },
  { key: isName, keyRetentionMs: isWhole, wakes: listOf(isWake), files: listOf(isName) },
);

const payloads = new Map<unknown, Check>([
  ['turnInput', shapeOf({ items: listOf(isFields) }, { images: isFields, turnOptions: isFields })],
  ['processWake', shapeOf({ processId: isText, sequence: isWhole, eventType: isText })],
  ['sessionCommand', shapeOf({ command: isFields })],
  ['droppedMessages', shapeOf({ lines: listOf(isText), more: isWhole })],
]);
const isPayload: Check = (value) => isFields(value) && payloads.get(value['type'])?.(value) === true;
const isRow = shapeOf({ payloads: listOf(isPayload) }, { sourceKey: isText });

const isSettings = shapeOf(
  {},
  {
    mode: oneOf(queueModes),
    cap: (value) => isWhole(value) && value !== 0,
    drop: oneOf(dropPolicies),
    debounceMs: isWhole,
  },
);

const isAsked = shapeOf(
  {
    claimId: isName,
    ownerId: isText,
    leaseToken: isName,
    boundary: oneOf(['idle', 'activeTurnCheckpoint']),
    max: isWhole,
    wanted: oneOf(['turn', 'command']),
    ttlMs: isWhole,
  },
  { epoch: isWhole, batchIds: listOf(isText) },
);
const isProof = shapeOf({ claimId: isText, leaseToken: isText, batchIds: listOf(isText) });
const isDelivery = shapeOf({ deliveryId: isId, channel: isName });

const SHAPES: ReadonlyMap<unknown, Check> = new Map<unknown, Check>([
  ['session.enqueue', shapeOf({ draft: isDraft }, { row: isRow })],
  ['message.arrived', shapeOf({ draft: isDraft, channel: isText, line: isText })],
  ['mode.set', shapeOf({ settings: isSettings }, { channel: isText })],
  ['claim.take', shapeOf({ claim: isAsked })],
  ['turn.begin', shapeOf({ claim: isAsked, turnId: isName })],
  ['turn.checkpoint', shapeOf({ claim: isAsked, turnId: isName })],
  ['claim.renew', shapeOf({ claim: isProof })],
  [
    'claims.complete',
    shapeOf(
      { claims: listOf(isProof) },
      {
        turnId: isName,
        commitHash: isText,
        history: listOf(isFields),
        files: listOf(isName),
        deliveries: listOf(isDelivery),
      },
    ),
  ],
  ['claims.abandon', shapeOf({ claims: listOf(isProof) }, { retryInMs: isWhole })],
  ['generation.began', shapeOf({ epoch: isWhole })],
  ['generation.ended', shapeOf({ epoch: isWhole })],
  ['claims.lost', shapeOf({ claimIds: listOf(isText) })],
]);

/** An object with these fields, and those where they are there. */
function shapeOf(
  needed: Readonly<Record<string, Check>>,
  optional: Readonly<Record<string, Check>> = {},
): Check {
  const all = Object.entries(needed);
  const some = Object.entries(optional);
  return (value) => {
    if (!isFields(value)) return false;
    if (!all.every(([key, check]) => check(value[key]))) return false;
    return some.every(([key, check]) => value[key] === undefined || check(value[key]));
  };
}

function listOf(check: Check): Check {
  return (value) => Array.isArray(value) && value.every((one) => check(one));
}

function oneOf(words: readonly string[]): Check {
  return (value) => isText(value) && words.includes(value);
}

/** What an actor may be called. */
function isId(value: unknown): boolean {
  if (!isText(value) || value === '' || value.includes('\0')) return false;
  return value.length <= ID_BYTES_MAX && new TextEncoder().encode(value).length <= ID_BYTES_MAX;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.isWellFormed();
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
