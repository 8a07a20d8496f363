import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BenchPeerOptions, FromBenchPeer, ToBenchPeer } from './peer.ts';

type Of<Type extends FromBenchPeer['type']> = Extract<FromBenchPeer, { type: Type }>;

export interface BenchPeer {
  readonly name: string;
  readonly child: ChildProcess;
  known: number;
}

/** Several benchmark peers in processes of their own, and what they have told. */
export class Fleet implements AsyncDisposable {
  readonly peers: readonly BenchPeer[];
  readonly submitted = new Map<string, Of<'submitted'>>();
  readonly started: { readonly by: BenchPeer; readonly message: Of<'started'> }[] = [];
  /** When each task was first known to be done, by any peer. */
  readonly done = new Map<string, number>();
  readonly #folder = mkdtempSync(join(tmpdir(), 'bench-'));
  readonly #listeners = new Set<() => void>();
  readonly #usage = new Map<BenchPeer, Of<'usage'>>();

  private constructor(size: number, options: Pick<BenchPeerOptions, 'capacity' | 'workMs'>) {
    const meshKeyHex = randomBytes(32).toString('hex');
    this.peers = Array.from({ length: size }, (_, index) => {
      const name = `peer-${index + 1}`;
      const given: BenchPeerOptions = { name, folder: join(this.#folder, name), meshKeyHex, ...options };
      const child = fork(fileURLToPath(new URL('peer.ts', import.meta.url)), [JSON.stringify(given)]);
      const peer: BenchPeer = { name, child, known: 0 };
      child.on('message', (message: FromBenchPeer) => this.#note(peer, message));
      return peer;
    });
  }

  /** Starts the peers and waits until each knows all. */
  static async start(size: number, options: Pick<BenchPeerOptions, 'capacity' | 'workMs'>): Promise<Fleet> {
    const fleet = new Fleet(size, options);
    await fleet.until('all connected', () => fleet.peers.every(({ known }) => known === size));
    return fleet;
  }

  async until(what: string, condition: () => boolean, deadlineMs = 60_000): Promise<void> {
    if (condition()) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const timer = setTimeout(() => reject(new Error(`not within ${deadlineMs} ms: ${what}`)), deadlineMs);
    const listener = (): void => {
      if (condition()) resolve();
    };
    this.#listeners.add(listener);
    await promise.finally(() => {
      clearTimeout(timer);
      this.#listeners.delete(listener);
    });
  }

  submit(peer: BenchPeer, key: string): void {
    send(peer, { type: 'submit', key });
  }

  async usage(peer: BenchPeer): Promise<Of<'usage'>> {
    this.#usage.delete(peer);
    send(peer, { type: 'usage' });
    await this.until('usage', () => this.#usage.has(peer));
    const usage = this.#usage.get(peer);
    if (usage === undefined) throw new Error('unreachable');
    return usage;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { child } of this.peers) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #note(peer: BenchPeer, message: FromBenchPeer): void {
    switch (message.type) {
      case 'ready':
        break;
      case 'peers':
        peer.known = message.count;
        break;
      case 'submitted':
        this.submitted.set(message.key, message);
        break;
      case 'started':
        this.started.push({ by: peer, message });
        break;
      case 'done':
        if (!this.done.has(message.task)) this.done.set(message.task, message.atNs);
        break;
      case 'usage':
        this.#usage.set(peer, message);
    }
    for (const listener of this.#listeners) listener();
  }
}

const send = ({ child }: BenchPeer, message: ToBenchPeer): void => {
  child.send(message);
};
