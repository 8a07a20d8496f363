import type { Core } from '../../src/peer/core/core.ts';
import { SleepWatch } from '../../src/peer/sleep.ts';
import type { Job } from '../../src/protocol/agent.ts';
import type { Now, PeerId, RunId } from '../../src/protocol/ids.ts';
import { VirtualFolder } from './checkpoints.ts';
import { Clock } from './clock.ts';
import { DiskImage } from './disk.ts';
import type { Cut } from './network.ts';
import type { PeerSpec } from './records.ts';

/** The process: it handles what comes, or it is stopped, or its PC sleeps. */
export type Standing = 'running' | 'paused' | 'asleep';

/** One virtual PC with its peer: what lasts, and what only lasts as long as the process. */
export class Node {
  readonly id: PeerId;
  readonly spec: PeerSpec;
  readonly disk = new DiskImage();
  readonly checkpoints = new VirtualFolder();
  readonly clock: Clock;
  incarnation = 0;
  /** Null while the peer is down. */
  core: Core | null = null;
  standing: Standing = 'running';
  readonly agents = new Map<RunId, Job>();
  /** It dies within its next step, after this share of the step's effects. */
  doom: number | null = null;
  /** It exits as soon as it is drained. */
  leaving = false;
  /** While it sleeps nothing reaches it. */
  sleepCut: Cut | null = null;
  #sleepWatch = new SleepWatch();
  /** What waits for a process that is stopped to go on. */
  #held: (() => void)[] = [];

  constructor(id: PeerId, spec: PeerSpec) {
    this.id = id;
    this.spec = spec;
    this.clock = new Clock(spec.rate ?? 1, spec.wallOffsetMs ?? 0);
  }

  get name(): string {
    return this.spec.name;
  }

  get isRunning(): boolean {
    return this.core !== null && this.standing === 'running';
  }

  boot(core: Core): void {
    this.core = core;
    this.#sleepWatch = new SleepWatch();
  }

  /** Memory is gone, and all that was not synced. */
  die(): void {
    this.core = null;
    this.standing = 'running';
    this.agents.clear();
    this.doom = null;
    this.leaving = false;
    this.#held = [];
    this.disk.crash();
  }

  hold(action: () => void): void {
    this.#held.push(action);
  }

  /** What has waited, in the order in which it came, unless the process dies of it. */
  release(): void {
    const { incarnation } = this;
    for (const action of this.#held.splice(0)) if (this.incarnation === incarnation && this.isRunning) action();
  }

  /** How long this PC has slept since it was last asked, as its own driver would notice. */
  lostMs(now: Now): number {
    return this.#sleepWatch.look(now);
  }
}
