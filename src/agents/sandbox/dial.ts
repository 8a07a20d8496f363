import dns from 'node:dns/promises';
import http from 'node:http';
import https from 'node:https';
import { connect, isIP, type LookupFunction, type Socket } from 'node:net';
import ipaddr from 'ipaddr.js';
import { getProxyForUrl } from 'proxy-from-env';
import { type AllowList, type Target, usualPorts } from './allow-list.ts';

export interface Address {
  readonly address: string;
  readonly family: number;
}

/** All addresses of a name, which may be an address itself. */
export type Lookup = (host: string) => Promise<readonly Address[]>;

export const systemLookup: Lookup = (host) => dns.lookup(host, { all: true });

/** The agent may not connect there. */
export class DeniedError extends Error {
  override readonly name = 'DeniedError';
  readonly code = 'denied';
  /** What a person adds to the allow-list so that it may. */
  readonly entry: string;

  constructor(message: string, entry: string) {
    super(message);
    this.entry = entry;
  }
}

/** Resolves with a connection; throws DeniedError, or what the network says. */
export type Dial = (target: Target) => Promise<Socket>;

const connectMs = 30_000;

/** Connects to what the list allows, at the very addresses that were looked at. */
export const dialer =
  (allowed: AllowList, lookup: Lookup = systemLookup): Dial =>
  async (target) => {
    const permit = allowed.permit(target);
    if (permit === null)
      throw new DeniedError(
        'it is not on the allow-list',
        usualPorts.includes(target.port) ? target.host : textOf(target),
      );
    if (permit === 'named') return connected(target, await lookup(target.host));
    const upstream = getProxyForUrl(`${target.port === 80 ? 'http' : 'https'}://${textOf(target)}`);
    // Behind a proxy of this network, names are that one's to resolve.
    if (upstream !== '' && isIP(target.host) === 0) return throughProxy(new URL(upstream), target);
    const found = (await lookup(target.host)).filter(({ address }) => isPublic(address));
    if (found.length === 0) throw new DeniedError('its address is one of this PC or its network', textOf(target));
    return connected(target, found);
  };

/** Neither of this PC, nor of its network, nor one that stands for such an address. */
export function isPublic(address: string): boolean {
  return ipaddr.isValid(address) && ipaddr.process(address).range() === 'unicast';
}

export const textOf = ({ host, port }: Target): string => `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;

/** `lookup` answers with what was looked up before: a second answer could be another. */
function connected({ host, port }: Target, addresses: readonly Address[]): Promise<Socket> {
  const answer: LookupFunction = (_host, _options, callback) => callback(null, [...addresses]);
  const socket = connect({ host, port, lookup: answer, autoSelectFamily: true, allowHalfOpen: true });
  return opened(socket, (resolve) => socket.once('connect', () => resolve(socket)));
}

function throughProxy(proxy: URL, target: Target): Promise<Socket> {
  const { username, password, hostname, port, protocol } = proxy;
  const login = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64');
  const request = (protocol === 'https:' ? https : http).request({
    host: hostname.replace(/^\[(.*)\]$/, '$1'),
    port,
    method: 'CONNECT',
    path: textOf(target),
    headers: { host: textOf(target), ...(username === '' ? {} : { 'proxy-authorization': `Basic ${login}` }) },
    agent: false,
  });
  request.end();
  return opened(request, (resolve, reject) => {
    request.once('connect', ({ statusCode }, socket: Socket, head: Buffer) => {
      if (statusCode !== 200) {
        socket.destroy();
        return reject(new Error(`the proxy ${proxy.host} answers ${statusCode}`));
      }
      if (head.length > 0) socket.unshift(head);
      resolve(socket);
    });
  });
}

type Opening = Socket | http.ClientRequest;

async function opened(
  opening: Opening,
  wait: (resolve: (socket: Socket) => void, reject: (error: Error) => void) => void,
): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const timer = setTimeout(() => reject(new Error('no answer in time')), connectMs);
  opening.once('error', reject);
  wait(resolve, reject);
  try {
    return await promise;
  } catch (error) {
    // A request that is given up says so once more.
    opening.on('error', () => {}).destroy();
    throw error;
  } finally {
    clearTimeout(timer);
    // The caller's own listener is there before anything else can happen.
    opening.off('error', reject);
  }
}
