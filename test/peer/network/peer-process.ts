import type { Socket } from 'node:net';
import { generateKeyPair } from '@libp2p/crypto/keys';
import { createLibp2pNetwork, type Libp2pNetworkOptions } from '../../../src/peer/network/libp2p.ts';

/**
 * A process that is one network and nothing else. Takes its options as JSON (the mesh key in hex), and prints a JSON line
 * for all that happens: `ready`, `up`, `down`, `frame`. It sends every frame back to where it came from.
 */
const { meshKey, ...options } = JSON.parse(process.argv[2] ?? '{}') as { readonly meshKey: string };

const network = createLibp2pNetwork({
  ...(options as Partial<Libp2pNetworkOptions>),
  privateKey: await generateKeyPair('Ed25519'),
  meshKey: Buffer.from(meshKey, 'hex'),
  log: (event) => print({ ...event }),
});

await network.start({
  hello: () => new Uint8Array([1]),
  acceptHello: () => null,
  onUp: (peer) => print({ event: 'up', peer }),
  onDown: (peer) => print({ event: 'down', peer }),
  onFrame: (from, frame) => {
    print({ event: 'frame', from, sizeBytes: frame.length });
    network.send(from, frame);
  },
  onPut: () => Promise.reject(new Error('not wanted here')),
  onGet: async () => null,
  onGossip: () => {},
});
print({ event: 'ready', peer: network.self, addresses: network.addresses() });

process.on('SIGTERM', () => void network.stop());
// A test that is killed closes its end; nothing it started stays behind. By itself the pipe keeps nobody alive.
const pipe = process.stdin as Socket;
pipe.on('end', () => process.exit(0)).resume();
pipe.unref();

function print(event: object): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}
