import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ControlClient } from '../../src/peer/control/client.ts';
import { socketPath } from '../../src/peer/home/socket.ts';
import { type CliResult, type Env, runCli, spawnCli } from './cli.ts';
import { patientMs, waitFor } from './wait.ts';

export interface PeerStart {
  readonly name: string;
  readonly args?: readonly string[];
  readonly env?: Env;
}

/** The fields of `peer status --json` and `peer task --json` that tests look at. */
export interface StatusJson {
  readonly peer: string;
  readonly peers: readonly {
    readonly peer: string;
    readonly name: string;
    readonly running: number;
    /** 0 where it is linked now. */
    readonly lastSeenMs: number;
    readonly unavailable: null | { readonly until: string | null; readonly reason: string };
  }[];
  readonly tasks: readonly TaskJson[];
}

export interface TaskJson {
  readonly id: string;
  readonly key: string;
  readonly state: string;
  readonly leader: string | null;
  readonly worker: string | null;
  readonly attempt: number;
  readonly bids: readonly { readonly peer: string; readonly score: number; readonly declined: string | null }[];
  readonly attempts: readonly {
    readonly number: number;
    readonly worker: string;
    readonly startedAt: string;
    readonly endedAt: string | null;
    readonly outcome: string | null;
    readonly costUsd: number | null;
    readonly checkpoints: readonly { readonly at: string }[];
  }[];
  readonly result: null | {
    readonly branch: string;
    readonly commit: string | null;
    readonly pullRequest: null | { readonly number: number; readonly url: string };
  };
  readonly duplicateOf?: string | null;
}

/** One `peer start` process on a folder of its own. */
export class PeerProcess {
  readonly name: string;
  readonly home: string;
  readonly env: Env;
  readonly #args: readonly string[];
  readonly #bin: string | undefined;
  #child: ChildProcess | null = null;
  #stderr = '';
  id = '';
  addresses: readonly string[] = [];

  constructor(start: PeerStart, home: string, env: Env, bin?: string) {
    this.#bin = bin;
    this.name = start.name;
    this.home = home;
    this.env = { ...env, ...start.env, PEER_HOME: home };
    this.#args = start.args ?? [];
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  get isAlive(): boolean {
    return this.#child !== null && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get log(): string {
    return this.#stderr;
  }

  /** Resolves once `ready` was printed. */
  async start(deadlineMs = patientMs): Promise<void> {
    this.#stderr = '';
    const child = spawnCli(['start', '--name', this.name, '--log-format', 'json', ...this.#args], this.env, {
      bin: this.#bin,
    });
    this.#child = child;
    child.stderr?.on('data', (chunk: Buffer) => {
      this.#stderr += chunk.toString();
    });
    const ready = await waitFor(
      `peer ${this.name} ready`,
      () => {
        if (child.exitCode !== null) throw new Error(`peer ${this.name} ended with ${child.exitCode}: ${this.#stderr}`);
        return this.events().find(({ event }) => event === 'ready');
      },
      deadlineMs,
      () => this.#stderr,
    );
    this.id = String(ready.peer);
    this.addresses = ready.addresses as readonly string[];
  }

  /** The JSON log lines so far. */
  events(): readonly Record<string, unknown>[] {
    return this.#stderr
      .split('\n')
      .filter((line) => line.startsWith('{') && line.endsWith('}'))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** Ends the process and waits until it is gone; gives its exit code. */
  async end(signal: NodeJS.Signals = 'SIGKILL'): Promise<number | null> {
    const child = this.#child;
    if (child === null) return null;
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGCONT');
      child.kill(signal);
      await once(child, 'exit');
    }
    return child.exitCode;
  }

  cli(args: readonly string[], deadlineMs = 60_000): Promise<CliResult> {
    return runCli(args, this.env, { deadlineMs, bin: this.#bin });
  }

  async json<T>(args: readonly string[]): Promise<T> {
    const { code, stdout, stderr } = await this.cli([...args, '--json']);
    if (code !== 0) throw new Error(`peer ${args.join(' ')} on ${this.name}: exit ${code}\n${stderr}${stdout}`);
    return JSON.parse(stdout) as T;
  }

  /** What `peer status --json` prints, asked as the command asks; without its process, since tests ask often. */
  status(): Promise<StatusJson> {
    return this.#control().status();
  }

  task(id: string): Promise<TaskJson> {
    return this.#control().task(id);
  }

  /** The task as this peer sees it, as soon as the condition holds. */
  taskWhere(id: string, what: string, is: (task: TaskJson) => boolean, deadlineMs = patientMs): Promise<TaskJson> {
    let last: TaskJson | null = null;
    return waitFor(
      what,
      async () => {
        last = await this.task(id);
        return is(last) && last;
      },
      deadlineMs,
      () => last,
    );
  }

  done(id: string, deadlineMs = 60_000): Promise<TaskJson> {
    return this.taskWhere(id, 'the task is done', ({ state }) => state === 'done', deadlineMs);
  }

  async cancel(id: string): Promise<void> {
    await this.#control().cancel(id);
  }

  #control(): ControlClient {
    return new ControlClient(socketPath({ folder: this.home }));
  }
}

/** Several peers of one mesh, in a temporary folder that goes with them. */
export class Mesh implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'mesh-'));
  readonly peers: PeerProcess[] = [];
  readonly #key: string;

  readonly #bin: string | undefined;

  private constructor(key: string, bin: string | undefined) {
    this.#key = key;
    this.#bin = bin;
  }

  /** Starts the peers side by side and waits until all see each other. */
  static async start(starts: readonly PeerStart[], env: Env = {}): Promise<Mesh> {
    const mesh = Mesh.empty();
    for (const start of starts) mesh.add(start, env);
    try {
      await mesh.makeWhole();
      return mesh;
    } catch (error) {
      await mesh[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** A mesh without peers so far. `bin` is another `peer` to run than the built one. */
  static empty(bin?: string): Mesh {
    return new Mesh(randomKey(), bin);
  }

  add(start: PeerStart, env: Env = {}): PeerProcess {
    const peer = new PeerProcess(start, join(this.folder, start.name), { PEER_MESH_KEY: this.#key, ...env }, this.#bin);
    this.peers.push(peer);
    return peer;
  }

  peer(nameOrId: string): PeerProcess {
    const peer = this.peers.find(({ name, id }) => name === nameOrId || id === nameOrId);
    if (peer === undefined) throw new Error(`no peer ${nameOrId} in this mesh`);
    return peer;
  }

  /** Resolves once every peer has a link to every other. */
  async connected(): Promise<void> {
    let seen: readonly (readonly string[])[] = [];
    await waitFor(
      'every peer is linked to every other',
      async () => {
        const all = await Promise.all(this.peers.map((peer) => peer.status()));
        const linked = all.map(({ peers }) => peers.filter(({ lastSeenMs }) => lastSeenMs === 0));
        seen = linked.map((some) => some.map(({ name }) => name));
        return seen.every((some) => some.length === this.peers.length);
      },
      patientMs,
      () => seen,
    );
  }

  /** Starts whoever does not run, and waits until all see each other. */
  async makeWhole(): Promise<void> {
    await Promise.all(this.peers.filter(({ isAlive }) => !isAlive).map((peer) => peer.start()));
    await this.connected();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.peers.map((peer) => peer.end()));
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

const randomKey = (): string => Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('hex');
