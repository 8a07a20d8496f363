import type { PeerId } from '../../src/protocol/ids.ts';

const named = (name: string): PeerId => `12D3KooW${name}` as PeerId;
export const ada = named('Ada');
export const bob = named('Bob');
export const cyd = named('Cyd');
export const dan = named('Dan');
export const eve = named('Eve');
export const fivePeers: readonly PeerId[] = [ada, bob, cyd, dan, eve];
