/**
 * Requests passed on to the process that runs a directory, through its control door.
 *
 * Owns: the connections to that door. Callers: the inspector, through index.ts. Invariants:
 *  1  Each request looks anew for who runs the directory: it may have ended and come back.
 *  2  Nothing is sent twice: an answer that is lost is CONTROL_FAILED, and nobody there RUNTIME_CLOSED.
 *  3  Bodies of answers are passed on as they come and are taken. Who asked and goes ends what was asked.
 */
import { Agent, request as ask, type IncomingMessage } from 'node:http';
import { resolve } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import type { Clock } from '../clock.js';
import { HoldfastError } from '../errors.js';
import { limits } from '../limits.js';
import { codeOf, isNobody, targetsOf, type Target } from './targets.js';

export interface Forwarder {
  /** Throws RUNTIME_CLOSED when nobody runs the directory, CONTROL_FAILED when who does gives no answer. */
  readonly fetch: (request: Request) => Promise<Response>;
  readonly close: () => void;
}

const REQUEST_HEADERS = ['content-type', 'range'];
const ANSWER_HEADERS = [
  ...['accept-ranges', 'cache-control', 'content-length', 'content-range', 'content-security-policy'],
  ...['content-type', 'x-accel-buffering', 'x-content-type-options'],
];

export function forwardTo(directory: string, clock: Clock): Forwarder {
  // No connection is kept: one to a process that has ended would be the next request's fault.
  const agent = new Agent({ maxSockets: limits.inspectorStreamsMax * 2 });
  return {
    fetch: async (request) => {
      const body = Buffer.from(await request.arrayBuffer());
      for (const target of await targetsOf(resolve(directory))) {
        try {
          return answerOf(await exchange({ target, request, body, agent, clock }));
        } catch (error) {
          if (isNobody(error)) continue;
          const why = `${target.address} did not answer (${codeOf(error) || 'no reason'})`;
          throw new HoldfastError('CONTROL_FAILED', why, { cause: error });
        }
      }
      throw new HoldfastError('RUNTIME_CLOSED', `nobody runs ${directory} at present`);
    },
    close: () => agent.destroy(),
  };
}

interface Exchange {
  readonly target: Target;
  readonly request: Request;
  readonly body: Buffer;
  readonly agent: Agent;
  readonly clock: Clock;
}

/** Resolves with the head of the answer. */
function exchange({ target, request, body, agent, clock }: Exchange): Promise<IncomingMessage> {
  const { pathname, search } = new URL(request.url);
  const { socketPath, origin, token } = target;
  const given = REQUEST_HEADERS.flatMap((name) => {
    const value = request.headers.get(name);
    return value === null ? [] : [[name, value] as const];
  });
  const headers = {
    ...Object.fromEntries(given),
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
    ...(request.method === 'POST' && { 'content-length': String(body.byteLength) }),
  };
  const place = socketPath === undefined ? {} : { socketPath };
  return new Promise((settle, reject) => {
    const options = { ...place, method: request.method, headers, agent, signal: request.signal };
    const asking = ask(new URL(`${pathname}${search}`, origin), options);
    const late = new Error('no answer in time');
    const cancel = clock.schedule(limits.controlCallTimeoutMs, () => asking.destroy(late));
    asking.once('close', cancel);
    asking.on('error', reject);
    asking.once('response', (answer) => {
      cancel();
      settle(answer);
    });
    asking.end(body);
  });
}

function answerOf(answer: IncomingMessage): Response {
  const headers = ANSWER_HEADERS.flatMap((name) => {
    const value = answer.headers[name];
    return typeof value === 'string' ? [[name, value] as [string, string]] : [];
  });
  const isEmpty = answer.statusCode === 204 || answer.statusCode === 304;
  const isStream = answer.headers['content-type'] === 'text/event-stream';
  const bytes = isStream ? untilCut(answer) : answer;
  const body = isEmpty ? null : (Readable.toWeb(bytes) as ReadableStream);
  return new Response(body, { status: answer.statusCode ?? 502, headers });
}

/** A stream of events has no end of its own: one whose process died ends, and whoever listens asks again. */
function untilCut(answer: IncomingMessage): Readable {
  const events = new PassThrough();
  answer.on('error', (error) => (codeOf(error) === '' ? events.destroy(error) : events.end()));
  // Who does not listen any more is told of there, however quiet it is.
  events.on('close', () => answer.destroy());
  return answer.pipe(events);
}
