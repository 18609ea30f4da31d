/**
 * The way of one request through the simulator: route, body, ledger, key, fault, task, bill, answer.
 *
 * Callers: server.ts. Invariants:
 *  S1  A client that leaves does not undo a submit: what was received whole is billed, as a provider does.
 *  S2  `submit.received`, then `submit.billed`, then one of `submit.answered | submit.dropped`, all under one
 *      exchange number. A request that never came whole has no `received`.
 *  S3  A request without a good key is refused whatever the script says, latencies aside.
 *  S4  A bill is in the ledger before the first byte of its answer is sent.
 */
import { sha256Hex } from '../ids.js';
import { isPlainObject } from '../json.js';
import { bounds } from './bounds.js';
import { bearer } from './access.js';
import type { Access, Call, Dialect, Outcome, Reply, Route, Subject, World } from './dialect.js';
import type { Exchange, Pace, Sent } from './exchange.js';
import type { FaultBook, Mishap, Verdict } from './faults.js';
import type { Ledger, LedgerEntry } from './ledger.js';
import type { Herald } from './herald.js';
import { locationOf } from './hops.js';
import { billsDespite, httpDate, replacementFor, shapeFor } from './mishap.js';
import { inRange } from './ranges.js';
import type { Action } from './script.js';

export interface House {
  readonly world: World;
  readonly ledger: Ledger;
  readonly faults: FaultBook;
  /** The good keys; undefined when any will do. */
  readonly keys: readonly string[] | undefined;
  readonly pace: Pace;
  readonly stop: AbortSignal;
  readonly herald: Herald;
  /** This machine's time, whatever the provider's clock says. */
  readonly nowMs: () => number;
}

export interface Matched {
  readonly dialect: Dialect;
  readonly route: Route;
  readonly path: string;
  readonly params: readonly string[];
  readonly query: URLSearchParams;
  /** It is on a redirect's way already: no rule is for it. */
  readonly isHop?: boolean;
}

type Details = Pick<LedgerEntry, 'bytes' | 'status' | 'by' | 'fault'>;
type Note = (event: LedgerEntry['event'], subject: Subject, details?: Details) => void;

const CREDENTIAL_HEADERS = [
  'authorization',
  'proxy-authorization',
  'cookie',
  'api-key',
  'x-api-key',
  'x-goog-api-key',
];
const NOBODY: Subject = {};
const NOTHING_WRONG: Verdict = { waitBeforeTaskMs: 0, waitBeforeAnswerMs: 0, mishap: undefined };

/** Serves one request to its end. Never throws for what the client does. */
export async function serve(house: House, exchange: Exchange, matched: Matched): Promise<void> {
  const { dialect, route } = matched;
  if (matched.isHop !== true && house.faults.resetsBeforeBody(dialect.provider, route.action)) {
    const note = noteFor(house, exchange, matched, keyState(house, exchange, dialect) === 'good');
    note(endedEvent(route.action), NOBODY, { fault: 'resetBeforeBody', by: 'fault' });
    return exchange.reset();
  }
  const body = await exchange.readBody(bounds.requestBytesMax);
  if (body === undefined) return;
  const fields = body === 'tooLarge' ? body : await fieldsOf(exchange.header('content-type'), body);
  if (typeof fields === 'string') {
    const reply = dialect.malformed(
      fields === 'tooLarge' ? 'The body is too large' : 'The body cannot be read',
    );
    await exchange.send(
      { ...reply, status: fields === 'tooLarge' ? 413 : 400 },
      { type: 'whole' },
      undefined,
      house.stop,
    );
    return;
  }
  const { path, params, query } = matched;
  const header: Call['header'] = (name) => exchange.header(name);
  await serveCall(house, exchange, matched, { path, params, query, header, fields });
}

async function serveCall(house: House, exchange: Exchange, matched: Matched, call: Call): Promise<void> {
  const { dialect, route } = matched;
  const { world } = house;
  const subjects = route.subjects(call, world);
  const subject = subjects[0] ?? NOBODY;
  const action = route.action === 'poll' && subject.isByKey === true ? 'lookup' : route.action;
  const access = accessOf(house, exchange, matched, call);
  const note = noteFor(house, exchange, matched, access === 'good');
  if (action === 'submit') note('submit.received', subject);

  const verdict = matched.isHop === true ? NOTHING_WRONG : judged(house, matched, action, subject);
  await exchange.wait(
    verdict.waitBeforeTaskMs,
    action === 'submit' ? 'elapsed' : 'elapsedOrGone',
    house.stop,
  );
  const isLockedOut = route.guard === 'key' && access !== 'good';
  const mishap = isLockedOut ? undefined : verdict.mishap;
  const fault = mishap === undefined ? {} : { fault: mishap.type };
  if (house.stop.aborted) {
    note(endedEvent(action), subject, { by: 'shutdown', ...fault });
    return;
  }
  const outcome = isLockedOut
    ? { reply: dialect.unauthorized(access) }
    : outcomeOf(house, matched, { ...call, ...twists(mishap) }, subject, mishap);
  const done = outcome.created === undefined ? subject : { ...subject, taskId: outcome.created.id };
  if (outcome.created !== undefined) {
    note('submit.billed', done, fault);
    await house.herald.sendEarly(outcome.created);
  }
  if (action !== 'submit' && action !== 'download') {
    const looks = subjects.length === 0 ? [NOBODY] : subjects;
    for (const look of looks) note(action, look, { status: outcome.reply.status, ...fault });
  }
  await exchange.wait(verdict.waitBeforeAnswerMs, 'elapsedOrGone', house.stop);
  await answer(house, exchange, { action, subject: done, reply: outcome.reply, mishap, note });
  if (outcome.created !== undefined) house.herald.release(outcome.created);
}

function judged(house: House, { dialect }: Matched, action: Action, subject: Subject): Verdict {
  return house.faults.judge(dialect.provider, action, subject.prompt);
}

function outcomeOf(
  house: House,
  matched: Matched,
  call: Call,
  subject: Subject,
  mishap: Mishap | undefined,
): Outcome {
  const { dialect, route } = matched;
  const { world } = house;
  const replacement = replacementFor(mishap, dialect, subject, world.nowMs(), (redirect) =>
    locationOf(redirect, dialect.provider, route.action, subject, call, world),
  );
  const isServed = route.action === 'submit' ? billsDespite(mishap) : replacement === undefined;
  if (!isServed) return { reply: replacement ?? dialect.failing(503) };
  const outcome = inRange(route.run(call, world), call, world.artifacts.ranges);
  if (replacement !== undefined) return { ...outcome, reply: replacement };
  if (mishap?.type !== 'invalidJson') return outcome;
  const { reply } = outcome;
  return {
    ...outcome,
    reply: { ...reply, body: reply.body.subarray(0, Math.ceil(reply.body.length * 0.6)) },
  };
}

interface Answer {
  readonly action: Action;
  readonly subject: Subject;
  readonly reply: Reply;
  readonly mishap: Mishap | undefined;
  readonly note: Note;
}

async function answer(house: House, exchange: Exchange, answered: Answer): Promise<void> {
  const { action, subject, reply, mishap, note } = answered;
  const fault = mishap === undefined ? {} : { fault: mishap.type };
  const status = reply.status;
  if (action === 'download' && reply.isArtifact) {
    note('download.started', subject, { status, bytes: reply.body.length, ...fault });
  }
  const sent = await put(house, exchange, reply, mishap);
  const by = endedBy(house, mishap, sent);
  if (action === 'submit') {
    note(sent.end === 'flushed' ? 'submit.answered' : 'submit.dropped', subject, { status, ...fault, ...by });
  }
  if (action !== 'download') return;
  if (!reply.isArtifact) {
    note('download.refused', subject, { status, ...fault, ...by });
    return;
  }
  const event = sent.end === 'flushed' ? 'download.finished' : 'download.aborted';
  note(event, subject, { status, bytes: sent.bytes, ...fault, ...by });
}

async function put(
  house: House,
  exchange: Exchange,
  reply: Reply,
  mishap: Mishap | undefined,
): Promise<Sent> {
  if (mishap?.type === 'resetAfterBody') {
    if (!exchange.isGone) await exchange.reset();
    return { end: 'dropped', bytes: 0 };
  }
  const shape = shapeFor(mishap, reply.body.length);
  const pace = reply.isArtifact ? house.pace : undefined;
  const nowMs = house.world.nowMs();
  // Node writes this machine's time by itself.
  const dated =
    nowMs === house.nowMs() ? reply : { ...reply, headers: { date: httpDate(nowMs), ...reply.headers } };
  return exchange.send(dated, shape, mishap?.type === 'slowBody' ? mishap : pace, house.stop);
}

function endedBy(house: House, mishap: Mishap | undefined, sent: Sent): Pick<LedgerEntry, 'by'> {
  if (sent.end === 'flushed') return {};
  const breaks = ['resetAfterBody', 'halfResponse', 'truncated'];
  if (mishap !== undefined && breaks.includes(mishap.type)) return { by: 'fault' };
  return { by: house.stop.aborted ? 'shutdown' : 'client' };
}

function twists(mishap: Mishap | undefined): Pick<Call, 'statusWord' | 'terminal'> {
  if (mishap?.type === 'unknownStatus') return { statusWord: mishap.word };
  return mishap?.type === 'terminalReply' ? { terminal: mishap.outcome } : {};
}

function endedEvent(action: Action): LedgerEntry['event'] {
  if (action === 'submit') return 'submit.dropped';
  return action === 'download' ? 'download.refused' : action;
}

function accessOf(house: House, exchange: Exchange, { dialect, route }: Matched, call: Call): Access {
  if (route.guard === 'none') return 'good';
  return route.guard === 'key' ? keyState(house, exchange, dialect) : linkState(house, call);
}

function keyState(house: House, exchange: Exchange, { access = bearer }: Dialect): Access {
  return access((name) => exchange.header(name), { keys: house.keys, nowMs: house.world.nowMs() });
}

function linkState(house: House, call: Call): 'good' | 'invalid' {
  return house.world.links.check(call.path, call.query) === 'good' ? 'good' : 'invalid';
}

function noteFor(house: House, exchange: Exchange, matched: Matched, authorized: boolean): Note {
  const named = CREDENTIAL_HEADERS.filter((name) => exchange.header(name) !== undefined);
  const credentialHeaders = matched.query.has('key') ? [...named, '?key'] : named;
  const host = exchange.header('host');
  return (event, subject, details = {}) => {
    const { taskId, key, kind, prompt } = subject;
    house.ledger.append({
      at: house.nowMs(),
      event,
      provider: matched.dialect.provider,
      exchange: exchange.number,
      ...(taskId === undefined ? {} : { taskId }),
      ...(key === undefined ? {} : { key }),
      ...(kind === undefined ? {} : { kind }),
      ...(prompt === undefined ? {} : { promptSha256: sha256Hex(prompt) }),
      ...details,
      ...(host === undefined ? {} : { host }),
      authorized,
      credentialHeaders,
    });
  };
}

/** The fields of a body, `malformed` when it is not what its type says. Files count as `[file]`. */
async function fieldsOf(
  contentType: string | undefined,
  body: Uint8Array,
): Promise<Readonly<Record<string, unknown>> | 'malformed'> {
  if (body.length === 0) return {};
  try {
    if (contentType?.startsWith('multipart/form-data') === true) {
      const form = await new Response(new Uint8Array(body), {
        headers: { 'content-type': contentType },
      }).formData();
      return Object.fromEntries(
        [...form.entries()].map(([name, value]) => [name, typeof value === 'string' ? value : '[file]']),
      );
    }
    const value: unknown = JSON.parse(Buffer.from(body).toString('utf8'));
    return isPlainObject(value) ? value : 'malformed';
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return 'malformed';
    throw error;
  }
}
