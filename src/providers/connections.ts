/**
 * The sockets of the transport: shared ones for calls that may be repeated, one of its own for each submit.
 *
 * Owns: every connection to a provider's API. Callers: transport.ts. Invariants:
 *  N1  A submit's connection is made for it and ends with it.
 *  N2  What does not lead to the adapter's own base URL passes the guard of downloads (guard.ts).
 */
import { Agent, buildConnector, Client } from 'undici';
import type { Dispatcher } from 'undici';
import { limits } from '../limits.js';
import { guardedConnector } from './guard.js';
import type { GuardOptions } from './guard.js';

export interface ConnectionOptions extends Pick<GuardOptions, 'resolve' | 'open'> {
  /** Default 10 s; of connections that need no guard. */
  readonly connectTimeoutMs?: number;
}

/** `own` for the base URL of the adapter, which the user chose; the trusted origins for all that is not. */
export type Road = 'own' | { readonly trustedOrigins: readonly string[] };

export class Connections {
  readonly #options: ConnectionOptions;
  readonly #direct: buildConnector.connector;
  readonly #shared = new Map<string, Agent>();
  readonly #submits = new Set<SubmitConnection>();

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#direct = buildConnector({ timeout: options.connectTimeoutMs ?? limits.providerConnectTimeoutMs });
  }

  /** For a call that may be repeated. */
  shared(road: Road): Dispatcher {
    const name = road === 'own' ? 'own' : road.trustedOrigins.join(' ');
    const known = this.#shared.get(name);
    if (known !== undefined) return known;
    const agent = new Agent({ connect: this.#connector(road), connections: limits.providerCallsMax });
    this.#shared.set(name, agent);
    return agent;
  }

  /** For one submit; `end` it. */
  submit(origin: string, road: Road): SubmitConnection {
    const connection = new SubmitConnection(origin, this.#connector(road));
    this.#submits.add(connection);
    return connection;
  }

  async end(connection: SubmitConnection): Promise<void> {
    this.#submits.delete(connection);
    await connection.client.destroy();
  }

  async close(): Promise<void> {
    const submits = [...this.#submits].map(({ client }) => client);
    await Promise.all([...this.#shared.values(), ...submits].map(async (one) => one.destroy()));
  }

  #connector(road: Road): buildConnector.connector {
    if (road === 'own') return this.#direct;
    const { resolve, open } = this.#options;
    return guardedConnector({
      trustedOrigins: road.trustedOrigins,
      ...(resolve === undefined ? {} : { resolve }),
      ...(open === undefined ? {} : { open }),
    });
  }
}

/** Knows whether a socket was ever handed to the one request that it is for. */
export class SubmitConnection {
  readonly client: Client;
  #connected = false;

  constructor(origin: string, connector: buildConnector.connector) {
    const connect: buildConnector.connector = (options, callback) => {
      connector(options, (...result) => {
        if (result[0] === null) this.#connected = true;
        callback(...result);
      });
    };
    this.client = new Client(origin, { connect, pipelining: 1 });
  }

  get connected(): boolean {
    return this.#connected;
  }
}
