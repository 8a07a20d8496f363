import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cleanEnv } from '../support/cli.ts';
import { makeBareRepository } from '../support/repository.ts';
import { waitFor } from '../support/wait.ts';

const cli = fileURLToPath(new URL('../../src/cli.ts', import.meta.url));
const key = '5'.repeat(64);

class Running {
  readonly child: ChildProcess;
  stdout = '';
  stderr = '';

  constructor(
    args: readonly string[],
    home: string,
    env: Record<string, string> = {},
    nodeArgs: readonly string[] = [],
  ) {
    this.child = spawn(process.execPath, [...nodeArgs, cli, ...args], {
      env: cleanEnv({ PEER_HOME: home, PEER_MESH_KEY: key, ...env }),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child.stdout?.on('data', (chunk: Buffer) => {
      this.stdout += chunk.toString();
    });
    this.child.stderr?.on('data', (chunk: Buffer) => {
      this.stderr += chunk.toString();
    });
    running.push(this);
  }

  get isOver(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  async code(): Promise<number | null> {
    if (!this.isOver) await once(this.child, 'close');
    return this.child.exitCode;
  }

  lines(): readonly Record<string, unknown>[] {
    const whole = this.stderr.split('\n').filter((line) => line.startsWith('{') && line.endsWith('}'));
    return whole.map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  ready(): Promise<Record<string, unknown>> {
    const isReady = () => {
      if (this.isOver) throw new Error(`ended: ${this.stderr}`);
      return this.lines().find(({ event }) => event === 'ready');
    };
    return waitFor('ready', isReady, 20_000, () => this.stderr);
  }
}

const running: Running[] = [];
let folder = '';
let home = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'peer-'));
  home = join(folder, 'home');
});

afterEach(async () => {
  for (const one of running.splice(0)) {
    one.child.kill('SIGKILL');
    await one.code();
  }
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});

const local = ['--no-mdns', '--listen', '/ip4/127.0.0.1/tcp/0', '--log-format', 'json'];
const start = (more: readonly string[] = [], env: Record<string, string> = {}) =>
  new Running(['start', '--name', 'alpha', ...local, ...more], home, env);
const peer = (...args: readonly string[]) => new Running(args, home);

describe('a peer', () => {
  it('says that it is ready, whatever the log level, serves this user alone, and stops', async () => {
    const one = start([], { LOG_LEVEL: 'error' });
    const { peer: id, addresses } = await one.ready();
    expect(one.stderr.trim()).toBe(JSON.stringify({ event: 'ready', peer: id, addresses }));
    expect(id).toMatch(/^12D3/);
    expect(addresses).toEqual([expect.stringMatching(/^\/ip4\/127\.0\.0\.1\/tcp\/\d+\/p2p\/12D3/)]);
    expect(statSync(join(home, 'peer.sock')).mode & 0o777).toBe(0o600);

    const status = peer('status', '--json');
    expect(await status.code(), status.stderr).toBe(0);
    expect(JSON.parse(status.stdout)).toMatchObject({
      peer: id,
      name: 'alpha',
      peers: [{ self: true, executor: null }],
    });

    const stop = peer('stop');
    expect(await stop.code(), stop.stderr).toBe(0);
    expect(one.isOver).toBe(true);
    expect(await one.code()).toBe(0);
    expect(await peer('stop').code()).toBe(4);
  }, 30_000);

  it('leaves a socket behind when it is killed, which the next one takes over', async () => {
    const killed = start();
    const { peer: id } = await killed.ready();
    killed.child.kill('SIGKILL');
    await killed.code();
    expect(statSync(join(home, 'peer.sock')).isSocket()).toBe(true);
    expect(await peer('status').code()).toBe(4);
    const next = start();
    expect((await next.ready()).peer).toBe(id);

    const second = start();
    expect(await second.code()).toBe(2);
    expect(second.stderr).toMatch(/another peer is running with PEER_HOME .*; stop it or set another PEER_HOME/);
    expect(await peer('status').code()).toBe(0);

    next.child.kill('SIGTERM');
    expect(await next.code()).toBe(0);
  }, 30_000);

  it('warns of a command that cannot run, and starts all the same', async () => {
    const one = start(['--executor', 'command', '--command', 'no-such-program --fast']);
    await one.ready();
    const warnings = one.lines().filter(({ event }) => event === 'command');
    expect(warnings).toMatchObject([{ level: 'warn', reason: expect.stringMatching(/no program no-such-program/) }]);
  }, 30_000);

  it('makes a mesh at its first start, and does not write the key into a log', async () => {
    const one = start([], { PEER_MESH_KEY: '' });
    await one.ready();
    const { key: made } = JSON.parse(readFileSync(join(home, 'mesh.json'), 'utf8')) as { key: string };
    expect(made).toMatch(/^[0-9a-f]{64}$/);
    expect(one.stdout + one.stderr).not.toMatch(/im1-/);
    expect(one.stdout + one.stderr).not.toContain(made);
  }, 30_000);

  it('ends with 2 and one line where its port is taken', async () => {
    const { addresses } = (await start().ready()) as { addresses: string[] };
    const taken = addresses[0]?.replace(/\/p2p\/.*/, '') ?? '';
    const other = new Running(
      ['start', '--no-mdns', '--listen', taken, '--executor', 'command', '--command', 'x'],
      `${home}-2`,
    );
    expect(await other.code()).toBe(2);
    expect(other.stderr).toBe(`peer: the port of ${taken} is in use: choose another one, or stop what uses it\n`);
  }, 30_000);
});

describe('a submission where no peer runs', () => {
  it('is handed to a peer of the mesh, and followed', async () => {
    const one = start(['--executor', 'command', '--command', 'echo hello > greeting.txt']);
    const { addresses } = await one.ready();
    const elsewhere = join(folder, 'elsewhere');
    mkdirSync(elsewhere);
    writeFileSync(join(elsewhere, 'config.json'), JSON.stringify({ peers: addresses, mdns: false }));
    const bare = makeBareRepository(join(folder, 'r.git'), { 'greeting.txt': 'helo\n' });
    const submit = new Running(['submit', '--prompt', 'Mend it', '--repo', bare, '--follow', '--json'], elsewhere);
    expect(await submit.code(), submit.stderr).toBe(0);
    const lines = submit.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.at(0)).toMatchObject({ state: 'open', electors: [expect.stringMatching(/^12D3/)] });
    expect(lines.at(-1)).toMatchObject({ id: lines[0]?.id, state: 'done', title: 'Mend it' });
  }, 40_000);

  it('ends with 4 where none is found', async () => {
    mkdirSync(home);
    writeFileSync(join(home, 'config.json'), '{"mdns":false}');
    const bare = makeBareRepository(join(folder, 'r.git'), { a: 'a' });
    const submit = peer('submit', '--prompt', 'Mend it', '--repo', bare);
    expect(await submit.code()).toBe(4);
    expect(submit.stderr).toMatch(/^peer: no peer of the mesh \S+ was found in 5 s: start one with `peer start`\n$/);
  }, 30_000);
});

describe('the process', () => {
  it('says in one line that its Node is too old', async () => {
    const old = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.19.0' } })`;
    const one = new Running(['status'], home, {}, ['--import', `data:text/javascript,${encodeURIComponent(old)}`]);
    expect(await one.code()).toBe(2);
    expect(one.stderr).toMatch(/^peer: this is Node 20\.19\.0, and 22\.18 or later is needed: install .*\n$/);
  });

  it('ends quietly when nobody reads on', async () => {
    const help = new Running(['--help'], home);
    help.child.stdout?.destroy();
    await help.code();
    expect(help.stderr).toBe('');
  });
});
