/**
 * Sessions of a running runtime, over HTTP.
 *
 * Owns: nothing; its calls are client.ts's. Callers: client.ts. Invariant: an answer that the tables of
 * session-wire.ts do not know is CONTROL_FAILED: the process that answers is of another version.
 */
import { HoldfastError, isHoldfastError } from '../errors.js';
import type { Batch, Enqueued, HistoryEntry, Page, PageOptions, SessionView } from '../index.js';
import type { Answer, Call } from './client.js';
import { refused, same, type Codec } from './codec.js';
import type { ControlSessions } from './session-port.js';
import {
  batchWire,
  enqueuedWire,
  messageWire,
  modeChangeWire,
  pageWire,
  sessionWire,
  settingsWire,
  workWire,
} from './session-wire.js';

type Asked = Omit<Call, 'raw'>;

export function sessionsOver(call: (call: Call) => Promise<Answer>): ControlSessions {
  // The table has checked the answer's words and fields, and its runtime wrote it: its type is trusted.
  const asked = async <T>(codec: Codec, asking: Asked): Promise<T> =>
    read(codec, (await call({ ...asking, raw: true })).body) as T;
  const get = <T>(codec: Codec, path: string, query: Call['query'] = {}): Promise<T> =>
    asked(codec, { method: 'GET', path, query });
  const post = <T>(codec: Codec, path: string, body: unknown): Promise<T> =>
    asked(codec, { method: 'POST', path, body });
  const batchPath = (key: string, id: string, action?: string): string =>
    sessionPath(key, 'batches', segment('batch', id), ...(action === undefined ? [] : [action]));

  return {
    list: (options) => get<Page<SessionView>>(pageWire(sessionWire), '/v1/sessions', { ...options }),
    view: async (key) => get<SessionView>(sessionWire, sessionPath(key)),
    batches: async (key, filter) =>
      get<Page<Batch>>(pageWire(batchWire), sessionPath(key, 'batches'), { ...filter }),
    batch: async (key, id) => get<Batch>(batchWire, batchPath(key, id)),
    enqueue: async (key, work) =>
      post<Enqueued>(enqueuedWire, sessionPath(key, 'batches'), workWire.toWire(work)),
    message: async (key, message) =>
      post<Enqueued>(enqueuedWire, sessionPath(key, 'messages'), messageWire.toWire(message)),
    cancel: async (key, id) => asked<Batch>(batchWire, { method: 'DELETE', path: batchPath(key, id) }),
    retry: async (key, id) => post<Batch>(batchWire, batchPath(key, id, 'retry'), {}),
    mode: async (key, channel) =>
      get<SessionView['mode']>(settingsWire, sessionPath(key, 'mode'), { channel }),
    setMode: async (key, change) => {
      const asking = { path: sessionPath(key, 'mode'), body: modeChangeWire.toWire(change) };
      return asked<SessionView['mode']>(settingsWire, { method: 'PUT', ...asking });
    },
    resume: async (key) => post<SessionView>(sessionWire, sessionPath(key, 'resume'), {}),
    history: async (key, options) =>
      get<Page<HistoryEntry>>(pageWire(same), sessionPath(key, 'history'), pageQuery(options)),
  };
}

function pageQuery({ newestFirst, ...page }: PageOptions = {}): NonNullable<Call['query']> {
  return { ...page, newest_first: newestFirst };
}

function read(codec: Codec, body: unknown): unknown {
  try {
    return codec.fromWire(body, '');
  } catch (error) {
    if (!isHoldfastError(error, 'INVALID_INPUT')) throw error;
    const message = `the answer is not of the form this version knows (${error.details['field'] ?? ''})`;
    throw new HoldfastError('CONTROL_FAILED', message, { cause: error });
  }
}

function sessionPath(key: string, ...rest: readonly string[]): string {
  return ['/v1/sessions', segment('key', key), ...rest].join('/');
}

/** One part of a path. Throws INVALID_INPUT for what no URL can hold as one. */
function segment(field: string, text: string): string {
  if (text === '' || text === '.' || text === '..' || !text.isWellFormed())
    throw refused(field, `${JSON.stringify(text)} cannot stand in a URL`);
  return encodeURIComponent(text);
}
