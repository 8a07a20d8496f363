import type { Connection, Stream } from '@libp2p/interface';
import { peerIdFromString } from '@libp2p/peer-id';
import { multiaddr } from '@multiformats/multiaddr';
import type { PeerId } from '../../protocol/ids.ts';
import { reasonOf } from './events.ts';
import type { Probe, Route } from './neighbour.ts';
import type { Node } from './node.ts';
import { takesConnection } from './probe.ts';
import { transferProtocol } from './transfer.ts';

export const protocol = '/issue-mesh/1';
const closeMs = 300;
const probeMs = 3_000;

/** The open connections to a peer, the direct ones first. */
export function connectionsTo(node: Node, peer: PeerId): readonly Connection[] {
  const open = node.getConnections(peerIdFromString(peer)).filter(({ status }) => status === 'open');
  return [...open.filter(({ direct }) => direct), ...open.filter(({ direct }) => !direct)];
}

export const hasDirect = (node: Node, peer: PeerId): boolean => connectionsTo(node, peer)[0]?.direct ?? false;

export async function openRoute(node: Node, peer: PeerId): Promise<Route> {
  const [, ...others] = connectionsTo(node, peer);
  const best = bestTo(node, peer);
  try {
    const stream = await best.newStream(protocol, { runOnLimitedConnection: true });
    return { stream, direct: best.direct };
  } catch (error) {
    // It is only in the way of the others.
    if (others.length > 0) best.abort(new Error(`takes no stream: ${reasonOf(error)}`));
    throw error;
  }
}

export const openTransfer = async (node: Node, peer: PeerId): Promise<Stream> =>
  bestTo(node, peer).newStream(transferProtocol, { runOnLimitedConnection: true });

function bestTo(node: Node, peer: PeerId): Connection {
  const [best] = connectionsTo(node, peer);
  if (best === undefined) throw new Error('not connected');
  return best;
}

export const routeOf = (stream: Stream, { direct }: Connection): Route => ({ stream, direct });

/**
 * Gracefully, as what was just sent may still be on its way; but not longer than a peer that does not answer deserves.
 */
export const closeConnection = (connection: Connection): Promise<void> =>
  connection.close({ signal: AbortSignal.timeout(closeMs) }).catch((error: Error) => connection.abort(error));

export function hangUp(node: Node, peer: PeerId): void {
  for (const connection of connectionsTo(node, peer)) connection.abort(new Error('dismissed'));
}

export function closeRelayed(node: Node, peer: PeerId): void {
  for (const connection of connectionsTo(node, peer)) if (!connection.direct) void closeConnection(connection);
}

export async function probe(node: Node, addresses: readonly string[]): Promise<Probe> {
  const taken = await takesConnection(addresses);
  if (taken === null) return 'unknown';
  if (!taken) return 'gone';
  try {
    const targets = addresses.map((address) => multiaddr(address));
    const connection = await node.dial(targets, { force: true, signal: AbortSignal.timeout(probeMs) });
    connection.abort(new Error('it was only a probe'));
    return 'answers';
  } catch {
    return 'stopped';
  }
}
