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

  override async log({ attempt, offset, task }: LogQuery): Promise<LogPiece | { readonly unavailable: string }> {
    const number = attempt ?? this.views.get(task)?.state.attemptsStarted ?? 1;
    this.queries.push({ attempt: number, offset, task, limitBytes: 0 });
    const log = this.logs.get(number);
    if (log === undefined) return gone;
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
    service.become(second);
    service.logs.set(2, { text: 'another\n', whole: true });
    await waitFor('the second attempt', () => world.stdout.length > 1);
    service.become(cancel(second, 'enough', null, wallMs(4_000)));
    expect(await followed).toBe(0);
    expect(world.stdout).toEqual(['one', 'another']);
    expect(world.stderr).toEqual(['the rest of attempt 1 is missing: the PC that worked on it did not answer']);
  });

  it('does not follow in silence what has ended and cannot be had', async () => {
    service.become(cancel(lapsed, 'enough', null, wallMs(3_000)));
    expect(await world.run(['logs', short, '--follow'])).toBe(1);
    expect(world.stderr[0]).toContain('did not answer');
  });
});
