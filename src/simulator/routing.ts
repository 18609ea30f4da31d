/**
 * Which route a request is for: a dialect's, a hop of a redirect, or the simulator's own pages.
 *
 * Callers: server.ts. Invariant: pure.
 */
import { jsonReply } from './dialect.js';
import type { Dialect, Reply } from './dialect.js';
import { hopRoute } from './hops.js';
import type { Matched } from './pipeline.js';

export type Page = 'health' | 'ledger' | 'fal-keys' | 'veo-keys';

/** A route, a page of the simulator itself, or the refusal. */
export function match(
  dialects: readonly Dialect[],
  method: string,
  target: URL,
): Matched | Reply | { readonly page: Page } {
  const path = target.pathname;
  const page = method === 'GET' ? pages[path] : undefined;
  if (page !== undefined) return { page };
  const hop = method === 'GET' ? hopRoute(path) : undefined;
  const mounted = dialects.find(({ mount, provider }) =>
    hop === undefined ? path.startsWith(`${mount}/`) : provider === hop.provider,
  );
  if (mounted === undefined) return jsonReply(404, { error: `nothing is served at ${path}` });
  const routes = hop === undefined ? mounted.routes : [hop.route];
  const below = hop === undefined ? path.slice(mounted.mount.length) : path;
  for (const route of routes) {
    const groups = route.method === method ? route.path.exec(below) : null;
    if (groups === null || (route.query !== undefined && !target.searchParams.has(route.query))) continue;
    const params = groups.slice(1).map(decoded);
    return { dialect: mounted, route, path, params, query: target.searchParams, isHop: hop !== undefined };
  }
  return mounted.noRoute(path);
}

const pages: Readonly<Record<string, Page | undefined>> = {
  '/_simulator/health': 'health',
  '/_simulator/ledger': 'ledger',
  '/_simulator/fal/jwks.json': 'fal-keys',
  '/_simulator/veo/jwks.json': 'veo-keys',
};

/** A path part; one whose escapes are not UTF-8 stays as it is and names nothing. */
function decoded(part: string | undefined): string {
  if (part === undefined) return '';
  try {
    return decodeURIComponent(part);
  } catch (error) {
    if (error instanceof URIError) return part;
    throw error;
  }
}
