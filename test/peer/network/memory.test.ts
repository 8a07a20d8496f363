import type { PeerId } from '../../../src/protocol/ids.ts';
import { networkContract } from '../../contracts/network.ts';
import { MemoryHub } from '../../support/memory-network.ts';

networkContract('in memory', () => {
  const hub = new MemoryHub({ discover: false });
  return { network: async (identity) => hub.network(`peer${identity}` as PeerId) };
});
