/**
 * The inspection of a running runtime, from another process.
 *
 * Owns: nothing; its calls are client.ts's. Callers: client.ts. Invariant: what comes back was written by a
 * runtime of this version, and is trusted as far as it is an object.
 */
import { HoldfastError } from '../errors.js';
import type { ActView, InspectionFace } from '../index.js';
import { isPlainObject } from '../json.js';
import type { Answer, Call } from './client.js';
import { inspectedFromWire, inspectedToWire } from './inspection-wire.js';

/** The same as in the process itself, but for what is told as it happens, and files. */
export type ControlInspection = Omit<InspectionFace, 'watch' | 'artifact'>;

export function inspectionOver(call: (call: Call) => Promise<Answer>): ControlInspection {
  const answered = async <T>(asked: Omit<Call, 'raw'>): Promise<T> => {
    const { body } = await call({ ...asked, raw: true });
    if (isPlainObject(body)) return inspectedFromWire(body) as T;
    throw new HoldfastError('CONTROL_FAILED', 'the answer is not of the form this version knows');
  };
  const get = <T>(path: string, query: object = {}): Promise<T> =>
    answered({ method: 'GET', path, query: inspectedToWire(query) as Call['query'] & object });
  const post = <T>(path: string, body: object): Promise<T> =>
    answered({ method: 'POST', path, body: inspectedToWire(body) });
  return {
    population: () => get('/v1/population'),
    list: (filter) => get('/v1/actors', filter),
    actor: (address) => get('/v1/actors/actor', { address }),
    steps: (address, options) => get('/v1/actors/steps', { address, ...options }),
    step: (address, seq) => get('/v1/actors/step', { address, seq }),
    chart: (kind, version, hash) => get('/v1/charts', { kind, version, hash }),
    why: (address) => get('/v1/actors/why', { address }),
    whatIf: (request) => post('/v1/actors/what-if', request),
    story: (address, seq) => get('/v1/actors/story', { address, seq }),
    acts: async (address) => (await get<{ items: readonly ActView[] }>('/v1/actors/acts', { address })).items,
    act: async (request) => {
      await post('/v1/actors/act', request);
    },
    look: (capsule) => post('/v1/capsules/look', { capsule }),
    whatIfOf: (capsule, request) => post('/v1/capsules/what-if', { capsule, ...request }),
  };
}
