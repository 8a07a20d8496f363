import { connect } from 'node:net';

const probeMs = 2_000;

/**
 * Whether something at one of the addresses takes a TCP connection; null when none of them can be tried. The kernel
 * takes it even for a stopped process, and nobody does for a host that is off or cut off.
 */
export async function takesConnection(addresses: readonly string[]): Promise<boolean | null> {
  const targets = addresses.flatMap((address) => socketAddress(address) ?? []);
  if (targets.length === 0) return null;
  const answers = await Promise.all(targets.map(tryConnect));
  return answers.includes(true);
}

interface SocketAddress {
  readonly host: string;
  readonly port: number;
}

function socketAddress(address: string): SocketAddress | null {
  const [, host, port] = /^\/(?:ip4|ip6|dns|dns4|dns6)\/([^/]+)\/tcp\/(\d+)/.exec(address) ?? [];
  return host === undefined ? null : { host, port: Number(port) };
}

const tryConnect = ({ host, port }: SocketAddress): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host, port, timeout: probeMs });
    const answer = (taken: boolean): void => {
      socket.destroy();
      resolve(taken);
    };
    socket.once('connect', () => answer(true));
    socket.once('error', () => answer(false));
    socket.once('timeout', () => answer(false));
  });
