import { expect, it } from 'vitest';
import type { Core } from '../../src/peer/core/core.ts';
import type { BlobId, PeerId, TaskId } from '../../src/protocol/ids.ts';
import { VirtualCopies } from './copies.ts';
import { Node } from './node.ts';
import { Random } from './random.ts';

const task = 't' as TaskId;
const blob = 'b' as BlobId;
const nodeOf = (name: string): Node => {
  const node = new Node(name as PeerId, { name });
  node.incarnation = 1;
  node.boot({} as Core);
  return node;
};

it.each([
  ['reaches the process that asked', false],
  ['does not start an agent for a process that died since', true],
])('a checkpoint that is fetched %s', (_, diesMeanwhile) => {
  const [asker, holder] = [nodeOf('asker'), nodeOf('holder')];
  holder.checkpoints.keep(task, blob);
  const later: (() => void)[] = [];
  const copies = new VirtualCopies(
    {
      nowMs: 0,
      network: { isLinked: () => true, send: (_from, _to, arrive) => void later.push(arrive) },
      at: () => holder,
      // The time in which a transfer has to move is never up.
      after: (_node, ms, action) => void (ms < 15_000 && later.push(action)),
      observe: () => {},
      replicated: () => {},
    },
    new Random(1),
    0,
  );
  const resumed: boolean[] = [];
  copies.fetch(asker, { task, blob, holders: [holder.id] }, (isHere) => resumed.push(isHere));
  if (diesMeanwhile) {
    asker.die();
    asker.incarnation = 2;
    asker.boot({} as Core);
  }
  for (let next = later.shift(); next !== undefined; next = later.shift()) next();
  expect(resumed).toEqual(diesMeanwhile ? [] : [true]);
});
