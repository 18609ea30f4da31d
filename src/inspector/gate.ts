/**
 * Who may ask the inspector: the token, and where a request comes from.
 *
 * Pure. Callers: inspector.ts, receivers.ts. Invariants:
 *  1  The token is compared in a time that tells nothing of it, and is in no answer but the cookie.
 *  2  A name that was made to lead here is refused by its Host, a page of another origin by its Origin, and
 *     what a browser calls cross-site or same-site by that: ports are no sites.
 *  3  Only the page itself is opened with a token in its address; it is a cookie from then on.
 */
import { bringsToken } from '../control/index.js';
import { HoldfastError } from '../errors.js';
import { sha256Hex } from '../ids.js';
import { limits } from '../limits.js';

/** What is known of a request before anything of it is believed. */
export interface Knock {
  /** Its host is the server's word, not the browser's. */
  readonly url: URL;
  readonly header: (name: string) => string | undefined;
}

export interface GateOptions {
  readonly token: string;
  /** Beside loopback: `name` for any port of it, or `name:port`. */
  readonly hosts: readonly string[];
  /** Without its last slash. */
  readonly basePath: string;
  /** The port that is listened on, where that is known. */
  readonly port: number | undefined;
}

export interface Refusal {
  readonly status: 401 | 403;
  readonly error: HoldfastError;
}

const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', 'localhost', '[::1]']);
const OWN_SITES: ReadonlySet<string> = new Set(['same-origin', 'none']);

export class Gate {
  readonly #options: GateOptions;
  readonly #cookie: string;

  constructor(options: GateOptions) {
    this.#options = options;
    // Cookies know no ports: each inspector of a host has a name of its own.
    this.#cookie = `holdfast_${sha256Hex(options.token).slice(0, 12)}`;
  }

  /** Undefined: it may. `mayCarry`: the token may be in its address. */
  refusal(knock: Knock, mayCarry: boolean): Refusal | undefined {
    const host = knock.header('host') ?? knock.url.host;
    if (!this.#isOwnHost(host)) return refused(403, 'the Host header names another server');
    const origin = knock.header('origin');
    const own = [`${knock.url.protocol}//${host}`, `https://${host}`];
    if (origin !== undefined && !own.includes(origin.toLowerCase()))
      return refused(403, 'the request comes from another origin');
    const carried = mayCarry ? knock.url.searchParams.get('token') : null;
    const site = knock.header('sec-fetch-site') ?? 'none';
    const isOpened = knock.header('sec-fetch-mode') === 'navigate' && carried !== null;
    if (!OWN_SITES.has(site) && !isOpened) return refused(403, 'the request comes from another site');
    const isKnown = carried === null ? this.#bringsIt(knock) : this.#isToken(carried);
    return isKnown ? undefined : refused(401, 'the token is missing or wrong');
  }

  /** The `Set-Cookie` of an opened page; scripts cannot read it, and other sites do not send it. */
  cookie({ url, header }: Knock): string {
    const { token, basePath } = this.#options;
    const isSecure = url.protocol === 'https:' || header('x-forwarded-proto') === 'https';
    const age = `Max-Age=${limits.inspectorCookieAgeMs / 1_000}`;
    const parts = [`${this.#cookie}=${token}`, `Path=${basePath}/`, age, 'HttpOnly', 'SameSite=Strict'];
    return [...parts, ...(isSecure ? ['Secure'] : [])].join('; ');
  }

  #isOwnHost(host: string): boolean {
    const given = host.toLowerCase();
    const { hosts, port: ownPort } = this.#options;
    const [, name = '', port] = /^(\[[\da-f:.]+\]|[^:[\]]+)(?::(\d{1,5}))?$/.exec(given) ?? [];
    if (hosts.includes(given) || hosts.includes(name)) return true;
    return LOOPBACK.has(name) && (ownPort === undefined || Number(port ?? 80) === ownPort);
  }

  #bringsIt({ header }: Knock): boolean {
    const cookie = valueOf(header('cookie') ?? '', this.#cookie);
    if (cookie !== undefined && this.#isToken(cookie)) return true;
    return bringsToken(header('authorization'), this.#options.token);
  }

  #isToken(text: string): boolean {
    return bringsToken(`Bearer ${text}`, this.#options.token);
  }
}

/** Of a `Cookie` header, the value of one. */
function valueOf(header: string, name: string): string | undefined {
  const found = header.split(';').find((part) => part.trimStart().startsWith(`${name}=`));
  return found?.trim().slice(name.length + 1);
}

function refused(status: Refusal['status'], why: string): Refusal {
  return { status, error: new HoldfastError('INSPECTOR_REFUSED', why) };
}
