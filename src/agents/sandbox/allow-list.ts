import ipaddr from 'ipaddr.js';

export interface Target {
  /** A name in small letters, or an address without brackets. */
  readonly host: string;
  readonly port: number;
}

/**
 * `named`: a person or an executor meant this very machine, wherever it is. `public`: only if it is out on the
 * internet.
 */
export type Permit = 'named' | 'public';

interface Entry {
  readonly host: string;
  /** Of `*.host`: all below it, not it itself. */
  readonly isWildcard: boolean;
  /** Null: the usual two. */
  readonly port: number | null;
}

export const usualPorts: readonly number[] = [80, 443];

/** Where an agent may connect to: entries `host`, `*.host`, each with or without `:port`. Anything else is refused. */
export class AllowList {
  readonly #entries: readonly Entry[];

  constructor(entries: readonly string[]) {
    this.#entries = entries.flatMap((text) => entryOf(text) ?? []);
  }

  permit({ host, port }: Target): Permit | null {
    const found = this.#entries.filter((entry) => fitsHost(entry, host) && fitsPort(entry, port));
    if (found.length === 0) return null;
    return found.some(namesOneMachine) ? 'named' : 'public';
  }

  /** The services of this PC that were named. */
  loopback(): readonly Target[] {
    return this.#entries.flatMap(({ host, port, isWildcard }) =>
      port !== null && !isWildcard && isLoopback(host) ? [{ host, port }] : [],
    );
  }
}

const fitsHost = (entry: Entry, host: string): boolean =>
  entry.isWildcard ? host.endsWith(`.${entry.host}`) : host === entry.host;

const fitsPort = (entry: Entry, port: number): boolean =>
  entry.port === null ? usualPorts.includes(port) : entry.port === port;

/** Who writes a port or an address has looked at what is there; a name alone is whatever its owner says. */
const namesOneMachine = ({ host, port, isWildcard }: Entry): boolean =>
  !isWildcard && (port !== null || ipaddr.isValid(host));

const isLoopback = (host: string): boolean =>
  host === 'localhost' || (ipaddr.isValid(host) && ipaddr.process(host).range() === 'loopback');

function entryOf(text: string): Entry | null {
  const isWildcard = text.startsWith('*.');
  const { host, port } =
    /^(?<host>\[[^\]]*\]|[^:]*)(?::(?<port>\d{1,5}))?$/.exec(isWildcard ? text.slice(2) : text)?.groups ?? {};
  const name = host === undefined ? null : hostOf(host);
  return name === null ? null : { host: name, isWildcard, port: port === undefined ? null : Number(port) };
}

/** `host:port`, as CONNECT has it; null where it is not that. */
export function targetOf(authority: string): Target | null {
  const { host: raw, port } = /^(?<host>\[[^\]]*\]|[^:]*):(?<port>\d{1,5})$/.exec(authority)?.groups ?? {};
  const host = raw === undefined ? null : hostOf(raw);
  return host === null || port === undefined || Number(port) > 65_535 ? null : { host, port: Number(port) };
}

/** One spelling for each host: `0x7f.1` is 127.0.0.1 to whoever connects, so it must be to whoever checks. */
export function hostOf(text: string): string | null {
  if (text === '' || /[/?#@\\\s]/.test(text)) return null;
  const { hostname } = URL.parse(`http://${text}`) ?? {};
  return hostname === undefined || hostname === '' ? null : hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');
}
