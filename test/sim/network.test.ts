import { describe, expect, it } from 'vitest';
import type { PeerId } from '../../src/protocol/ids.ts';
import { type Conditions, goodConditions, VirtualNetwork } from './network.ts';
import { EventQueue } from './queue.ts';
import { Random } from './random.ts';

function mesh(size: number, conditions: Partial<Conditions> = {}) {
  const queue = new EventQueue();
  const peers = Array.from({ length: size }, (_, index) => `p${index + 1}` as PeerId);
  const told: string[] = [];
  const host = {
    peers,
    canGreet: () => true,
    onUp: (peer: PeerId, neighbour: PeerId) => told.push(`${peer} has ${neighbour}`),
    onDown: (peer: PeerId, neighbour: PeerId) => told.push(`${peer} lost ${neighbour}`),
  };
  const network = new VirtualNetwork(queue, new Random(1), host, { ...goodConditions, ...conditions });
  for (const peer of peers) network.connect(peer);
  const run = (ms: number): void => void queue.runUntil(queue.nowMs + ms, () => false);
  run(100);
  const [a, b] = [peers[0] as PeerId, peers[1] as PeerId];
  return { network, queue, peers, told: () => told.splice(0), run, a, b };
}

describe('a link', () => {
  it('delivers in order', () => {
    const { network, run, a, b } = mesh(2);
    const heard: number[] = [];
    for (let number = 0; number < 50; number += 1) network.send(a, b, () => heard.push(number));
    run(100);
    expect(heard).toEqual(Array.from({ length: 50 }, (_, number) => number));
  });

  it('loses, repeats and disorders where conditions are bad', () => {
    const { network, run, a, b } = mesh(2, { loss: 0.2, copies: 0.2, disorder: 0.2 });
    const heard: number[] = [];
    for (let number = 0; number < 500; number += 1) network.send(a, b, () => heard.push(number));
    run(5_000);
    const different = new Set(heard);
    expect(different.size).toBeLessThan(500);
    expect(heard.length).toBeGreaterThan(different.size);
    expect(heard).not.toEqual(heard.toSorted((one, other) => one - other));
    network.calmDown();
    heard.length = 0;
    for (let number = 0; number < 50; number += 1) network.send(a, b, () => heard.push(number));
    run(5_000);
    expect(heard).toHaveLength(50);
  });
});

describe('a process that is killed', () => {
  it.each([
    [0, []],
    [1, ['its last words']],
  ])('leaves its last words by a share of %d of its links', (lastWords, expected) => {
    const { network, run, a, b } = mesh(2, { lastWords });
    const heard: string[] = [];
    network.send(a, b, () => heard.push('its last words'));
    network.send(b, a, () => heard.push('to nobody'));
    network.sever(a);
    network.send(a, b, () => heard.push('too late'));
    run(5_000);
    expect(heard).toEqual(expected);
  });

  it('is heard no more once it is back, nor by one that was killed too', () => {
    for (const next of ['back', 'both'] as const) {
      const { network, run, a, b } = mesh(2, { lastWords: 1 });
      const heard: string[] = [];
      network.send(a, b, () => heard.push('its last words'));
      network.sever(a);
      if (next === 'back') network.connect(a);
      else network.sever(b);
      run(5_000);
      expect(heard).toEqual([]);
    }
  });
});

describe('a cut', () => {
  it('that is silent is noticed after a while, and what was sent meanwhile arrives if it heals before', () => {
    const { network, run, told, a, b } = mesh(2);
    told();
    const heard: string[] = [];
    const cut = network.cut([a], [b]);
    network.send(a, b, () => heard.push('held'));
    run(2_000);
    expect([heard, told()]).toEqual([[], []]);
    network.heal(cut);
    run(1_000);
    expect(heard).toEqual(['held']);
    network.cut([a], [b]);
    run(7_000);
    expect(told()).toEqual(['p1 lost p2', 'p2 lost p1']);
    network.heal();
    run(1_000);
    expect(told().toSorted()).toEqual(['p1 has p2', 'p2 has p1']);
  });

  it('that is loud is told at once', () => {
    const { network, run, told, a, b } = mesh(2);
    told();
    network.cut([a], [b], { loud: true });
    run(500);
    expect(told()).toEqual(['p1 lost p2', 'p2 lost p1']);
  });

  it('of one way lets the other pass', () => {
    const { network, run, a, b } = mesh(2);
    const heard: string[] = [];
    const cut = network.cut([a], [b], { oneWay: true });
    network.send(a, b, () => heard.push('there'));
    network.send(b, a, () => heard.push('back'));
    run(1_000);
    network.heal(cut);
    run(1_000);
    expect(heard).toEqual(['back']);
  });

  it('ends with its own healing only', () => {
    const { network, a, b } = mesh(3);
    const one = network.cut([a], [b]);
    const other = network.cut([b], [a]);
    network.heal(one);
    expect(network.canPass(a, b)).toBe(false);
    network.heal(other);
    expect(network.canPass(a, b)).toBe(true);
  });

  it('that only slows delays everything', () => {
    const { network, queue, run, a, b } = mesh(2);
    const sentAt = queue.nowMs;
    const delays: number[] = [];
    network.cut([a], [b], { slowMs: 3_000 });
    for (let count = 0; count < 20; count += 1) network.send(a, b, () => delays.push(queue.nowMs - sentAt));
    run(5_000);
    expect(delays).toHaveLength(20);
    expect(Math.max(...delays)).toBeGreaterThan(1_000);
  });
});

describe('gossip', () => {
  it('reaches everybody once, at a few copies per peer', () => {
    const { network, peers, run, a } = mesh(60);
    const heard: PeerId[] = [];
    let hops = 0;
    network.gossip(
      a,
      () => {
        hops += 1;
      },
      (to) => heard.push(to),
    );
    run(1_000);
    expect(heard.toSorted()).toEqual(peers.filter((peer) => peer !== a).toSorted());
    expect(hops).toBe(peers.length * 6);
  });

  it('finds its way round a cut', () => {
    const { network, run, a, b } = mesh(3);
    network.cut([a], [b]);
    const heard: PeerId[] = [];
    network.gossip(
      a,
      () => {},
      (to) => heard.push(to),
    );
    run(1_000);
    expect(heard).toContain(b);
  });
});
