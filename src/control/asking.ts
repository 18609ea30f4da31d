/**
 * Calls whose answers are read by a table of the wire.
 *
 * Owns: nothing; its calls are client.ts's. Callers: the clients of one kind each. Invariant: an answer that
 * its table does not know is CONTROL_FAILED: the process that answers is of another version.
 */
import { HoldfastError, isHoldfastError } from '../errors.js';
import type { Answer, Call } from './client.js';
import { refused, type Codec } from './codec.js';

export type Asked = Omit<Call, 'raw'>;

/** The status of an answer, and what is in it, as its table read it. */
export interface Read<T> {
  readonly status: number;
  readonly body: T;
}

export interface Asking {
  readonly answer: <T>(codec: Codec, asked: Asked) => Promise<Read<T>>;
  readonly get: <T>(codec: Codec, path: string, query?: Call['query']) => Promise<T>;
  readonly post: <T>(codec: Codec, path: string, body: unknown) => Promise<T>;
}

export function askingOver(call: (call: Call) => Promise<Answer>): Asking {
  const answer = async <T>(codec: Codec, asked: Asked): Promise<Read<T>> => {
    const { status, body } = await call({ ...asked, raw: true });
    // The table has checked the answer's words and fields, and its runtime wrote it: its type is trusted.
    return { status, body: read(codec, body) as T };
  };
  return {
    answer,
    get: async <T>(codec: Codec, path: string, query: Call['query'] = {}) =>
      (await answer<T>(codec, { method: 'GET', path, query })).body,
    post: async <T>(codec: Codec, path: string, body: unknown) =>
      (await answer<T>(codec, { method: 'POST', path, body })).body,
  };
}

/** One part of a path. Throws INVALID_INPUT for what no URL can hold as one. */
export function segment(field: string, text: string): string {
  if (text === '' || text === '.' || text === '..' || !text.isWellFormed())
    throw refused(field, `${JSON.stringify(text)} cannot stand in a URL`);
  return encodeURIComponent(text);
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
