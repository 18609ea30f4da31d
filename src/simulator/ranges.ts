/**
 * The rest of an artifact, for a client that has the beginning: ETag, Range and If-Range.
 *
 * Callers: pipeline.ts. Invariants: the ETag is the content's hash, so the same bytes have the same one at
 * every URL; of a client whose ETag is another's all of it is sent; only `bytes=<first>-` is known, and any
 * other range is ignored, as a server may.
 */
import { sha256Hex } from '../ids.js';
import type { Call, Outcome, Reply } from './dialect.js';

/** The part that a call asks for, where the reply is an artifact. `ranges: false`: nothing is offered. */
export function inRange(outcome: Outcome, call: Call, ranges: boolean): Outcome {
  const { reply } = outcome;
  if (!ranges || !reply.isArtifact || reply.status !== 200) return outcome;
  const etag = `"${sha256Hex(reply.body)}"`;
  return { ...outcome, reply: partOf({ ...reply, headers: { ...reply.headers, etag } }, call, etag) };
}

function partOf(reply: Reply, call: Call, etag: string): Reply {
  const first = Number(/^bytes=(\d+)-$/.exec(call.header('range') ?? '')?.[1] ?? NaN);
  const condition = call.header('if-range');
  const { body, headers } = reply;
  if (Number.isNaN(first) || (condition !== undefined && condition !== etag)) return reply;
  if (first >= body.length) {
    const none = { ...headers, 'content-range': `bytes */${body.length}` };
    return { status: 416, headers: none, body: new Uint8Array(0), isArtifact: false };
  }
  const range = `bytes ${first}-${body.length - 1}/${body.length}`;
  return {
    ...reply,
    status: 206,
    headers: { ...headers, 'content-range': range },
    body: body.subarray(first),
  };
}
