/**
 * The door for capsules: a value of unknown make, checked.
 *
 * Pure. Callers: capsules.ts, the testing room, the CLI. Invariants:
 *  1  What comes out makes keys and rows: no name has a NUL, every number is one.
 *  2  The hashes are checked before the shape: what was changed on its way is told as that.
 */
import { z } from 'zod';
import { HoldfastError } from '../../errors.js';
import { addressOf } from '../../ids.js';
import { firstNonJson, isPlainObject } from '../../json.js';
import { brokenAt, type Capsule } from './capsule.js';

/** The newest format this version reads. */
const FORMAT = 1;

/** Can be a part of a key. */
const name = z.string().refine((text) => text.isWellFormed() && !text.includes('\0'), 'is no name');
const partId = z.string().regex(/^\d+:\w+$/, 'is no id like "3:0"');
const count = z.int().min(0);
const time = z.number().min(0);
const json = z.unknown().optional();
const event = z.looseObject({ type: z.string() });
const status = z.enum(['active', 'done', 'error', 'stopped']);

const timer = z.looseObject({ id: partId, sendId: z.string(), dueAt: time, event: event.optional() });
const effect = z.looseObject({
  id: partId,
  child: name,
  src: name,
  pool: name,
  ord: name,
  systemId: name.optional(),
});
const child = z.looseObject({ id: partId, child: name, src: name, address: name, systemId: name.optional() });
const parent = z.looseObject({ address: name, child: name, id: name, root: name });
const origins = z.array(z.tuple([name, count]));
const quarantine = z.looseObject({
  code: z.string(),
  message: z.string(),
  at: time,
  event: event.optional(),
  source: z.string().optional(),
  head: z
    .looseObject({ content: z.looseObject({ type: z.string() }), source: z.string(), dedupe: z.boolean() })
    .optional(),
});

const record = z.looseObject({
  machine: z.string(),
  version: name,
  hash: name,
  seq: z.int().min(1),
  epoch: count,
  status,
  createdAt: time,
  ord: name,
  at: time,
  snapshot: json,
  value: json,
  since: z.array(time).optional(),
  restarts: z.array(time).optional(),
  timers: z.array(timer),
  effects: z.array(effect),
  children: z.array(child).optional(),
  parent: parent.optional(),
  marks: z.array(z.tuple([count, count])),
  quarantine: quarantine.optional(),
  origins: origins.optional(),
});

const entry = z.looseObject({
  seq: z.int().min(1),
  at: time,
  event,
  eventId: z.string(),
  source: z.string(),
  dueAt: time.optional(),
  traceparent: z.string().optional(),
  by: z.string().optional(),
  value: z.unknown(),
  status,
  effects: z.array(z.looseObject({ id: z.string(), src: z.string(), child: z.string() })).optional(),
  timers: z.array(timer).optional(),
  sends: z.array(z.looseObject({ id: z.string(), to: z.string(), type: z.string() })).optional(),
  emitted: z.array(event).optional(),
  system: z.record(z.string(), json).optional(),
  failure: z.looseObject({ event, error: z.looseObject({}) }).optional(),
  parent: parent.optional(),
  migrated: z.looseObject({}).optional(),
  rows: z.record(z.string(), z.json()).optional(),
});

const effectRow = z.looseObject({
  address: name,
  id: partId,
  child: name,
  src: name,
  started: z.looseObject({ at: time, epoch: count, attempt: count }).optional(),
  failures: z.array(time).optional(),
  traceparent: z.string().optional(),
});
const inboxRow = z.looseObject({
  type: z.enum(['create', 'event', 'stop', 'result']),
  id: z.string(),
  traceparent: z.string().optional(),
});

const shape: z.ZodType = z.lazy(() =>
  z.looseObject({
    id: z.string(),
    after: z.array(z.string()).optional(),
    invoke: z.array(z.tuple([z.string(), z.string()])).optional(),
    states: z.record(z.string(), shape).optional(),
  }),
);

const capsule = z.strictObject({
  format: z.literal(FORMAT),
  address: name,
  kind: z.string(),
  id: z.string(),
  machine: z.string(),
  version: z.string(),
  hash: z.string(),
  exportedAt: time,
  record,
  checkpoint: record.optional(),
  journal: z.array(z.strictObject({ entry, chain: z.string() })),
  outbox: z.array(effectRow),
  inbox: z.array(z.strictObject({ ord: name, row: inboxRow })),
  payloads: z.record(name, z.json()),
  holds: z.array(z.strictObject({ name, file: name })).optional(),
  gaps: z.array(
    z.strictObject({
      what: z.enum(['journal', 'checkpoint', 'effect', 'payload', 'inbox']),
      which: z.string(),
    }),
  ),
  redacted: z.array(z.string()),
  shape: shape.optional(),
  seal: z.string(),
});

/**
 * A capsule as it was exported. Throws CAPSULE_INVALID for what is none or has a newer format,
 * CAPSULE_ALTERED for one that does not fit its hashes, naming the first entry that does not.
 */
export function parseCapsule(given: unknown): Capsule {
  if (!isPlainObject(given) || firstNonJson(given) !== undefined) throw invalid('it is no JSON object');
  const { format, journal, address } = given;
  if (typeof format === 'number' && format > FORMAT)
    throw invalid(`its format is ${format}, this holdfast reads up to ${FORMAT}`);
  if (format !== FORMAT || typeof address !== 'string' || !isObjects(journal))
    throw invalid('it has no format, address and journal');
  const broken = brokenAt(given, journal);
  if (broken !== undefined) {
    const where = broken.what === 'seal' ? 'the seal' : `entry ${broken.seq ?? 'of no seq'} of its journal`;
    throw new HoldfastError('CAPSULE_ALTERED', `${address}: ${where} does not fit its hash`, {
      details: { address, ...(broken.what === 'entry' && { seq: broken.seq }) },
    });
  }
  const parsed = capsule.safeParse(given);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw invalid(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'unknown'}`);
  }
  if (addressIn(parsed.data) !== address) throw invalid('its address is not that of its kind and id');
  const checked = Object(given) as Capsule;
  checkSteps(checked);
  return checked;
}

function addressIn({ kind, id }: Pick<Capsule, 'kind' | 'id'>): string {
  try {
    return addressOf(kind, id);
  } catch (error) {
    throw error instanceof HoldfastError ? invalid(error.message) : error;
  }
}

/** Its parts are of one actor: the journal ends where the record stands. */
function checkSteps({ record, journal, checkpoint, gaps }: Capsule): void {
  const whole = !gaps.some(({ what }) => what === 'journal' || what === 'checkpoint');
  const first = checkpoint?.seq ?? 0;
  const isGapless = journal.every(({ entry: { seq } }, index) => seq === first + index + 1);
  if (whole && !(isGapless && first + journal.length === record.seq))
    throw invalid('its journal does not lead to its record');
}

function isObjects(value: unknown): value is Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) && value.every(isPlainObject);
}

function invalid(why: string): HoldfastError {
  return new HoldfastError('CAPSULE_INVALID', `that is no capsule: ${why}`);
}
