import { mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ControlClient } from '../../../src/peer/control/client.ts';
import { type ControlServer, serveControl } from '../../../src/peer/control/server.ts';
import { wallMs } from '../../../src/protocol/ids.ts';
import { assign, cancel, initialState } from '../../../src/protocol/state.ts';
import { waitFor } from '../../support/wait.ts';
import { alpha, beta, draft, FakeService, makeView } from './fake-service.ts';

const open = makeView('open');
const ended = makeView('ended', { state: cancel(initialState, 'enough', null, wallMs(1)) });
let folder = '';
let socket = '';
let service: FakeService;
let server: ControlServer;
let client: ControlClient;
let stops = 0;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'control-'));
  socket = join(folder, 'peer.sock');
  stops = 0;
  service = new FakeService(open, ended);
  server = await serveControl(service, socket, () => {
    stops += 1;
  });
  client = new ControlClient(socket);
});

afterEach(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

const unanswered = () => {
  throw new Error('bug: no command was expected');
};

describe('the socket', () => {
  it('is for this user alone, and goes with the server', async () => {
    expect(statSync(socket).mode & 0o777).toBe(0o600);
    await server.close();
    expect(await client.isThere()).toBe(false);
    expect(() => statSync(socket)).toThrow('ENOENT');
    server = await serveControl(service, socket, () => {});
  });

  it('replaces what a killed peer has left, and nothing else', async () => {
    const stale = join(folder, 'stale.sock');
    // As a kill leaves it: the file is there, nobody listens.
    const { promise, resolve } = Promise.withResolvers<void>();
    const killed = createServer().listen(stale, resolve);
    await promise;
    renameSync(stale, `${stale}.kept`);
    killed.close();
    renameSync(`${stale}.kept`, stale);
    const replaced = await serveControl(service, stale, () => {});
    expect(await new ControlClient(stale).isThere()).toBe(true);
    await expect(serveControl(service, stale, () => {})).rejects.toMatchObject({ code: 'no-socket' });
    expect(await new ControlClient(stale).isThere()).toBe(true);
    await replaced.close();

    writeFileSync(stale, 'a file of somebody');
    await expect(serveControl(service, stale, () => {})).rejects.toMatchObject({ code: 'no-socket' });
    expect(statSync(stale).size).toBe(18);
  });

  it('tells a missing peer from a broken one', async () => {
    const nobody = new ControlClient(join(folder, 'nobody.sock'));
    await expect(nobody.status()).rejects.toMatchObject({ code: 'no-peer' });
    const rude = createServer((connection) => connection.destroy()).listen(join(folder, 'rude.sock'));
    await expect(new ControlClient(join(folder, 'rude.sock')).status()).rejects.toMatchObject({ code: 'broken' });
    rude.close();
  });
});

describe('views', () => {
  it('answers the status, the node, the tasks and one of them', async () => {
    expect(await client.status()).toMatchObject({
      peer: alpha,
      mesh: 'home',
      peers: [{ peer: alpha }, { peer: beta }],
    });
    expect(await client.node()).toMatchObject({ peer: alpha, pid: process.pid, traffic: { sentBytes: 1 } });
    expect((await client.tasks()).map(({ id }) => id)).toEqual([open.task.id, ended.task.id]);
    expect(await client.task(open.task.id.slice(0, 10))).toMatchObject({ id: open.task.id, title: 'open' });
  });

  it('says that a task is not known, or may be several', async () => {
    await expect(client.task('f'.repeat(64))).rejects.toMatchObject({ code: 'not-found' });
    await expect(client.task('../health')).rejects.toMatchObject({ code: 'not-found' });
    for (let count = 0; count < 17; count += 1) service.change(makeView(`task ${count}`));
    const digits = service.tasks().map(({ task }) => task.id.slice(0, 1));
    const shared = digits.find((one, index) => digits.indexOf(one) !== index) ?? '';
    await expect(client.task(shared)).rejects.toMatchObject({ code: 'ambiguous' });
  });

  it('passes a log on, from whichever attempt and place', async () => {
    expect(await client.log(open.task.id, null, 0)).toEqual({ unavailable: 'no attempt has started' });
    service.piece = { attempt: 2, text: 'ü\n', nextOffset: 8, end: false };
    expect(await client.log(open.task.id, 2, 5)).toEqual(service.piece);
    expect(service.queries.map(({ attempt, offset }) => [attempt, offset])).toEqual([
      [null, 0],
      [2, 5],
    ]);
  });
});

describe('commands', () => {
  it('submits a draft and answers with its task', async () => {
    service.reply = () => ({ type: 'submitted', task: open.task.id });
    expect(await client.submit({ draft, again: true })).toMatchObject({ type: 'submitted', view: { title: 'open' } });
    expect(service.commands).toEqual([{ type: 'submit', draft, again: true }]);
  });

  it('waits for a task that is still on its way here', async () => {
    const late = makeView('late');
    service.reply = () => {
      setTimeout(() => service.change(late), 50);
      return { type: 'submitted', task: late.task.id };
    };
    expect(await client.submit({ draft })).toMatchObject({ view: { id: late.task.id } });
    await waitFor('nobody listens any more', () => service.listeners.size === 0);
  });

  it.each([
    [{ type: 'existing', task: ended.task.id, ended: true } as const, { ended: true, view: { state: 'cancelled' } }],
    [{ type: 'pending', task: open.task.id, stored: 1, electors: 3 } as const, { stored: 1, electors: 3 }],
    [{ type: 'refused', reason: 'no peer answered' } as const, { reason: 'no peer answered' }],
  ])('passes on the reply %j', async (reply, expected) => {
    service.reply = () => reply;
    expect(await client.submit({ draft })).toMatchObject({ type: reply.type, ...expected });
  });

  it('refuses what is no draft before the peer sees it', async () => {
    service.reply = unanswered;
    const bad = { ...draft, requires: { ...draft.requires, specialties: ['Not A Name'] } };
    await expect(client.submit({ draft: bad })).rejects.toMatchObject({
      code: 'bad-request',
      message: expect.stringMatching(/^draft\.requires\.specialties\.0: .+$/),
    });
    const huge = { ...draft, verify: 'x'.repeat(2 * 1024 * 1024) };
    await expect(client.submit({ draft: huge })).rejects.toMatchObject({ name: 'ControlError' });
    expect(service.commands).toEqual([]);
  });

  it.each([
    ['cancelled', 'cancelled'],
    ['publishing', 'publishing'],
    ['ended', 'ended'],
    ['cancel-pending', 'cancel-pending'],
  ] as const)('cancels: %s', async (type, expected) => {
    service.reply = () => ({ type });
    expect(await client.cancel(open.task.id.slice(0, 12))).toEqual({ type: expected, task: open.task.id });
    expect(service.commands).toMatchObject([{ type: 'cancel', task: open.task.id }]);
  });

  it('retries what has ended with the very draft it had, and nothing else', async () => {
    service.reply = () => ({ type: 'submitted', task: open.task.id });
    await expect(client.retry(open.task.id)).rejects.toMatchObject({ code: 'conflict' });
    expect(service.commands).toEqual([]);
    await client.retry(ended.task.id);
    expect(service.commands).toEqual([{ type: 'submit', draft: { ...draft, title: 'ended' }, again: true }]);
  });

  it('stops once, and takes no more work', async () => {
    expect(await client.stop()).toMatchObject({ pid: process.pid });
    await client.stop();
    await waitFor('the hook', () => stops > 0);
    expect(stops).toBe(1);
    await expect(client.submit({ draft })).rejects.toMatchObject({ code: 'stopping' });
    expect(await client.status()).toMatchObject({ peer: alpha });
  });
});

describe('events', () => {
  it('begin with hello, carry the task as it is now, and end with the peer', async () => {
    const events = client.events();
    expect((await events.next()).value).toMatchObject({ event: 'other', name: 'hello' });
    service.change({ ...open, state: assign(initialState, beta, wallMs(5)), leader: alpha });
    service.emit({ type: 'peer-up', peer: beta, name: 'beta' });
    expect((await events.next()).value).toMatchObject({ event: 'task', data: { state: 'assigned', worker: beta } });
    expect((await events.next()).value).toEqual({
      event: 'other',
      name: 'peer-up',
      data: { type: 'peer-up', peer: beta, name: 'beta' },
    });
    const end = events.next();
    await server.close();
    expect(await end).toEqual({ done: true, value: undefined });
    server = await serveControl(service, socket, () => {});
  });

  it('stop being listened to when the reader goes', async () => {
    const events = client.events();
    await events.next();
    expect(service.listeners.size).toBe(1);
    await events.return();
    await waitFor('nobody listens any more', () => service.listeners.size === 0);
  });
});
