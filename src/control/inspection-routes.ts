/**
 * The routes through which actors of any kind are looked at, and acted on.
 *
 *   GET  /v1/population                   GET  /v1/charts?kind&version&hash
 *   GET  /v1/actors?kind&state&...        GET  /v1/actors/{actor,steps,step,why,story,acts}?address&...
 *   POST /v1/actors/{what-if,act}         POST /v1/capsules/{look,what-if}
 *   GET  /v1/live?address                 GET  /v1/artifacts/:file
 *   GET  /v1/stately?address&kind
 *
 * An address has a slash, and may have anything else: it is no part of a path.
 * Owns: nothing. Callers: routes.ts, the inspector. Invariants: those of routes.ts; and
 *  1  Nothing but `act` changes anything: what serves the others to strangers stays read-only.
 */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import type { Context, Hono } from 'hono';
import { z } from 'zod';
import type { Clock } from '../clock.js';
import { HoldfastError } from '../errors.js';
import type { InspectionFace } from '../index.js';
import { limits } from '../limits.js';
import { bodyOf, respond } from './answer.js';
import { StreamPlaces, streamOf } from './event-stream.js';
import { actorQuery, digits, parsed } from './input.js';
import { inspectedFromWire, inspectedToWire } from './inspection-wire.js';
import { statelyRoute } from './stately-route.js';

export interface InspectionRoutesOptions {
  readonly inspection: InspectionFace;
  readonly clock: Clock;
  /** Aborts when the server closes: streams end. */
  readonly closing: AbortSignal;
}

const name = z.string().min(1).max(512);
const seq = digits(1, 999_999_999);
const address = actorQuery.shape.address;
const listQuery = z.strictObject({
  kind: name.optional(),
  state: name.optional(),
  status: z.enum(['active', 'done', 'error', 'stopped', 'quarantined', 'unreadable']).optional(),
  session: name.optional(),
  provider: name.optional(),
  text: z.string().min(1).max(200).optional(),
  olderMs: z
    .string()
    .regex(/^\d{1,13}$/, 'is not a whole number')
    .transform(Number)
    .optional(),
  cursor: z.string().max(4_096).optional(),
  limit: digits(1, limits.scanPageRows).optional(),
});
const stepsQuery = z.strictObject({
  address,
  before: seq.optional(),
  limit: digits(1, limits.scanPageRows).optional(),
});
const stepQuery = z.strictObject({ address, seq });
const storyQuery = z.strictObject({ address, seq: seq.optional() });
const chartQuery = z.strictObject({ kind: name, version: name.optional(), hash: name.optional() });
const liveQuery = z.strictObject({ address: address.optional() });
const events = z.array(z.object({ type: z.string().min(1) }).catchall(z.json())).max(limits.whatIfEventsMax);
const whatIfBody = z.strictObject({ address, seq: z.int().min(1).optional(), events });
const capsuleBody = z.strictObject({ capsule: z.unknown() });
const capsuleWhatIfBody = z.strictObject({ capsule: z.unknown(), seq: z.int().min(1).optional(), events });
const actBody = z.strictObject({
  address,
  act: name,
  input: z.json().optional(),
  id: z.string().min(1).max(200).optional(),
  seenSeq: z.int().min(1).optional(),
  operator: z.string().min(1).max(100).default('control'),
});

export function inspectionRoutes(app: Hono, options: InspectionRoutesOptions): void {
  const { inspection } = options;
  const streaming = { ...options, streams: new StreamPlaces() };
  const answer = async (c: Context, value: Promise<unknown>): Promise<Response> =>
    respond(c, inspectedToWire(await value));
  const query = <T>(c: Context, schema: z.ZodType<T>): T => parsed(schema, inspectedFromWire(c.req.query()));
  const body = async <T>(c: Context, schema: z.ZodType<T>): Promise<T> =>
    parsed(schema, inspectedFromWire(await bodyOf(c)));

  app.get('/v1/population', (c) => answer(c, inspection.population()));
  app.get('/v1/charts', (c) => {
    const { kind, version, hash } = query(c, chartQuery);
    return answer(c, inspection.chart(kind, version, hash));
  });
  app.get('/v1/actors', (c) => answer(c, inspection.list(query(c, listQuery))));
  app.get('/v1/actors/actor', (c) => answer(c, inspection.actor(query(c, actorQuery).address)));
  app.get('/v1/actors/steps', (c) => {
    const { address: of, ...page } = query(c, stepsQuery);
    return answer(c, inspection.steps(of, page));
  });
  app.get('/v1/actors/step', (c) => {
    const { address: of, seq: at } = query(c, stepQuery);
    return answer(c, inspection.step(of, at));
  });
  app.get('/v1/actors/why', (c) => answer(c, inspection.why(query(c, actorQuery).address)));
  app.get('/v1/actors/story', (c) => {
    const { address: of, seq: from } = query(c, storyQuery);
    return answer(c, inspection.story(of, from));
  });
  app.get('/v1/actors/acts', async (c) =>
    answer(
      c,
      inspection.acts(query(c, actorQuery).address).then((items) => ({ items })),
    ),
  );
  app.post('/v1/actors/what-if', async (c) => answer(c, inspection.whatIf(await body(c, whatIfBody))));
  app.post('/v1/actors/act', async (c) => {
    const asked = await body(c, actBody);
    await inspection.act(asked);
    return answer(
      c,
      inspection.why(asked.address).catch(() => ({ address: asked.address })),
    );
  });
  app.post('/v1/capsules/look', async (c) =>
    answer(c, inspection.look((await body(c, capsuleBody)).capsule)),
  );
  app.post('/v1/capsules/what-if', async (c) => {
    const { capsule, ...request } = await body(c, capsuleWhatIfBody);
    return answer(c, inspection.whatIfOf(capsule, request));
  });
  app.get('/v1/live', (c) => {
    const { address: of } = query(c, liveQuery);
    const begin = (send: (data: unknown) => void): (() => void) =>
      inspection.watch((frame) => send(inspectedToWire(frame)), of === undefined ? {} : { address: of });
    return streamOf(c.req.raw.signal, streaming, begin);
  });
  statelyRoute(app, streaming);
  app.get('/v1/artifacts/:file', (c) => artifact(c, inspection, c.req.param('file')));
}

/** An image or a video, whole or the part that is asked for; it is shown, and never run. */
async function artifact(c: Context, inspection: InspectionFace, file: string): Promise<Response> {
  const found = await inspection.artifact(file);
  if (found === undefined) throw new HoldfastError('ACTOR_NOT_FOUND', `no actor has the artifact ${file}`);
  const known = await stat(found.path).catch(() => undefined);
  // Referred to, and gone from the disk: the doctor tells of it.
  if (known === undefined) throw new HoldfastError('ACTOR_NOT_FOUND', `the artifact ${file} is not on disk`);
  const { size } = known;
  const range = /^bytes=(\d+)-(\d*)$/.exec(c.req.header('range') ?? '');
  const start = Number(range?.[1] ?? 0);
  const end = Math.min(size - 1, range?.[2] === undefined || range[2] === '' ? size - 1 : Number(range[2]));
  const isPart = range !== null && start <= end;
  if (range !== null && !isPart)
    return new Response(undefined, { status: 416, headers: { 'content-range': `bytes */${size}` } });
  const bytes = size === 0 ? undefined : Readable.toWeb(createReadStream(found.path, { start, end }));
  return new Response(bytes as ReadableStream | undefined, {
    status: isPart ? 206 : 200,
    headers: {
      'content-type': found.mediaType,
      'content-length': String(size === 0 ? 0 : end - start + 1),
      'accept-ranges': 'bytes',
      'cache-control': 'private, max-age=31536000, immutable',
      'content-security-policy': "default-src 'none'; sandbox",
      'x-content-type-options': 'nosniff',
      ...(isPart && { 'content-range': `bytes ${start}-${end}/${size}` }),
    },
  });
}
