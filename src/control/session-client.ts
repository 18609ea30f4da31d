/**
 * Sessions of a running runtime, over HTTP.
 *
 * Owns: nothing; its calls are client.ts's. Callers: client.ts. Invariant: asking.ts's.
 */
import type { Batch, Enqueued, HistoryEntry, Page, PageOptions, SessionView } from '../index.js';
import { askingOver, segment, type Asked } from './asking.js';
import type { Answer, Call } from './client.js';
import { pageWire, same, type Codec } from './codec.js';
import type { ControlSessions } from './session-port.js';
import {
  batchWire,
  enqueuedWire,
  messageWire,
  modeChangeWire,
  sessionWire,
  settingsWire,
  workWire,
} from './session-wire.js';

export function sessionsOver(call: (call: Call) => Promise<Answer>): ControlSessions {
  const { answer, get, post } = askingOver(call);
  const asked = async <T>(codec: Codec, asking: Asked): Promise<T> => (await answer<T>(codec, asking)).body;
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

function sessionPath(key: string, ...rest: readonly string[]): string {
  return ['/v1/sessions', segment('key', key), ...rest].join('/');
}
