import { describe, expect, it } from 'vitest';
import type { GenerationId, TaskId } from '../../../src/protocol/ids.ts';
import { initialState, succeed } from '../../../src/protocol/state.ts';
import type { Outgoing } from '../../sim/records.ts';
import { endlessAgent } from '../../sim/script.ts';
import { peerIdOf, World } from '../../sim/world.ts';
import { firstTask, five } from './support.ts';

const id = 'f'.repeat(16) as GenerationId;
const ballot = { round: 9, peer: peerIdOf('beta'), incarnation: 1 };
const next = { number: 1, id, electorate: [peerIdOf('alpha'), peerIdOf('beta'), peerIdOf('gamma')], forced: false };

/** A mesh of five with a task, and what alpha answers to beta from now on. */
function mesh(): { readonly world: World; readonly task: TaskId; ask(message: Outgoing): readonly Outgoing[] } {
  const world = new World(five, { agent: endlessAgent });
  const task = firstTask(world);
  world.runFor(1_000);
  const ask = (message: Outgoing): readonly Outgoing[] => {
    const before = world.sent.length;
    world.input('alpha', { type: 'message', from: peerIdOf('beta'), message: message as never });
    return world.sent
      .slice(before)
      .filter(({ from, to }) => from === 'alpha' && to === 'beta')
      .map((one) => one.message);
  };
  return { world, task, ask };
}

describe('M3, an elector of a later generation', () => {
  it('answers nothing before it has installed it, and asks for it', () => {
    const { task, ask } = mesh();
    expect(ask({ type: 'prepare', task, generation: id, ballot })).toEqual([
      { type: 'need-install', task, generation: id },
    ]);
    const version = { ballot, seq: 0 };
    expect(ask({ type: 'accept', task, generation: id, version, valueVersion: version, value: initialState })).toEqual([
      { type: 'need-install', task, generation: id },
    ]);
  });

  it('votes from the installed value on, which survives a crash', () => {
    const { world, task, ask } = mesh();
    const state = succeed(initialState, next);
    expect(ask({ type: 'install', task, state })).toContainEqual({ type: 'installed', task, generation: id });
    world.kill('alpha');
    const register = world.stored('alpha').registers.find((one) => one.register.initial !== null)?.register;
    expect(register).toEqual({ initial: state, promised: null, accepted: null });
    world.start('alpha');
    expect(ask({ type: 'prepare', task, generation: id, ballot })).toContainEqual(
      expect.objectContaining({ type: 'promise', generation: id, accepted: null }),
    );
  });

  it('takes no seat that is not its own', () => {
    const { world, task, ask } = mesh();
    const state = succeed(initialState, { ...next, electorate: [peerIdOf('beta')] });
    expect(ask({ type: 'install', task, state })).toEqual([]);
    expect(world.stored('alpha').registers.every(({ register }) => register.initial === null)).toBe(true);
  });
});

describe('an elector of a generation that is over', () => {
  it('votes no more, and tells where the task lives', () => {
    const { world, task, ask } = mesh();
    world.kill('epsilon');
    world.until('the next generation', () => world.task('alpha', task)?.generation.number === 1, 60_000);
    world.runFor(1_000);
    const later = { ...ballot, round: 99 };
    const answers = ask({ type: 'prepare', task, generation: 'origin' as GenerationId, ballot: later });
    expect(answers.map(({ type }) => type)).toEqual(['summary']);
    expect(answers[0]).toMatchObject({ summary: { state: { generation: { number: 1 } } } });
  });
});
