import { noise } from '@chainsafe/libp2p-noise';
import { generateKeyPair } from '@libp2p/crypto/keys';
import type { Stream } from '@libp2p/interface';
import { tcp } from '@libp2p/tcp';
import { createLibp2p, type Libp2p } from 'libp2p';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { muxer } from '../../../src/peer/network/node.ts';
import { get, put, serveTransfer, type TransferHandler, transferProtocol } from '../../../src/peer/network/transfer.ts';
import { waitFor } from '../../support/wait.ts';

/** Real streams over TCP, without the rest of a peer. */
const nodeOf = async (): Promise<Libp2p> =>
  createLibp2p({
    privateKey: await generateKeyPair('Ed25519'),
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [muxer()],
    connectionMonitor: { enabled: false },
  });

const kept = new Map<string, Buffer>();
let handler: TransferHandler;
let server: Libp2p;
let client: Libp2p;

beforeEach(async () => {
  kept.clear();
  handler = {
    onPut: async (name, chunks) => {
      kept.set(name, Buffer.concat(await all(chunks)));
    },
    onGet: async (name) => {
      const found = kept.get(name);
      return found === undefined ? null : chunked(found);
    },
  };
  [server, client] = await Promise.all([nodeOf(), nodeOf()]);
  await server.handle(transferProtocol, (stream) => void serveTransfer(stream, handler));
});
afterEach(() => Promise.all([server.stop(), client.stop()]));

async function all(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const list: Uint8Array[] = [];
  for await (const chunk of chunks) list.push(chunk.slice());
  return list;
}
async function* chunked(bytes: Uint8Array, size = 300_000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
const open = (): Promise<Stream> => client.dialProtocol(server.getMultiaddrs(), transferProtocol);
const some = (bytes: number): Buffer => Buffer.from(Array.from({ length: bytes }, (_, index) => index % 251));

describe('a copy', () => {
  it.each([0, 1, 128 * 1024, 5_000_000])('of %i bytes is given away, and fetched', async (bytes) => {
    const content = some(bytes);
    await put(await open(), 'a/b', chunked(content));
    expect(kept.get('a/b')?.equals(content)).toBe(true);
    const fetched = Buffer.concat(await all(get(await open(), 'a/b')));
    expect(fetched.equals(content)).toBe(true);
  });

  it('that the other does not have is an error, at once', async () => {
    await expect(all(get(await open(), 'a/b'))).rejects.toThrow('not here');
  });

  it('that the other does not want is an error that says why', async () => {
    handler = { ...handler, onPut: () => Promise.reject(new Error('too large')) };
    await expect(put(await open(), 'a/b', chunked(some(10)))).rejects.toThrow('too large');
  });

  it('that the other has, or does not want, is not sent to its end', async () => {
    const content = some(1_000_000);
    for (const answer of [() => Promise.resolve(), () => Promise.reject(new Error('too large'))]) {
      handler = { ...handler, onPut: answer };
      let made = 0;
      const source = async function* (): AsyncGenerator<Uint8Array> {
        for (; made < 200; made += 1) yield content;
      };
      await put(await open(), 'a/b', source()).catch((error: Error) => expect(error.message).toBe('too large'));
      expect(made).toBeLessThan(100);
    }
  });

  it('that is cut is an error on both sides, and kept by nobody', async () => {
    let told: unknown = null;
    handler = {
      ...handler,
      onPut: async (name, chunks) => {
        try {
          kept.set(name, Buffer.concat(await all(chunks)));
        } catch (error) {
          told = error;
          throw error;
        }
      },
    };
    const broken = async function* (): AsyncGenerator<Uint8Array> {
      yield some(1_000);
      throw new Error('the disk broke');
    };
    await expect(put(await open(), 'a/b', broken())).rejects.toThrow('the disk broke');
    await waitFor('the other noticed', () => told !== null);
    expect(kept.has('a/b')).toBe(false);
  });

  it('goes no faster than it is taken', async () => {
    let taken = 0;
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    handler = {
      ...handler,
      onPut: async (_, chunks) => {
        for await (const chunk of chunks) {
          taken += chunk.length;
          await released;
        }
      },
    };
    let made = 0;
    const content = some(1_000_000);
    const source = async function* (): AsyncGenerator<Uint8Array> {
      for (; made < 128; made += 1) yield content;
    };
    const sending = put(await open(), 'a/b', source());
    await waitFor('it is stuck', () => taken > 0);
    let [before, still] = [-1, 0];
    await waitFor('it has filled what there is', () => {
      still = made === before ? still + 1 : 0;
      before = made;
      return still > 10;
    });
    // A window of the stream, and what waits at both ends.
    expect(made).toBeLessThan(6);
    release();
    await sending;
    expect(taken).toBe(128_000_000);
  });
});

describe('a stranger to the protocol', () => {
  it('gets a closed stream', async () => {
    const stream = await open();
    stream.send(new Uint8Array([3, 1, 2, 3]));
    await waitFor('it is closed', () => stream.status !== 'open');
  });
});
