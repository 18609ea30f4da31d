/**
 * Where a runtime answers: the socket or the loopback port of its directory, or the URL of its server.
 *
 * Owns: nothing. Callers: door.ts. Invariant: a directory is looked at anew whenever nobody answered: the
 * next runtime may open another door.
 */
import { access, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { HoldfastError } from '../errors.js';
import { isPlainObject } from '../json.js';

/** The directory of a runtime on this machine, or the URL of one that has the option `work.token`. */
export type WorkPlace =
  | { readonly directory: string }
  | {
      /** What `runtime.fetch` is served at, such as `https://agent.example.com`. */
      readonly url: string;
      readonly token: string;
    };

export interface Target {
  /** For messages. */
  readonly address: string;
  readonly origin: string;
  readonly socketPath?: string;
  readonly token?: string;
}

/** Throws INVALID_OPTIONS for what cannot be a place. */
export function checkedPlace(place: WorkPlace): WorkPlace {
  const given: Readonly<Record<string, unknown>> = { ...place };
  const { directory, url, token } = given;
  const isDirectory = typeof directory === 'string' && directory !== '' && url === undefined;
  if (isDirectory) return { directory: resolve(directory) };
  const parsed = typeof url === 'string' && URL.canParse(url) ? new URL(url) : undefined;
  if (directory !== undefined || parsed === undefined || !/^https?:$/.test(parsed.protocol))
    throw new HoldfastError('INVALID_OPTIONS', 'name a directory, or an http(s) url and its token');
  if (typeof token !== 'string' || token === '')
    throw new HoldfastError('INVALID_OPTIONS', 'token: the runtime’s work.token is needed with a url');
  return { url: `${parsed.origin}${parsed.pathname.replace(/\/+$/, '')}`, token };
}

/** Undefined: no runtime has opened a door there, now. */
export async function targetOf(place: WorkPlace): Promise<Target | undefined> {
  if ('url' in place) return { address: place.url, origin: place.url, token: place.token };
  const socketPath = join(place.directory, 'control.sock');
  const onSocket = { address: socketPath, origin: 'http://localhost', socketPath };
  return (await isThere(socketPath)) ? onSocket : onLoopback(join(place.directory, 'control.json'));
}

async function onLoopback(file: string): Promise<Target | undefined> {
  if (!(await isThere(file))) return undefined;
  const said: unknown = JSON.parse(await readFile(file, 'utf8'));
  const { url, token } = isPlainObject(said) ? said : {};
  if (typeof url !== 'string' || typeof token !== 'string') return undefined;
  return { address: url, origin: url, token };
}

async function isThere(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
