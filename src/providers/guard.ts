/**
 * The connector guard: URLs that came from outside reach public addresses only.
 *
 * Callers: the download. Invariants:
 *  A1  An address is checked three times: when it is written literally, when a name resolves to it, and
 *      when the socket is connected, before a byte is written. The last closes the gap that DNS rebinding
 *      uses.
 *  A2  Only a `unicast` address passes; everything with a purpose of its own (private, loopback,
 *      link-local, shared, mapped, translated, documentation, multicast, reserved) does not.
 *  A3  Plain http, other ports and private addresses pass for a trusted origin alone, and the port is part
 *      of it.
 */
import { lookup as systemLookup } from 'node:dns';
import type { LookupAddress, LookupOptions } from 'node:dns';
import type { LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';
import { buildConnector } from 'undici';
import { HoldfastError } from '../errors.js';
import { limits } from '../limits.js';

const PUBLIC_IPV6 = ipaddr.parseCIDR('2000::/3');

/** `dns.lookup` with `all: true`; tests give another. */
export type Resolve = (
  hostname: string,
  options: LookupOptions & { readonly all: true },
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/** Makes the connector that really connects; tests give one that leads elsewhere. */
export type OpenSocket = (lookup: LookupFunction | undefined) => buildConnector.connector;

export interface GuardOptions {
  /** As `URL.origin` writes them. */
  readonly trustedOrigins: readonly string[];
  readonly resolve?: Resolve;
  readonly open?: OpenSocket;
}

const openDirectly: OpenSocket = (lookup) => {
  const timeout = limits.providerConnectTimeoutMs;
  return buildConnector(lookup === undefined ? { timeout } : { timeout, lookup });
};

/** A connector for undici that refuses with `ADDRESS_REFUSED` what the invariants forbid. */
export function guardedConnector(options: GuardOptions): buildConnector.connector {
  const open = options.open ?? openDirectly;
  const trusted = open(undefined);
  const guarded = open(guardedLookup(options.resolve ?? systemLookup));
  return (target, callback) => {
    const origin = new URL(`${target.protocol}//${target.host ?? target.hostname}`).origin;
    if (options.trustedOrigins.includes(origin)) {
      trusted(target, callback);
      return;
    }
    const literal = refuseLiteral(target.hostname);
    if (literal !== undefined) {
      callback(refused(target.hostname, literal), null);
      return;
    }
    guarded(target, (...result) => {
      if (result[0] !== null) {
        callback(...result);
        return;
      }
      const [, socket] = result;
      const reason = refuseAddress(socket.remoteAddress ?? '');
      if (reason === undefined) {
        callback(null, socket);
        return;
      }
      socket.destroy();
      callback(refused(target.hostname, reason), null);
    });
  };
}

/** Why a URL may not be fetched, before any name is resolved; undefined when it may. */
export function refuseUrl(url: URL, trustedOrigins: readonly string[]): string | undefined {
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'neither https nor http';
  if (url.username !== '' || url.password !== '') return 'a URL with a user part';
  if (trustedOrigins.includes(url.origin)) return undefined;
  if (url.protocol !== 'https:') return 'plain http to an origin that is not trusted';
  if (url.port !== '') return 'a port other than 443';
  const host = url.hostname.toLowerCase().replace(/\.$/, '');
  if (/(^|\.)(localhost|local|internal)$/.test(host)) return 'a local host name';
  return refuseLiteral(host);
}

/** Why a host that is written as an address is refused; undefined for names and for public addresses. */
function refuseLiteral(host: string): string | undefined {
  const bare = host.replace(/^\[|\]$/g, '');
  return ipaddr.isValid(bare) ? refuseAddress(bare) : undefined;
}

/** Why an address is refused: its range, or that it is none. Knows decimal, hex, octal and mapped forms. */
export function refuseAddress(address: string): string | undefined {
  if (!ipaddr.isValid(address)) return 'not an address';
  const parsed = ipaddr.process(address);
  const range = parsed.range();
  if (range !== 'unicast') return `a ${range} address`;
  // Of the rest of IPv6 nothing is given out: `::127.0.0.1` is there, and 2000::/3 is all that is public.
  const isPublic = parsed.kind() === 'ipv4' || parsed.match(PUBLIC_IPV6);
  return isPublic ? undefined : 'an address that is not public';
}

/**
 * A `lookup` for `net.connect` in both its shapes: one address, or all of them (Happy Eyeballs asks for
 * all).
 */
function guardedLookup(resolve: Resolve): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) {
        callback(error, []);
        return;
      }
      // One bad address refuses the name: a mixed answer is how a rebinding attack looks.
      const bad = addresses.find(({ address }) => refuseAddress(address) !== undefined);
      const [first] = addresses;
      if (bad !== undefined) callback(refused(hostname, refuseAddress(bad.address) ?? 'refused'), []);
      else if (first === undefined) callback(refused(hostname, 'a name without an address'), []);
      else if (options.all === true) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}

function refused(host: string, reason: string): HoldfastError {
  return new HoldfastError('ADDRESS_REFUSED', `${host} is refused: ${reason}`, { details: { host, reason } });
}
