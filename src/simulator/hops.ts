/**
 * Where a redirect leads: over the simulator's own origins, one signed hop after the other, to the artifact.
 *
 * Callers: pipeline.ts, routing.ts. Invariants:
 *  R1  What a hop still has to go is in its path, which is signed: nothing is remembered.
 *  R2  Only a download has hops; any other request is sent to its own path elsewhere.
 */
import { bytesReply, subjectOf } from './dialect.js';
import type { Call, Outcome, Route, Subject, World } from './dialect.js';
import type { Mishap } from './faults.js';
import { artifactOf } from './object-store.js';
import type { Action } from './script.js';
import { PROVIDERS } from './script-words.js';
import type { ProviderName } from './script-words.js';

type Redirect = Extract<Mishap, { readonly type: 'redirect' }>;

const LIFE_MS = 3_600_000;
/** A stop of one letter, or the URL at the end. */
const HOPS = /^\/_hops\/([^/]+)\/([^/]+)\/(\d+)\/(30[12378])\/([sf]*)(?:~([\w-]+))?$/;

/** The first hop of a redirect of this request. */
export function locationOf(
  redirect: Redirect,
  provider: ProviderName,
  action: Action,
  subject: Subject,
  call: Call,
  world: World,
): string {
  const { location, through = ['foreign'], status } = redirect;
  if (location !== undefined) return location;
  const task = world.tasks.byId(provider, subject.taskId ?? '');
  if (task === undefined || action !== 'download') {
    const [hop = 'foreign'] = through;
    const query = call.query.size === 0 ? '' : `?${call.query.toString()}`;
    return originOf(hop, world) === undefined ? hop : `${originOf(hop, world)}${call.path}${query}`;
  }
  const index = /^\d+$/.test(call.params[1] ?? '') ? Number(call.params[1]) : 0;
  return nextHop(through, `/_hops/${provider}/${task.id}/${index}/${status}`, world);
}

/** The route of a hop; undefined for any other path. */
export function hopRoute(
  path: string,
): { readonly provider: ProviderName; readonly route: Route } | undefined {
  const provider = PROVIDERS.find((name) => name === HOPS.exec(path)?.[1]);
  if (provider === undefined) return undefined;
  const route: Route = {
    action: 'download',
    method: 'GET',
    path: HOPS,
    guard: 'signature',
    subjects: (call, world) => {
      const task = world.tasks.byId(provider, call.params[1] ?? '');
      return [task === undefined ? {} : subjectOf(task)];
    },
    run: (call, world) => hop(provider, call, world),
  };
  return { provider, route };
}

function hop(provider: ProviderName, call: Call, world: World): Outcome {
  const [, id = '', index = '', status = '', letters = '', url] = call.params;
  const task = world.tasks.byId(provider, id);
  if (task === undefined || world.links.check(call.path, call.query) !== 'good') {
    return { reply: bytesReply(403, 'text/plain', Buffer.from('this link is not good')) };
  }
  const left: string[] = letters.split('').map((letter) => (letter === 's' ? 'same' : 'foreign'));
  if (url !== undefined && url !== '') left.push(Buffer.from(url, 'base64url').toString('utf8'));
  if (left.length === 0) return { reply: artifactOf(task, Number(index), world) };
  const location = nextHop(left, `/_hops/${provider}/${id}/${index}/${status}`, world);
  return { reply: bytesReply(Number(status), 'text/plain', new Uint8Array(0), { location }) };
}

function nextHop([first = '', ...rest]: readonly string[], path: string, world: World): string {
  const origin = originOf(first, world);
  if (origin === undefined) return first;
  const letters = rest.map((stop) => (originOf(stop, world) === undefined ? '' : stop.charAt(0))).join('');
  const end = rest.at(-1);
  const url = end === undefined || originOf(end, world) !== undefined ? '' : `~${encoded(end)}`;
  return world.links.sign(`${path}/${letters}${url}`, world.nowMs() + LIFE_MS, origin);
}

function originOf(stop: string, { origins }: World): string | undefined {
  return stop === 'same' || stop === 'foreign' ? origins[stop] : undefined;
}

function encoded(url: string): string {
  return Buffer.from(url).toString('base64url');
}
