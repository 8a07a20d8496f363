import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type BlobId, type CommitId, type TaskId, wallMs } from '../../src/protocol/ids.ts';
import type { Checkpoint } from '../../src/protocol/state.ts';
import { checkpointContract } from '../contracts/checkpoints.ts';
import {
  electorsOf,
  five,
  leaderOf,
  others,
  outcomes,
  stateAt,
  submitted,
  untilPhase,
  workerOf,
} from '../peer/core/support.ts';
import { VirtualFolder } from './checkpoints.ts';
import { violations } from './oracles.ts';
import { type AgentScript, readyToPush, someCommit } from './script.ts';
import { World } from './world.ts';

const idOf = (content: string): BlobId => createHash('sha256').update(content).digest('hex') as BlobId;

checkpointContract('the virtual folder', async () => {
  const folder = new VirtualFolder();
  const keep = async (task: TaskId, content: string): Promise<BlobId> => {
    folder.keep(task, idOf(content));
    return idOf(content);
  };
  return {
    keep,
    receive: keep,
    has: async (task, blob) => folder.has(task, blob),
    forget: async (task) => folder.forget(task),
    restart: async (open) => folder.sweep((task) => open.includes(task)),
    remove: async () => {},
  };
});

const saved = (attempt: number, number = 1, finished = false): Checkpoint => ({
  blob: idOf(`${attempt}.${number}`),
  bytes: 1_000,
  base: someCommit,
  commit: 'd'.repeat(40) as CommitId,
  attempt,
  number,
  finished,
  session: null,
  at: wallMs(1_000),
});

/** The first attempt saves something after a second, and the others end at once. */
const savesOnce: AgentScript = ({ attempt }) =>
  attempt === 1 ? [[1_000, { type: 'checkpoint', checkpoint: saved(1) }]] : [[500, readyToPush]];

/** A task at work whose worker neither leads nor votes, on a mesh of seven. */
function atWork(agent: AgentScript, lostCheckpoints = 0) {
  const specs = [...five, { name: 'zeta' }, { name: 'eta' }].map((spec, index) => ({
    ...spec,
    capacity: index < 5 ? 0 : 1,
  }));
  for (let seed = 1; ; seed += 1) {
    const world = new World(specs, { seed, agent, lostCheckpoints });
    world.runFor(100);
    const task = submitted(world, world.submit('alpha'));
    const worker = workerOf(world, task);
    if (leaderOf(world, task) !== worker && !electorsOf(world, task).includes(worker)) return { world, task, worker };
  }
}

describe('a worker that saves its progress', () => {
  it('is followed by an attempt that goes on from there, and nothing is left when the task ends', () => {
    const { world, task, worker } = atWork(savesOnce);
    const witness = others(world, worker)[0] ?? '';
    world.until(
      'it is in the register',
      () => stateAt(world, witness, task)?.checkpoint?.blob === saved(1).blob,
      20_000,
    );
    const kept = world.observed.flatMap((one) => (one.type === 'checkpoint-kept' ? [one.peer] : []));
    // A majority is enough; the others may still be taking it.
    expect(kept.filter((name) => electorsOf(world, task).includes(name)).length).toBeGreaterThanOrEqual(3);
    world.kill(worker);
    untilPhase(world, task, 'done');
    const state = stateAt(world, witness, task);
    expect(outcomes(state)).toEqual(['lapsed', 'done']);
    expect(state?.attempts.map(({ checkpoints }) => checkpoints.length)).toEqual([1, 0]);
    expect(world.started.at(-1)?.job).toMatchObject({ attempt: 2, checkpoint: { blob: saved(1).blob } });
    expect(world.names.filter((name) => name !== worker && world.hasCheckpoint(name, task, saved(1).blob))).toEqual([]);
    expect(violations(world)).toEqual([]);
  });

  it('is told to the leader once a majority has it, also where one elector is out of reach', () => {
    const { world, task, worker } = atWork(savesOnce);
    const [deaf = ''] = electorsOf(world, task).filter((name) => name !== leaderOf(world, task));
    world.cut([deaf], others(world, deaf));
    world.until(
      'it is in the register',
      () => stateAt(world, worker, task)?.checkpoint?.blob === saved(1).blob,
      30_000,
    );
    expect(world.hasCheckpoint(deaf, task, saved(1).blob)).toBe(false);
    expect(violations(world)).toEqual([]);
  });

  it('says nothing of what only a minority has, and publishes without it after a while', () => {
    const finishes: AgentScript = () => [
      [8_000, { type: 'checkpoint', checkpoint: saved(1, 1, true) }],
      [10, readyToPush],
    ];
    const { world, task, worker } = atWork(finishes);
    const witness = leaderOf(world, task) ?? '';
    // Frames pass and copies do not: as if every elector's disk were full.
    for (const name of electorsOf(world, task)) world.refuseCheckpoints(name);
    world.until('published', () => world.published.length > 0, 30_000);
    expect(stateAt(world, witness, task)?.checkpoint).toBeNull();
    expect(world.running(worker)).toHaveLength(1);
  });
});

describe('the checkpoint of an electorate that moves', () => {
  it('is given to the new electors by whoever has it', () => {
    const { world, task, worker } = atWork(savesOnce);
    world.until(
      'it is in the register',
      () => stateAt(world, worker, task)?.checkpoint?.blob === saved(1).blob,
      20_000,
    );
    const before = electorsOf(world, task);
    const [gone = ''] = before.filter((name) => name !== leaderOf(world, task));
    world.kill(gone);
    const added = (): readonly string[] =>
      (stateAt(world, worker, task)?.generation?.electorate ?? [])
        .map((id) => world.nameOf(id))
        .filter((name) => !before.includes(name));
    world.until('the electorate has moved', () => added().length === 1, 90_000);
    world.until('the new one has it', () => world.hasCheckpoint(added()[0] ?? '', task, saved(1).blob), 30_000);
    expect(violations(world)).toEqual([]);
  });
});
