import { type GossipSub, gossipsub } from '@chainsafe/libp2p-gossipsub';
import { noise } from '@chainsafe/libp2p-noise';
import { type CircuitRelayService, circuitRelayServer } from '@libp2p/circuit-relay-v2';
import { identify } from '@libp2p/identify';
import type { ConnectionProtector, Libp2p, MessageStream, PrivateKey } from '@libp2p/interface';
import { preSharedKey } from '@libp2p/pnet';
import { tcp } from '@libp2p/tcp';
import { yamux } from '@libp2p/yamux';
import type { Multiaddr } from '@multiformats/multiaddr';
import { createLibp2p } from 'libp2p';
import { announceable } from './address.ts';
import type { NetworkLog } from './events.ts';
import { LanDiscovery, type LanDiscoveryOptions } from './mdns.ts';
import { meshServiceName, swarmKey } from './mesh-key.ts';
import { type Topic, Topics } from './network.ts';
import { type RelayDialer, relayDialer, relayOptions, relayTransport } from './relay.ts';

export type Node = Libp2p<{ pubsub: GossipSub; relay: CircuitRelayService; relayDialer: RelayDialer }>;

export interface NodeOptions {
  readonly privateKey: PrivateKey;
  readonly meshKey: Uint8Array;
  readonly listen: readonly string[];
  /** Null: no mDNS. */
  readonly mdns: Pick<LanDiscoveryOptions, 'interfaces' | 'meshSize' | 'onPeer'> | null;
  /** Told of every address that the node has, before those that only this machine can use are left out. */
  readonly onAddresses: (addresses: readonly Multiaddr[]) => void;
  readonly traffic: Traffic;
  readonly log: NetworkLog;
}

/** Bytes on the wire of every connection, encryption and gossip included. */
export interface Traffic {
  sentBytes: number;
  receivedBytes: number;
}

const topicPrefix = '/issue-mesh/1/';
export const topicName = (topic: Topic): string => topicPrefix + topic;
export const topicOf = (name: string): Topic | undefined => Topics.find((topic) => topicName(topic) === name);

/**
 * What a paused stream still takes in is its window: it must be less than the 4 MiB at which a stream is broken off.
 */
export const muxer = (): ReturnType<typeof yamux> => yamux({ streamOptions: { maxStreamWindowSize: 1024 * 1024 } });

/**
 * A libp2p node that speaks to its own mesh only; not started. The numbers were measured on meshes of 5 to 50 peers.
 */
export async function createNode(options: NodeOptions): Promise<Node> {
  const { mdns, log } = options;
  const lan = mdns && {
    ...mdns,
    serviceName: meshServiceName(options.meshKey),
    onProblem: (reason: string) => log({ event: 'multicast-failed', reason }),
  };
  return await createLibp2p({
    start: false,
    privateKey: options.privateKey,
    nodeInfo: { name: 'issue-mesh' },
    addresses: {
      listen: [...options.listen],
      announceFilter: (all) => {
        options.onAddresses(all);
        return announceable(all);
      },
    },
    transports: [tcp(), relayTransport],
    connectionProtector: () => counted(preSharedKey({ psk: swarmKey(options.meshKey) })(), options.traffic),
    connectionEncrypters: [noise()],
    streamMuxers: [muxer()],
    connectionManager: {
      // The default of 5 a second and host would refuse peers that share a machine or an address.
      inboundConnectionThreshold: 1_000,
      maxIncomingPendingConnections: 100,
      // A wrong mesh key shows only as a handshake that never ends.
      inboundUpgradeTimeout: 5_000,
      addressDialTimeout: 3_000,
      outboundStreamProtocolNegotiationTimeout: 3_000,
      inboundStreamProtocolNegotiationTimeout: 3_000,
      // As given: the address that worked last comes first.
      addressSorter: () => 0,
    },
    // A healthy peer under load misses pings, and links keep an eye on silence themselves, for less.
    connectionMonitor: { enabled: false },
    services: {
      identify: identify(),
      relay: circuitRelayServer(relayOptions),
      relayDialer,
      pubsub: gossipsub({
        allowedTopics: Topics.map(topicName),
        allowPublishToZeroTopicPeers: true,
        // Else every duplicate's signature is verified before it is recognised as one.
        fastMsgIdFn: (message) => Buffer.from(message.from ?? []).toString('latin1') + seqnoText(message.seqno),
        // Else 12 or more peers behind one address get nothing.
        scoreParams: { IPColocationFactorWeight: 0 },
        maxOutboundBufferSize: 16 * 1024 * 1024,
      }),
      ...(lan && {
        lan: (components: ConstructorParameters<typeof LanDiscovery>[0]) => new LanDiscovery(components, lan),
      }),
    },
  });
}

const seqnoText = (seqno: Uint8Array | undefined): string => Buffer.from(seqno ?? []).toString('latin1');

/** What a relayed connection carries passes through another one, and is counted there. */
const isRelayed = (connection: MessageStream): boolean =>
  'remoteAddr' in connection && String(connection.remoteAddr).includes('/p2p-circuit');

/** The protector is the first to hold a new connection, so what passes through it is all there is. */
function counted(protector: ConnectionProtector, traffic: Traffic): ConnectionProtector {
  return {
    protect: (connection: MessageStream, options) => {
      if (isRelayed(connection)) return protector.protect(connection, options);
      const send = connection.send.bind(connection);
      connection.send = (data) => {
        traffic.sentBytes += data.byteLength;
        return send(data);
      };
      connection.addEventListener('message', ({ data }) => {
        traffic.receivedBytes += data.byteLength;
      });
      return protector.protect(connection, options);
    },
  };
}
