import { createHash } from 'node:crypto';

/** The bytes of a swarm.key file, which is what libp2p takes a private network's key in. */
export const swarmKey = (meshKey: Uint8Array): Uint8Array =>
  new TextEncoder().encode(`/key/swarm/psk/1.0.0/\n/base16/\n${Buffer.from(meshKey).toString('hex')}`);

/**
 * An mDNS service name of this mesh alone, so that peers of other meshes are not dialled; it does not give the key
 * away.
 */
export const meshServiceName = (meshKey: Uint8Array): string => {
  const hash = createHash('sha256').update('issue-mesh mdns\n').update(meshKey).digest('hex');
  return `_mesh-${hash.slice(0, 10)}._udp.local`;
};
