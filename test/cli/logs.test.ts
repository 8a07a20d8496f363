import { mkdirSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ControlServer, serveControl } from '../../src/peer/control/server.ts';
import { socketPath } from '../../src/peer/home/socket.ts';
import type { LogPiece, LogQuery } from '../../src/protocol/agent.ts';
import { wallMs } from '../../src/protocol/ids.ts';
import { assign, cancel, endAttempt, initialState, type TaskState } from '../../src/protocol/state.ts';
import { alpha, beta, FakeService, makeView } from '../peer/control/fake-service.ts';
import { waitFor } from '../support/wait.ts';
import { World } from './world.ts';

const open = makeView('Fix the greeting', { state: assign(initialState, beta, wallMs(1_000)) });
const short = open.task.id.slice(0, 8);
const lapsed = endAttempt(open.state, { type: 'lapsed', reason: 'silence' }, wallMs(2_000));
const second = assign(lapsed, alpha, wallMs(3_000));
const gone = { unavailable: 'the PC that worked on it did not answer' };

/** The logs that can be had now, by attempt; those that are not whole go on. */
class Logs extends FakeService {
  readonly logs = new Map<number, { text: string; whole: boolean }>();
  /** How many of the next answers do not arrive. */
  lost = 0;

  override async log({ attempt, offset, task }: LogQuery): Promise<LogPiece | { readonly unavailable: string }> {
    const number = attempt ?? this.views.get(task)?.state.attemptsStarted ?? 1;
    this.queries.push({ attempt: number, offset, task, limitBytes: 0 });
    const log = this.logs.get(number);
    if (log === undefined) return gone;
    if (this.lost > 0) {
      this.lost -= 1;
      return gone;
    }
    return { attempt: number, text: log.text.slice(offset), nextOffset: log.text.length, end: log.whole };
  }

  become(state: TaskState): void {
    this.change({ ...open, state });
  }
}

let world: World;
let service: Logs;
let server: ControlServer;

beforeEach(async () => {
  world = new World();
  mkdirSync(world.home);
  service = new Logs(open);
  server = await serveControl(service, socketPath({ folder: world.home }), () => {});
});
afterEach(async () => {
  await server.close();
  world[Symbol.dispose]();
});

describe('peer logs', () => {
  it('of an attempt that never was ends with 2, and says how many there were', async () => {
    for (const more of [[], ['--follow']]) expect(await world.run(['logs', short, '--attempt', '7', ...more])).toBe(2);
    const line = `peer: --attempt: task ${short} has had 1 attempt so far: name one of those, or leave it out`;
    expect(world.stderr).toEqual([line, line]);
  });

  it('shows what there is', async () => {
    service.logs.set(1, { text: 'one\ntwo', whole: false });
    expect(await world.run(['logs', short])).toBe(0);
    expect(world.stdout).toEqual(['one', 'two']);
  });

  it('fails where nobody has it, and says where to look', async () => {
    expect(await world.run(['logs', short])).toBe(1);
    expect(world.stderr).toEqual([
      `peer: the PC that worked on it did not answer: \`peer task ${short}\` says which attempts there were, and where`,
    ]);
  });

  it('follows the next attempt once the worker of this one is gone, and says what is missing', async () => {
    service.logs.set(1, { text: 'one\n', whole: false });
    const followed = world.run(['logs', short, '--follow']);
    await waitFor('the first line', () => world.stdout.length > 0);
    service.logs.delete(1);
    service.become(lapsed);
    await waitFor('a word on its end', () => world.stderr.length > 0);
    service.become(second);
    service.logs.set(2, { text: 'another\n', whole: true });
    await waitFor('the second attempt', () => world.stdout.length > 1);
    service.become(cancel(second, 'enough', null, wallMs(4_000)));
    expect(await followed).toBe(0);
    expect(world.stdout).toEqual(['one', 'another']);
    expect(world.stderr).toEqual([
      'attempt 1: the PC that worked on it did not answer; it is asked again',
      'attempt 1 has ended, lapsed: silence',
      'the rest of attempt 1 is missing: the PC that worked on it did not answer',
      'attempt 2 begins on alpha',
    ]);
  });

  it('says once that the log cannot be had for now, while it goes on asking', async () => {
    service.logs.set(1, { text: 'one\n', whole: false });
    const followed = world.run(['logs', short, '--follow']);
    await waitFor('the first line', () => world.stdout.length > 0);
    service.logs.delete(1);
    const before = service.queries.length;
    await waitFor('five questions', () => service.queries.length > before + 5);
    expect(world.stderr).toEqual(['attempt 1: the PC that worked on it did not answer; it is asked again']);
    service.logs.set(1, { text: 'one\ntwo\n', whole: true });
    service.become(cancel(open.state, 'enough', null, wallMs(4_000)));
    expect([await followed, world.stdout]).toEqual([0, ['one', 'two']]);
    expect(world.stderr).toHaveLength(1);
  });

  it('misses nothing of an attempt that has ended for an answer that is lost', async () => {
    service.logs.set(1, { text: 'one\n', whole: false });
    const followed = world.run(['logs', short, '--follow']);
    await waitFor('the first line', () => world.stdout.length > 0);
    service.logs.set(1, { text: 'one\nwhy it failed\n', whole: true });
    service.lost = 2;
    service.logs.set(2, { text: 'another\n', whole: true });
    service.become(second);
    await waitFor('the second attempt', () => world.stdout.includes('another'));
    service.lost = 2;
    service.become(cancel(second, 'enough', null, wallMs(4_000)));
    expect([await followed, world.stdout]).toEqual([0, ['one', 'why it failed', 'another']]);
  });

  it('shows the last words of one attempt, or of a task that has ended, though an answer is lost', async () => {
    service.logs.set(1, { text: 'one\n', whole: false });
    const followed = ['logs --follow', 'logs --follow --attempt 1'].map((line) =>
      world.run([...line.split(' '), short]),
    );
    await waitFor('the first lines', () => world.stdout.length > 1);
    service.logs.set(1, { text: 'one\ntwo\n', whole: true });
    service.lost = 2;
    service.become(cancel(open.state, 'enough', null, wallMs(4_000)));
    expect([await Promise.all(followed), world.stdout]).toEqual([
      [0, 0],
      ['one', 'one', 'two', 'two'],
    ]);
  });

  it('follows the next attempt where the log of this one is whole, each line on its own', async () => {
    service.logs.set(1, { text: 'cut sho', whole: true });
    service.become(second);
    service.logs.set(2, { text: 'another\n', whole: false });
    const followed = world.run(['logs', short, '--attempt', '1']);
    expect([await followed, world.stdout, world.stderr]).toEqual([0, ['cut sho'], []]);
    service.become(open.state);
    const all = world.run(['logs', short, '--follow']);
    await waitFor('the first attempt is read', () => service.queries.length > 1);
    service.become(second);
    await waitFor('the second attempt', () => world.stdout.length > 2);
    service.logs.set(2, { text: 'another\n', whole: true });
    service.become(cancel(second, 'enough', null, wallMs(4_000)));
    expect(await all).toBe(0);
    expect(world.stdout).toEqual(['cut sho', 'cut sho', 'another']);
    expect(world.stderr).toEqual(['attempt 1 has ended, lapsed: silence', 'attempt 2 begins on alpha']);
  });

  it('says that there are earlier attempts where none was asked for', async () => {
    service.become(second);
    service.logs.set(1, { text: 'one\n', whole: true }).set(2, { text: 'two\n', whole: false });
    expect(await world.run(['logs', short])).toBe(0);
    expect(world.stdout).toEqual(['two']);
    expect(world.stderr).toEqual([`attempt 2; \`peer logs ${short} --attempt 1\` shows the one before`]);
    expect(await world.run(['logs', short, '--attempt', '2', '--json'])).toBe(0);
    expect(world.stdout.at(-1)).toBe('{"attempt":2,"text":"two\\n"}');
    expect(world.stderr).toHaveLength(1);
  });

  it('says that it waits for the first attempt', async () => {
    service.become(initialState);
    const followed = world.run(['logs', short, '--follow']);
    await waitFor('a word', () => world.stderr.length > 0);
    service.logs.set(1, { text: 'one\n', whole: true });
    service.become(cancel(open.state, 'enough', null, wallMs(4_000)));
    expect([await followed, world.stdout]).toEqual([0, ['one']]);
    expect(world.stderr).toEqual([gone.unavailable]);
  });

  it('says why nothing comes where the task has stalled, once', async () => {
    service.logs.set(1, { text: 'one\n', whole: false });
    service.change({ ...open, stalled: '1 of 2 electors unreachable' });
    const followed = world.run(['logs', short, '--follow']);
    await waitFor('a word', () => world.stderr.length > 0);
    const asked = service.queries.length;
    await waitFor('it goes on', () => service.queries.length > asked + 1);
    service.logs.set(1, { text: 'one\n', whole: true });
    service.become(cancel(open.state, 'enough', null, wallMs(4_000)));
    expect(await followed).toBe(0);
    const mend = `; should they be gone for good: \`peer adopt ${short}\``;
    expect(world.stderr).toEqual([`stalled: 1 of 2 electors unreachable${mend}`]);
  });

  it('does not follow in silence what has ended and cannot be had', async () => {
    service.become(cancel(lapsed, 'enough', null, wallMs(3_000)));
    expect(await world.run(['logs', short, '--follow'])).toBe(1);
    expect(world.stderr[0]).toContain('did not answer');
  });
});
