/**
 * What the inspector passes on of the routes that the data has, and nothing else.
 *
 * Pure. Callers: inspector.ts. Invariant: a route that is not in the table cannot be asked for, whatever the
 * process behind it serves; only `act` changes anything.
 */
import { limits } from '../limits.js';

export interface ApiRoute {
  readonly method: 'GET' | 'POST';
  /** It changes something: only with `allowActions`. */
  readonly acts: boolean;
  readonly bodyBytesMax: number;
}

const GETS: ReadonlySet<string> = new Set([
  '/metrics',
  '/v1/actors',
  '/v1/charts',
  '/v1/live',
  '/v1/population',
  '/v1/stately',
  ...['actor', 'acts', 'capsule', 'step', 'steps', 'story', 'why'].map((name) => `/v1/actors/${name}`),
]);
const ARTIFACT = /^\/v1\/artifacts\/[\w.-]{1,200}$/;
const READ: ApiRoute = { method: 'GET', acts: false, bodyBytesMax: 0 };
const ASK: ApiRoute = { method: 'POST', acts: false, bodyBytesMax: limits.controlBodyBytesMax };
const SHOW: ApiRoute = { method: 'POST', acts: false, bodyBytesMax: limits.inspectorCapsuleBytesMax };
const POSTS: Readonly<Record<string, ApiRoute>> = {
  '/v1/actors/act': { ...ASK, acts: true },
  '/v1/actors/what-if': ASK,
  '/v1/capsules/look': SHOW,
  '/v1/capsules/what-if': SHOW,
};

/** Undefined: there is no such route here. */
export function apiRoute(path: string): ApiRoute | undefined {
  if (GETS.has(path) || ARTIFACT.test(path)) return READ;
  return Object.hasOwn(POSTS, path) ? POSTS[path] : undefined;
}
