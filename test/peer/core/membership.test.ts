import { describe, expect, it } from 'vitest';
import type { CoreConfig } from '../../../src/peer/core/io.ts';
import { Membership } from '../../../src/peer/core/membership.ts';
import { Step } from '../../../src/peer/core/step.ts';
import { type Hello, helloSchema, ProtocolVersion } from '../../../src/protocol/hello.ts';
import { type HostId, monoMs, type PeerId, wallMs } from '../../../src/protocol/ids.ts';
import { defaultTiming } from '../../../src/protocol/timing.ts';

const [alpha, visitor] = ['12D3KooWaLpha', '12D3KooWvisitr'] as unknown as readonly [PeerId, PeerId];

const config: CoreConfig = {
  self: alpha,
  name: 'alpha',
  role: 'peer',
  incarnation: 1,
  specialties: ['general'],
  capacity: 1,
  executor: { name: 'command' },
  version: '0.0.0',
  timing: defaultTiming,
  budgets: { dailyUsd: null, meshDailyUsd: null },
  addresses: () => [],
  host: 'here' as HostId,
  sign: () => new Uint8Array(64),
  random: () => 0,
  aptitude: () => ({ noAccess: null, warm: false }),
};
const step = (): Step => new Step({ monoMs: monoMs(0), wallMs: wallMs(0) });
const helloOf = (peer: PeerId, name: string, role: Hello['role']): Hello =>
  helloSchema.parse({
    ...ProtocolVersion,
    role,
    advert: { ...new Membership({ ...config, self: peer, name }, { peers: [] }, monoMs(0)).hello().advert },
  });

describe('who is there', () => {
  it('is known by name for good where it is a peer', () => {
    const membership = new Membership(config, { peers: [] }, monoMs(0));
    membership.up(visitor, helloOf(visitor, 'beta', 'peer'), step());
    membership.down(visitor, step());
    expect(membership.acquaintances.names()).toEqual([[visitor, 'beta']]);
  });

  it('is forgotten once it has gone where it was a client', () => {
    const membership = new Membership(config, { peers: [] }, monoMs(0));
    membership.up(visitor, helloOf(visitor, 'somebody', 'client'), step());
    membership.leaving(visitor);
    membership.down(visitor, step());
    expect(membership.acquaintances.names()).toEqual([]);
    expect(membership.isLeaving(visitor)).toBe(false);
  });
});

describe('of more peers than anybody has PCs', () => {
  const heardOf = (index: number): PeerId => `12D3KooW${index.toString().replaceAll('0', 'z')}` as PeerId;

  it('those heard of last are remembered, here and on the disk', () => {
    const membership = new Membership(config, { peers: [] }, monoMs(0));
    const all = new Step({ monoMs: monoMs(0), wallMs: wallMs(0) });
    for (let index = 1; index <= 1_200; index += 1) {
      const peer = heardOf(index);
      const hello = helloOf(peer, `pc ${index}`, 'peer');
      membership.up(peer, { ...hello, advert: { ...hello.advert, addresses: ['/memory/1'] } }, all);
      membership.down(peer, all);
    }
    expect(membership.acquaintances.names()).toHaveLength(1_000);
    expect([1, 200, 201, 1_200].map((index) => membership.nameOf(heardOf(index)).startsWith('pc'))).toEqual([
      false,
      false,
      true,
      true,
    ]);
    const kept = new Set<PeerId>();
    for (const effect of all.effects) {
      if (effect.type === 'persist' && effect.record.kind === 'peer') kept.add(effect.record.peer);
      if (effect.type === 'persist' && effect.record.kind === 'forget-peer') kept.delete(effect.record.peer);
    }
    expect([...kept].sort()).toEqual(membership.acquaintances.names().map(([peer]) => peer));
  });

  it('who is heard of again is not among the first to be forgotten', () => {
    const { acquaintances } = new Membership(config, { peers: [] }, monoMs(0));
    const step = new Step({ monoMs: monoMs(0), wallMs: wallMs(0) });
    const meet = (index: number): void =>
      acquaintances.meet(helloOf(heardOf(index), `pc ${index}`, 'peer').advert, step);
    for (let index = 1; index <= 1_000; index += 1) meet(index);
    meet(1);
    meet(1_001);
    expect([1, 2, 3].map((index) => acquaintances.nameOf(heardOf(index)))).toEqual(['pc 1', undefined, 'pc 3']);
  });
});

describe('a name', () => {
  it.each(['', 'two\nlines', 'red \u001b[31m', 'right \u202e to left', 'x'.repeat(101)])('is refused: %j', (name) => {
    const hello = helloOf(visitor, 'beta', 'peer');
    expect(helloSchema.safeParse({ ...hello, advert: { ...hello.advert, name } }).success).toBe(false);
  });

  it.each(['büro-pc', 'PC 2', '居間'])('may be %j', (name) => {
    expect(helloOf(visitor, name, 'peer').advert.name).toBe(name);
  });
});
