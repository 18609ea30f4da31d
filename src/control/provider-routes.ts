/**
 * The routes of providers and their accounts.
 *
 *   GET  /v1/providers                    POST /v1/providers/:name/check
 *   GET  /v1/accounts                     POST /v1/accounts/resume
 *
 * Owns: nothing. Callers: routes.ts. Invariants: those of routes.ts; no answer holds a key.
 */
import type { Hono } from 'hono';
import { HoldfastError } from '../errors.js';
import { bodyOf, reply } from './answer.js';
import { accepted, accountBody, checkBody } from './input.js';
import type { ControlledRuntime } from './port.js';

export function providerRoutes(app: Hono, { accounts, providers }: ControlledRuntime): void {
  app.get('/v1/providers', async (c) => reply(c, { items: await providers.list() }));
  app.post('/v1/providers/:name/check', async (c) => {
    const { credential } = accepted(checkBody, await bodyOf(c));
    // Who asked and is gone wants it no more.
    const { signal } = c.req.raw;
    return reply(c, await providers.check(c.req.param('name'), { credential, signal }));
  });
  app.get('/v1/accounts', async (c) => reply(c, { items: await accounts.list() }));
  app.post('/v1/accounts/resume', async (c) => {
    const { provider, credential } = accepted(accountBody, await bodyOf(c));
    const isThis = (each: { readonly provider: string; readonly credential: string }): boolean =>
      each.provider === provider && each.credential === credential;
    if (!providers.ids.includes(provider) && !(await accounts.list()).some(isThis)) {
      throw new HoldfastError('ACTOR_NOT_FOUND', `no account ${provider}:${credential} was ever held back`);
    }
    await accounts.resume({ provider, credential }, 'operator:control');
    return reply(c, (await accounts.list()).find(isThis));
  });
}
