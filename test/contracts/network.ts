import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Network, NetworkHandler, Topic } from '../../src/peer/network/network.ts';
import type { PeerId } from '../../src/protocol/ids.ts';
import { Limits } from '../../src/protocol/limits.ts';

/** Where the networks of one test live. They meet by `addPeer` alone. */
export interface TestMesh {
  /** A network that is not started; the same number is the same identity, at the same address. */
  network(identity: number): Promise<Network>;
}

/** Waits for a condition, looking often; fails with what it waited for. */
export const until = (what: string, condition: () => boolean): Promise<void> =>
  expect.poll(condition, { timeout: 30_000, interval: 5, message: what }).toBe(true);

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const bytes = (value: string): Uint8Array => new TextEncoder().encode(value);

async function* inChunks(all: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < all.length; at += 100_000) yield all.subarray(at, at + 100_000);
}

async function gathered(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk.slice());
  return Buffer.concat(parts);
}

/** A handler that notes what it is told, in order. */
export class Recorder implements NetworkHandler {
  /** `up <peer>`, `down <peer>`, `frame <peer> <text>` … */
  readonly events: string[] = [];
  readonly frames: Uint8Array[] = [];
  readonly copies = new Map<string, Buffer>();
  greeting: string;
  refuses: (hello: string) => string | null = () => null;

  constructor(greeting: string) {
    this.greeting = greeting;
  }

  hello(): Uint8Array {
    return bytes(this.greeting);
  }

  acceptHello(from: PeerId, hello: Uint8Array): string | null {
    this.events.push(`hello ${from} ${text(hello)}`);
    return this.refuses(text(hello));
  }

  onUp(peer: PeerId): void {
    this.events.push(`up ${peer}`);
  }

  onDown(peer: PeerId): void {
    this.events.push(`down ${peer}`);
  }

  onFrame(from: PeerId, frame: Uint8Array): void {
    this.frames.push(frame.slice());
    this.events.push(`frame ${from} ${text(frame.subarray(0, 40))}`);
  }

  async onPut(from: PeerId, name: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    if (name === 'unwanted') throw new Error('not wanted here');
    const taken: Uint8Array[] = [];
    for await (const chunk of chunks) taken.push(chunk.slice());
    this.copies.set(name, Buffer.concat(taken));
    this.events.push(`put ${from} ${name}`);
  }

  async onGet(_from: PeerId, name: string): Promise<AsyncIterable<Uint8Array> | null> {
    const copy = this.copies.get(name);
    return copy === undefined ? null : inChunks(copy);
  }

  onGossip(from: PeerId, topic: Topic, data: Uint8Array): void {
    this.events.push(`gossip ${from} ${topic} ${text(data.subarray(0, 40))}`);
  }

  count(event: string): number {
    return this.events.filter((one) => one === event).length;
  }

  has(event: string): boolean {
    return this.events.includes(event);
  }

  /** Forgets what happened so far. */
  clear(): void {
    this.events.length = 0;
    this.frames.length = 0;
  }
}

interface Node {
  readonly network: Network;
  readonly heard: Recorder;
}

/** What every implementation of Network does. */
export function networkContract(name: string, makeMesh: () => TestMesh): void {
  describe(`the network contract: ${name}`, () => {
    let mesh: TestMesh;
    let started: Network[] = [];

    beforeEach(() => {
      mesh = makeMesh();
    });

    afterEach(async () => {
      await Promise.all(started.map((network) => network.stop()));
      started = [];
    });

    async function start(identity: number, greeting = `hello of ${identity}`): Promise<Node> {
      const network = await mesh.network(identity);
      const heard = new Recorder(greeting);
      started.push(network);
      await network.start(heard);
      return { network, heard };
    }

    const introduce = (a: Node, b: Node): void => a.network.addPeer(b.network.self, b.network.addresses());

    async function linked(a: Node, b: Node): Promise<void> {
      introduce(a, b);
      await until('both are up', () => isUp(a, b) && isUp(b, a));
    }

    const isUp = (a: Node, b: Node): boolean => a.heard.has(`up ${b.network.self}`);

    it('comes up once on both sides, after the hello', async () => {
      const [a, b] = [await start(1), await start(2)];
      introduce(a, b);
      introduce(b, a);
      await until('both are up', () => isUp(a, b) && isUp(b, a));
      // A round trip, so that whatever a second meeting would lead to has had its time.
      a.network.send(b.network.self, bytes('ping'));
      await until('the ping is there', () => b.heard.has(`frame ${a.network.self} ping`));
      expect(a.heard.events).toEqual([`hello ${b.network.self} hello of 2`, `up ${b.network.self}`]);
      expect(b.heard.events.slice(0, 2)).toEqual([`hello ${a.network.self} hello of 1`, `up ${a.network.self}`]);
      expect(b.heard.count(`up ${a.network.self}`)).toBe(1);
    });

    it('has an address that ends in its own id', async () => {
      const a = await start(1);
      expect(a.network.addresses().length).toBeGreaterThan(0);
      for (const address of a.network.addresses()) expect(address.endsWith(`/p2p/${a.network.self}`)).toBe(true);
    });

    it('delivers frames whole and in order, both ways', async () => {
      const [a, b] = [await start(1), await start(2)];
      await linked(a, b);
      const sent = Array.from({ length: 500 }, (_, index) => `${index} ${'x'.repeat((index * 97) % 3_000)}`);
      for (const frame of sent) {
        a.network.send(b.network.self, bytes(frame));
        b.network.send(a.network.self, bytes(frame));
      }
      await until('all are there', () => a.heard.frames.length >= 500 && b.heard.frames.length >= 500);
      expect(a.heard.frames.map(text)).toEqual(sent);
      expect(b.heard.frames.map(text)).toEqual(sent);
    });

    it('delivers a frame of the largest size, and none above it', async () => {
      const [a, b] = [await start(1), await start(2)];
      await linked(a, b);
      const large = new Uint8Array(Limits.frame).map((_, index) => index % 251);
      a.network.send(b.network.self, new Uint8Array(Limits.frame + 1));
      a.network.send(b.network.self, large);
      a.network.send(b.network.self, bytes('last'));
      await until('the last is there', () => b.heard.has(`frame ${a.network.self} last`));
      expect(b.heard.frames).toHaveLength(2);
      expect(Buffer.from(b.heard.frames[0] ?? []).equals(large)).toBe(true);
    });

    it('can be told to send from within its own calls', async () => {
      const [a, b] = [await start(1), await start(2)];
      b.heard.onUp = (peer) => b.network.send(peer, bytes('welcome'));
      introduce(a, b);
      await until('the welcome is there', () => a.heard.has(`frame ${b.network.self} welcome`));
      expect(a.heard.events.at(-2)).toBe(`up ${b.network.self}`);
    });

    it('drops what is sent to a stranger, without a word', async () => {
      const [a, b] = [await start(1), await start(2)];
      expect(() => a.network.send(b.network.self, bytes('lost'))).not.toThrow();
      await linked(a, b);
      a.network.send(b.network.self, bytes('after'));
      await until('what comes after is there', () => b.heard.has(`frame ${a.network.self} after`));
      expect(b.heard.frames.map(text)).toEqual(['after']);
    });

    it('lets neither side up where one refuses the hello', async () => {
      const [a, b, c] = [await start(1, 'good'), await start(2, 'bad'), await start(3, 'good')];
      a.heard.refuses = (hello) => (hello === 'bad' ? 'not wanted' : null);
      introduce(b, a);
      await until('the hello was judged', () => a.heard.has(`hello ${b.network.self} bad`));
      await linked(a, c);
      await linked(b, c);
      expect(isUp(a, b) || isUp(b, a)).toBe(false);
      a.network.send(b.network.self, bytes('lost'));
      b.network.send(a.network.self, bytes('lost'));
      a.network.send(c.network.self, bytes('kept'));
      b.network.send(c.network.self, bytes('kept'));
      await until('the rest is there', () => c.heard.frames.length === 2);
      expect([...a.heard.frames, ...b.heard.frames]).toEqual([]);
    });

    it('is down once the other side has stopped, after all that it sent', async () => {
      const [a, b] = [await start(1), await start(2)];
      await linked(a, b);
      for (let index = 0; index < 200; index++) b.network.send(a.network.self, bytes(`${index}`));
      await b.network.stop();
      await until('a is told', () => a.heard.has(`down ${b.network.self}`));
      expect(a.heard.events.slice(2)).toEqual([
        ...Array.from({ length: 200 }, (_, index) => `frame ${b.network.self} ${index}`),
        `down ${b.network.self}`,
      ]);
      expect(b.heard.has(`down ${a.network.self}`)).toBe(false);
    });

    it('meets a peer that has restarted again, with its new hello', async () => {
      const [a, b] = [await start(1), await start(2, 'first')];
      await linked(a, b);
      await b.network.stop();
      await until('a is told', () => a.heard.has(`down ${b.network.self}`));
      a.heard.clear();
      const again = await start(2, 'second');
      expect(again.network.self).toBe(b.network.self);
      await until('both are up again', () => isUp(a, again) && isUp(again, a));
      expect(a.heard.events).toEqual([`hello ${b.network.self} second`, `up ${b.network.self}`]);
      again.network.send(a.network.self, bytes('back'));
      await until('it can speak', () => a.heard.has(`frame ${b.network.self} back`));
    });

    it('gossips to all but itself', async () => {
      const nodes = [await start(1), await start(2), await start(3)] as const;
      const [a, b, c] = nodes;
      await linked(a, b);
      await linked(b, c);
      await linked(a, c);
      let round = 0;
      const heardBy = (node: Node): boolean =>
        node.heard.events.some((event) => event.startsWith(`gossip ${a.network.self} summaries round`));
      // The first ones may be lost: that is part of the contract.
      await until('the others have heard', () => {
        a.network.broadcast('summaries', bytes(`round ${round++}`));
        return heardBy(b) && heardBy(c);
      });
      b.network.broadcast('tasks', bytes('answer'));
      await until('a hears the answer', () => a.heard.has(`gossip ${b.network.self} tasks answer`));
      expect(heardBy(a)).toBe(false);
      expect(b.heard.has(`gossip ${b.network.self} tasks answer`)).toBe(false);
    });

    it('gives a neighbour a copy of something large, and fetches it again', async () => {
      const [a, b] = [await start(1), await start(2)];
      await linked(a, b);
      const large = Buffer.alloc(3_000_000, 'abc');
      await a.network.put(b.network.self, 'large', inChunks(large));
      expect(b.heard.has(`put ${a.network.self} large`)).toBe(true);
      expect((await gathered(a.network.get(b.network.self, 'large'))).equals(large)).toBe(true);
    });

    it('says so where a copy is not wanted, is not there, or nobody is', async () => {
      const [a, b] = [await start(1), await start(2)];
      await linked(a, b);
      const some = (): AsyncIterable<Uint8Array> => inChunks(bytes('some'));
      await expect(a.network.put(b.network.self, 'unwanted', some())).rejects.toThrow('not wanted here');
      await expect(gathered(a.network.get(b.network.self, 'missing'))).rejects.toThrow('not here');
      const stranger = '12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN' as PeerId;
      await expect(a.network.put(stranger, 'x', some())).rejects.toThrow('not connected');
    });

    it('counts its traffic', async () => {
      const [a, b] = [await start(1), await start(2)];
      await linked(a, b);
      const [sent, received] = [a.network.traffic().sentBytes, b.network.traffic().receivedBytes];
      a.network.send(b.network.self, new Uint8Array(100_000));
      await until('it is there', () => b.heard.frames.length === 1);
      expect(a.network.traffic().sentBytes - sent).toBeGreaterThanOrEqual(100_000);
      expect(b.network.traffic().receivedBytes - received).toBeGreaterThanOrEqual(100_000);
    });

    it('stops twice, or before it has started, without harm', async () => {
      const network = await mesh.network(1);
      await network.stop();
      const node = await start(2);
      await node.network.stop();
      await node.network.stop();
    });
  });
}
