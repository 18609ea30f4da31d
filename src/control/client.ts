/**
 * The control client: talks to the process that holds a directory, over its socket or its loopback port.
 *
 * Owns: the connections to one control server. Callers: the CLI, the demo, tests. Invariants:
 *  1  `connectControl` resolves with a client only after a runtime has answered it.
 *  2  Nothing is sent twice: no retries, so a call whose answer is lost fails with CONTROL_FAILED.
 *  3  The token goes to the address in `control.json` alone, and into no message.
 */
import { resolve } from 'node:path';
import { Agent, request as httpRequest } from 'undici';
import { systemClock } from '../clock.js';
import { HoldfastError, isHoldfastError } from '../errors.js';
import type { AccountName, AccountView, Capsule, CopyReport, JobView, Page } from '../index.js';
import type { ProviderCheck, ProviderView, QuarantineView, StoredCount } from '../index.js';
import { isPlainObject } from '../json.js';
import { limits } from '../limits.js';
import { inspectionOver, type ControlInspection } from './inspection-client.js';
import type {
  CallOptions,
  CapsuleWish,
  ControlClient,
  Operation,
  RuntimeView,
  SubmittedJob,
} from './port.js';
import { sessionsOver } from './session-client.js';
import type { ControlSessions } from './session-port.js';
import { codeOf, isNobody, jsonOf, targetsOf, type Target } from './targets.js';
import { tasksOver } from './task-client.js';
import type { ControlTasks } from './task-port.js';
import { errorFromWire, fromWire, toWire } from './wire.js';
import { workOver } from './work-client.js';
import type { ControlWork } from './work-port.js';

export interface Call extends CallOptions {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
  readonly timeoutMs?: number;
  /** The answer as it is on the wire: its caller knows its names. */
  readonly raw?: boolean;
}

export interface Answer {
  readonly status: number;
  /** Ours again, camelCase, unless `raw` was asked for. */
  readonly body: unknown;
}

/** Faults of somebody who is another user than the process that listens. */
const DENIED: ReadonlySet<string> = new Set(['EACCES', 'EPERM']);

/**
 * Connects to the runtime that holds `directory`; undefined when none listens there. Throws CONTROL_FAILED
 * when somebody listens and does not answer (or this user may not connect), CONTROL_REFUSED for a wrong
 * token.
 */
export async function connectControl(directory: string): Promise<ControlClient | undefined> {
  for (const target of await targetsOf(resolve(directory))) {
    const client = new HttpControlClient(target);
    try {
      if (await client.isThere()) return client;
    } catch (error) {
      await client.close();
      throw error;
    }
    await client.close();
  }
  return undefined;
}

class HttpControlClient implements ControlClient {
  readonly address: string;
  readonly sessions: ControlSessions = sessionsOver((call) => this.#call(call));
  readonly tasks: ControlTasks = tasksOver((call) => this.#call(call));
  readonly work: ControlWork = workOver((call) => this.#call(call));
  readonly inspection: ControlInspection = inspectionOver((call) => this.#call(call));
  readonly #target: Target;
  readonly #agent: Agent;
  #closed: Promise<void> | undefined;

  constructor(target: Target) {
    this.address = target.address;
    this.#target = target;
    const { socketPath } = target;
    this.#agent = new Agent({
      connect: {
        timeout: limits.controlConnectTimeoutMs,
        ...(socketPath === undefined ? {} : { socketPath }),
      },
    });
  }

  /** True when a runtime answers; false when nobody of ours does. */
  async isThere(): Promise<boolean> {
    try {
      const answer = await this.#exchange({
        method: 'GET',
        path: '/v1/runtime',
        timeoutMs: limits.controlConnectTimeoutMs,
      });
      const error = errorFromWire(answer.body);
      if (error !== undefined) throw error;
      return isPlainObject(answer.body) && typeof answer.body['directory'] === 'string';
    } catch (error) {
      if (isNobody(error)) return false;
      throw this.#unanswered(error, 'GET /v1/runtime');
    }
  }

  async runtime(options: CallOptions = {}): Promise<RuntimeView> {
    const { body } = await this.#call({ ...options, method: 'GET', path: '/v1/runtime' });
    return asObject<RuntimeView>(body, 'status', 'directory');
  }

  async submitJob(request: unknown, options: CallOptions = {}): Promise<SubmittedJob> {
    return this.#created({ ...options, method: 'POST', path: '/v1/jobs', body: toWire(request) });
  }

  async trackJob(request: unknown, options: CallOptions = {}): Promise<SubmittedJob> {
    return this.#created({ ...options, method: 'POST', path: '/v1/jobs/track', body: toWire(request) });
  }

  async listJobs(
    filter: Parameters<ControlClient['listJobs']>[0] = {},
    options: CallOptions = {},
  ): Promise<Page<JobView>> {
    const { sessionKey, newestFirst, ...same } = filter;
    const query = { ...same, session: sessionKey, newest_first: newestFirst };
    const { body } = await this.#call({ ...options, method: 'GET', path: '/v1/jobs', query });
    const { items, cursor } = asObject<{ items: unknown; cursor?: string }>(body);
    if (!Array.isArray(items)) throw unreadable();
    const jobs = items.map(asJob);
    return cursor === undefined ? { items: jobs } : { items: jobs, cursor };
  }

  getJob(id: string, options: CallOptions = {}): Promise<JobView> {
    return this.#job({ ...options, method: 'GET', path: jobPath(id) });
  }

  cancelJob(id: string, reason?: string, options: CallOptions = {}): Promise<JobView> {
    const body = reason === undefined ? {} : { reason };
    return this.#job({ ...options, method: 'POST', path: jobPath(id, 'cancel'), body });
  }

  retryJob(id: string, options: CallOptions = {}): Promise<JobView> {
    return this.#job({ ...options, method: 'POST', path: jobPath(id, 'retry'), body: {} });
  }

  async waitJob(id: string, options: CallOptions = {}): Promise<JobView> {
    const query = { timeout_ms: limits.controlWaitMs };
    const timeoutMs = limits.controlWaitMs + limits.controlCallTimeoutMs;
    for (;;) {
      options.signal?.throwIfAborted();
      const call: Call = { ...options, method: 'GET', path: jobPath(id, 'wait'), query, timeoutMs };
      const job = await this.#job(call);
      if (job.settledAt !== undefined) return job;
    }
  }

  async listProviders(options: CallOptions = {}): Promise<readonly ProviderView[]> {
    const { body } = await this.#call({ ...options, method: 'GET', path: '/v1/providers' });
    const { items } = asObject<{ items: unknown }>(body);
    if (!Array.isArray(items)) throw unreadable();
    return items.map((item) => asObject<ProviderView>(item, 'id', 'baseUrl', 'reconcile'));
  }

  async checkProvider(name: string, credential?: string, options: CallOptions = {}): Promise<ProviderCheck> {
    const path = `/v1/providers/${encodeURIComponent(name)}/check`;
    const body = credential === undefined ? {} : { credential };
    const timeoutMs = limits.providerSubmitTimeoutMs;
    const answer = await this.#call({ ...options, method: 'POST', path, body, timeoutMs });
    return asObject<ProviderCheck>(answer.body, 'provider', 'credential', 'outcome');
  }

  async resumeAccount(account: AccountName, options: CallOptions = {}): Promise<AccountView> {
    const call = { ...options, method: 'POST', path: '/v1/accounts/resume', body: account } as const;
    return asObject<AccountView>((await this.#call(call)).body, 'provider', 'credential', 'status');
  }

  async counts(options: CallOptions = {}): Promise<readonly StoredCount[]> {
    const { body } = await this.#call({ ...options, method: 'GET', path: '/v1/counts' });
    const { items } = asObject<{ items: unknown }>(body);
    if (!Array.isArray(items)) throw unreadable();
    return items.map((item) => asObject<StoredCount>(item, 'kind', 'version', 'hash', 'state'));
  }

  async export(address: string, wish: CapsuleWish = {}, options: CallOptions = {}): Promise<Capsule> {
    const path = '/v1/actors/capsule';
    const { body } = await this.#call({ ...options, method: 'GET', path, query: { address, ...wish } });
    return asObject<Capsule>(asObject<{ capsule: unknown }>(body).capsule, 'address', 'kind', 'seal');
  }

  async listQuarantined(
    query: Parameters<ControlClient['listQuarantined']>[0] = {},
    options: CallOptions = {},
  ): Promise<Page<QuarantineView>> {
    const { body } = await this.#call({
      ...options,
      method: 'GET',
      path: '/v1/quarantine',
      query: { ...query },
    });
    const { items, cursor } = asObject<{ items: unknown; cursor?: string }>(body);
    if (!Array.isArray(items)) throw unreadable();
    const actors = items.map(asQuarantined);
    return cursor === undefined ? { items: actors } : { items: actors, cursor };
  }

  async getQuarantined(address: string, options: CallOptions = {}): Promise<QuarantineView> {
    const path = '/v1/quarantine/actor';
    return asQuarantined((await this.#call({ ...options, method: 'GET', path, query: { address } })).body);
  }

  async operate(
    what: Operation,
    address: string,
    operator?: string,
    options: CallOptions = {},
  ): Promise<void> {
    const body = operator === undefined ? { address } : { address, operator };
    await this.#call({ ...options, method: 'POST', path: `/v1/quarantine/${what}`, body });
  }

  async backup(directory: string, options: CallOptions = {}): Promise<CopyReport> {
    const timeoutMs = limits.controlBackupTimeoutMs;
    const body = { directory };
    const call: Call = { ...options, method: 'POST', path: '/v1/backup', body, timeoutMs };
    return asObject<CopyReport>((await this.#call(call)).body, 'directory');
  }

  close(): Promise<void> {
    this.#closed ??= this.#agent.destroy();
    return this.#closed;
  }

  async #created(call: Call): Promise<SubmittedJob> {
    const { status, body } = await this.#call(call);
    return { job: asJob(body), deduplicated: status === 200 };
  }

  async #job(call: Call): Promise<JobView> {
    return asJob((await this.#call(call)).body);
  }

  async #call(call: Call): Promise<Answer> {
    const what = `${call.method} ${call.path}`;
    let answer: Answer;
    try {
      answer = await this.#exchange(call);
    } catch (error) {
      call.signal?.throwIfAborted();
      throw this.#unanswered(error, what);
    }
    if (answer.status < 300) return answer;
    const error = errorFromWire(answer.body);
    // Not the actor, nor the job: the route itself.
    if (answer.status === 404 && isHoldfastError(error, 'INVALID_INPUT')) throw ofAnotherVersion(what);
    throw error ?? new HoldfastError('CONTROL_FAILED', `${what} was answered with status ${answer.status}`);
  }

  async #exchange(call: Call): Promise<Answer> {
    const { signal, timeoutMs = limits.controlCallTimeoutMs } = call;
    const deadline = new AbortController();
    const cancel = systemClock.schedule(timeoutMs, () => deadline.abort());
    try {
      const signals = signal === undefined ? [deadline.signal] : [deadline.signal, signal];
      return await this.#send(call, timeoutMs, AbortSignal.any(signals));
    } finally {
      cancel();
    }
  }

  async #send(call: Call, timeoutMs: number, signal: AbortSignal): Promise<Answer> {
    const { method, path, query, body, raw = false } = call;
    const { origin, token } = this.#target;
    const response = await httpRequest(`${origin}${path}${queryText(query)}`, {
      method,
      dispatcher: this.#agent,
      signal,
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const answered: unknown = jsonOf(await response.body.text());
    const isOurs = !raw && answered !== undefined;
    return { status: response.statusCode, body: isOurs ? fromWire(answered) : answered };
  }

  #unanswered(error: unknown, what: string): HoldfastError {
    if (error instanceof HoldfastError) return error;
    const reason = codeOf(error) || (error instanceof Error ? error.name : 'unknown');
    const outcome = DENIED.has(reason) ? 'may not be used by this user for' : 'did not answer';
    return new HoldfastError('CONTROL_FAILED', `${this.address} ${outcome} ${what} (${reason})`, {
      cause: error,
    });
  }
}

function jobPath(id: string, action?: string): string {
  return `/v1/jobs/${encodeURIComponent(id)}${action === undefined ? '' : `/${action}`}`;
}

function queryText(query: Call['query']): string {
  const given = Object.entries(query ?? {}).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)] as [string, string]],
  );
  return given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`;
}

/** A job as its own runtime wrote it: checked by the fields everything else hangs on. */
function asJob(value: unknown): JobView {
  return asObject<JobView>(value, 'id', 'status', 'provider');
}

function asQuarantined(value: unknown): QuarantineView {
  return asObject<QuarantineView>(value, 'address', 'code', 'message');
}

function asObject<T extends object>(value: unknown, ...texts: readonly string[]): T {
  if (!isPlainObject(value) || texts.some((name) => typeof value[name] !== 'string')) throw unreadable();
  return value as T;
}

function unreadable(): HoldfastError {
  return new HoldfastError('CONTROL_FAILED', 'the answer is not of the form this version knows');
}

function ofAnotherVersion(what: string): HoldfastError {
  const way = 'ask it by the command line of its version, or run the directory with this one';
  const message = `the process that runs it is of another version of holdfast, and has no ${what}: ${way}`;
  return new HoldfastError('CONTROL_FAILED', message);
}
