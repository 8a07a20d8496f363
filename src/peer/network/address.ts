import { peerIdFromString } from '@libp2p/peer-id';
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr';
import type { PeerId } from '../../protocol/ids.ts';
import { NetworkError } from './network.ts';

/** Whether it is an address that TCP takes by itself. A way through a relay is found anew each time. */
export function isDialable(address: string): boolean {
  try {
    const names = multiaddr(address)
      .getComponents()
      .map(({ name }) => name);
    return names.includes('tcp') && !names.includes('p2p-circuit');
  } catch {
    return false;
  }
}

/** Ids come from files and from other peers too. */
export function isPeerId(text: string): boolean {
  try {
    peerIdFromString(text);
    return true;
  } catch {
    return false;
  }
}

/** The peer id that an address ends in, if any. */
export const peerIn = (address: string): PeerId | null =>
  (multiaddr(address)
    .getComponents()
    .findLast(({ name }) => name === 'p2p')?.value as PeerId | undefined) ?? null;

/** @throws NetworkError `bad-address` */
export function requireAddress(address: string): void {
  if (isDialable(address)) return;
  throw new NetworkError(
    'bad-address',
    address,
    `${address} is not a TCP address: write it like /ip4/192.168.1.5/tcp/4001`,
  );
}

const isLoopback = (address: Multiaddr): boolean => /^\/(ip4\/127\.|ip6\/::1\/)/.test(address.toString());

export const loopbackLast = (addresses: readonly Multiaddr[]): readonly Multiaddr[] => [
  ...addresses.filter((address) => !isLoopback(address)),
  ...addresses.filter(isLoopback),
];

/** What others are told: an address that means another machine over there only where there is nothing else. */
export function announceable(addresses: readonly Multiaddr[]): Multiaddr[] {
  const external = addresses.filter((address) => !isLoopback(address));
  return external.length > 0 ? external : [...addresses];
}
