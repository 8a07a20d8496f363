import type { Stream } from '@libp2p/interface';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Link } from '../../../src/peer/network/link.ts';
import { Neighbour, type NeighbourHost, type Probe, type Route } from '../../../src/peer/network/neighbour.ts';
import type { PeerId } from '../../../src/protocol/ids.ts';
import { Recorder } from '../../contracts/network.ts';
import { streamPair, wasAborted } from '../../support/stream-pair.ts';

const graceMs = 300;
const other = 'm' as PeerId;
const smaller = 'a' as PeerId;
const larger = 'z' as PeerId;

/** One neighbour, and hands on all that surrounds it. */
class Bench implements NeighbourHost {
  readonly self: PeerId;
  readonly graceMs = graceMs;
  readonly handler = new Recorder('here');
  readonly log = (): void => {};
  readonly neighbour: Neighbour;
  /** The far ends of the streams that it opened. */
  readonly opened: Stream[] = [];
  readonly calls: string[] = [];
  connections = 1;
  /** What the best of them is. */
  direct = true;
  relayedClosed = 0;
  found: Probe = 'stopped';

  constructor(self: PeerId) {
    this.self = self;
    this.neighbour = new Neighbour(other, this);
  }

  isConnected(): boolean {
    return this.connections > 0;
  }

  hasDirect(): boolean {
    return this.direct && this.isConnected();
  }

  async openRoute(): Promise<Route> {
    const [stream, far] = streamPair();
    this.opened.push(far);
    return { stream, direct: this.direct };
  }

  closeRelayed(): void {
    this.relayedClosed += 1;
  }

  seek(): void {
    this.calls.push('seek');
  }

  dismiss(_peer: PeerId, forMs: number): void {
    this.calls.push(`dismiss ${forMs}`);
  }

  abandon(): void {
    this.calls.push('abandon');
  }

  addresses(): readonly string[] {
    return [];
  }

  async probe(): Promise<Probe> {
    this.calls.push('probe');
    return this.found;
  }

  /** A stream that the neighbour opens; gives its far end. */
  receiveStream(): Stream {
    const [stream, far] = streamPair();
    this.neighbour.incoming({ stream, direct: this.direct });
    return far;
  }
}

const hello = new Uint8Array([1]);

/** Plays the other side of a stream. */
function answer(stream: Stream, verdict: string | null = null): Link {
  const nothing = (): void => {};
  const link = new Link(stream, {
    hello: () => hello,
    acceptHello: () => verdict,
    onUp: nothing,
    onFrame: nothing,
    onEnd: nothing,
  });
  link.start();
  return link;
}

const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(1);

const beSilentFor = async (one: Bench, seconds: number): Promise<void> => {
  for (let second = 0; second < seconds; second++) {
    one.neighbour.checkSilence();
    await vi.advanceTimersByTimeAsync(1_000);
  }
};

describe('a neighbour', () => {
  const benches: Bench[] = [];

  beforeEach(() => {
    vi.useFakeTimers();
  });

  afterEach(async () => {
    for (const bench of benches.splice(0)) {
      const stopped = bench.neighbour.stop();
      await vi.advanceTimersByTimeAsync(1_000);
      await stopped;
    }
    vi.useRealTimers();
  });

  function bench(self: PeerId): Bench {
    const one = new Bench(self);
    benches.push(one);
    return one;
  }

  async function up(self: PeerId): Promise<{ one: Bench; far: Stream; link: Link }> {
    const one = bench(self);
    const far = one.receiveStream();
    const link = answer(far);
    await settle();
    expect(one.handler.events.at(-1)).toBe('up m');
    return { one, far, link };
  }

  describe('N1: who opens the stream', () => {
    it('is the peer with the smaller id, at once', async () => {
      const one = bench(smaller);
      one.neighbour.connected();
      await settle();
      expect(one.opened).toHaveLength(1);
    });

    it('is the other one only when no stream came for half a second', async () => {
      const [served, waiting] = [bench(larger), bench(larger)];
      for (const one of [served, waiting]) one.neighbour.connected();
      await vi.advanceTimersByTimeAsync(400);
      answer(served.receiveStream());
      await vi.advanceTimersByTimeAsync(200);
      expect(served.opened).toHaveLength(0);
      expect(waiting.opened).toHaveLength(1);
    });

    it('is tried again when the stream fails', async () => {
      const one = bench(smaller);
      one.neighbour.connected();
      await settle();
      one.opened[0]?.abort(new Error('reset'));
      await vi.advanceTimersByTimeAsync(500);
      expect(one.opened).toHaveLength(2);
    });
  });

  describe('N2: of two streams', () => {
    it('keeps its own when it has the smaller id and both opened at once', async () => {
      const one = bench(smaller);
      one.neighbour.connected();
      await settle();
      expect(wasAborted(one.receiveStream())).toBe(true);
      for (const far of one.opened) answer(far);
      await settle();
      expect(one.handler.count('up m')).toBe(1);
    });

    it('takes the incoming one when it has the larger id', async () => {
      const one = bench(larger);
      one.neighbour.connected();
      await vi.advanceTimersByTimeAsync(600);
      const far = one.receiveStream();
      answer(far);
      await settle();
      expect(one.opened.map(wasAborted)).toEqual([true]);
      expect(wasAborted(far)).toBe(false);
      expect(one.handler.count('up m')).toBe(1);
    });

    it.each([smaller, larger])('takes a new one in place of one that is up (as %s)', async (self) => {
      const { one, far } = await up(self);
      answer(one.receiveStream());
      await settle();
      expect(wasAborted(far)).toBe(true);
      await vi.advanceTimersByTimeAsync(2 * graceMs);
      expect(one.handler.events.filter((event) => !event.startsWith('hello'))).toEqual(['up m', 'up m']);
    });
  });

  describe('N3: down', () => {
    it('comes when the link was lost and the grace is over', async () => {
      const { one, far } = await up(smaller);
      one.connections = 0;
      far.abort(new Error('reset'));
      one.neighbour.disconnected();
      await vi.advanceTimersByTimeAsync(graceMs - 10);
      expect(one.handler.has('down m')).toBe(false);
      await vi.advanceTimersByTimeAsync(20);
      expect(one.handler.count('down m')).toBe(1);
      expect(one.calls).toContain('seek');
    });

    it('does not come for a peer that never was up', async () => {
      const one = bench(larger);
      const far = one.receiveStream();
      await settle();
      far.abort(new Error('reset'));
      await vi.advanceTimersByTimeAsync(10 * graceMs);
      expect(one.handler.has('down m')).toBe(false);
    });

    it('comes when a newer stream takes the link and never gets up', async () => {
      const { one } = await up(smaller);
      one.receiveStream();
      await vi.advanceTimersByTimeAsync(2 * graceMs);
      expect(one.handler.count('down m')).toBe(1);
    });
  });

  describe('N4: silence', () => {
    it('is nothing to a link whose other side shows that it lives', async () => {
      const { one, link } = await up(smaller);
      for (let second = 0; second < 20; second++) {
        link.keepAlive(2_000);
        await beSilentFor(one, 1);
      }
      expect(one.calls).toEqual([]);
    });

    it('does not end the link of a stopped process', async () => {
      const { one } = await up(smaller);
      await beSilentFor(one, 120);
      expect(one.calls).toContain('probe');
      expect(one.neighbour.isUp()).toBe(true);
    });

    it.each(['gone', 'answers'] as const)('ends it when the peer turns out to be: %s', async (found) => {
      const { one } = await up(smaller);
      one.found = found;
      await beSilentFor(one, 8);
      expect(one.calls).toContain('abandon');
      await vi.advanceTimersByTimeAsync(graceMs);
      expect(one.handler.has('down m')).toBe(true);
    });

    it('ends it after long where there is nothing to ask', async () => {
      const { one } = await up(smaller);
      one.found = 'unknown';
      await beSilentFor(one, 25);
      expect(one.neighbour.isUp()).toBe(true);
      await beSilentFor(one, 8);
      expect(one.neighbour.isUp()).toBe(false);
    });
  });

  describe('N5: a link through a relay', () => {
    const relayed = async (self: PeerId): Promise<{ one: Bench; far: Stream }> => {
      const one = bench(self);
      one.direct = false;
      const far = one.receiveStream();
      answer(far);
      await settle();
      expect(one.handler.events.at(-1)).toBe('up m');
      return { one, far };
    };

    it.each([
      [smaller, 0],
      [larger, 500],
    ])('moves to a direct connection (as %s, after %i ms)', async (self, afterMs) => {
      const { one, far } = await relayed(self);
      one.direct = true;
      one.neighbour.connected();
      await vi.advanceTimersByTimeAsync(Math.max(0, afterMs - 10));
      expect(one.opened).toHaveLength(afterMs === 0 ? 1 : 0);
      await vi.advanceTimersByTimeAsync(20);
      expect(wasAborted(far)).toBe(true);
      for (const opened of one.opened) answer(opened);
      await vi.advanceTimersByTimeAsync(2 * graceMs);
      expect(one.handler.count('up m')).toBe(2);
      expect(one.handler.has('down m')).toBe(false);
      expect(one.relayedClosed).toBe(1);
    });

    it('moves too when the direct connection came while it was greeting', async () => {
      const one = bench(smaller);
      one.direct = false;
      const far = one.receiveStream();
      one.direct = true;
      answer(far);
      await settle();
      expect(one.opened).toHaveLength(1);
    });

    it('is not opened beside a direct one', async () => {
      const { one } = await up(smaller);
      one.direct = false;
      one.neighbour.connected();
      await vi.advanceTimersByTimeAsync(1_000);
      expect(one.opened).toEqual([]);
    });

    it('stays as long as it is all there is, and is not probed directly', async () => {
      const { one } = await relayed(smaller);
      one.found = 'gone';
      one.neighbour.connected();
      await beSilentFor(one, 25);
      expect(one.neighbour.isUp()).toBe(true);
      expect(one.opened).toEqual([]);
      await beSilentFor(one, 8);
      expect(one.neighbour.isUp()).toBe(false);
    });
  });

  describe('a refusal', () => {
    it.each([
      ['ours', 'no', null],
      ['theirs', null, 'no'],
    ])('(%s) leaves the peer alone for half a minute', async (_whose, ours, theirs) => {
      const one = bench(larger);
      one.handler.refuses = () => ours;
      answer(one.receiveStream(), theirs);
      await vi.advanceTimersByTimeAsync(1_000);
      expect(one.calls).toEqual(['dismiss 30000']);
      expect(one.handler.has('up m')).toBe(false);
    });
  });

  it('gives up a greeting that does not come', async () => {
    const one = bench(larger);
    const far = one.receiveStream();
    await vi.advanceTimersByTimeAsync(6_000);
    expect(wasAborted(far)).toBe(true);
  });
});
