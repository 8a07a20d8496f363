import { setTimeout as delay } from 'node:timers/promises';
import type { Observer } from '../../../test/sim/observation.ts';
import type { Random } from '../../../test/sim/random.ts';
import type { Profile } from '../../../test/sim/result.ts';
import type { Fleet, LivePeer } from './fleet.ts';

/** From the end of one fault to the beginning of the next, and about as long as each lasts. */
const calmMs: Readonly<Record<Profile, number>> = { calm: Number.POSITIVE_INFINITY, rough: 8_000, hostile: 3_000 };
/** Of faults, those that stop a peer; the others cut the mesh in two. */
const stops = 0.5;
/** Of the peers, those on the far side of a cut. */
const farShare = 0.3;

/** What befalls real peers in one process: they are stopped and started again, and the mesh is cut in two. */
export class LiveFaults {
  readonly #fleet: Fleet;
  readonly #random: Random;
  readonly #observer: Observer;
  readonly #nowMs: () => number;
  #cuts = 0;

  constructor(fleet: Fleet, random: Random, observer: Observer, nowMs: () => number) {
    this.#fleet = fleet;
    this.#random = random;
    this.#observer = observer;
    this.#nowMs = nowMs;
  }

  /** One after the other. When it resolves everybody is back, and the mesh is whole. */
  async rage(profile: Profile, forMs: number): Promise<void> {
    const pauseMs = calmMs[profile];
    const endMs = this.#nowMs() + forMs;
    while (this.#nowMs() + pauseMs * 2 < endMs) {
      await delay(pauseMs);
      const lastingMs = pauseMs * this.#random.between(0.5, 1.5);
      if (this.#random.chance(stops)) await this.#stop(lastingMs);
      else await this.#cut(lastingMs);
    }
  }

  async start(peer: LivePeer): Promise<void> {
    await this.#fleet.startPeer(peer);
    this.#observer.see({ at: this.#nowMs(), peer: peer.name, type: 'peer', change: 'started', leases: 0 });
  }

  async #stop(forMs: number): Promise<void> {
    const { name } = this.#random.pick(this.#fleet.up());
    const peer = this.#fleet.at(name);
    await this.#fleet.stopPeer(peer);
    this.#observer.see({ at: this.#nowMs(), peer: name, type: 'peer', change: 'left', leases: 0 });
    await delay(forMs);
    await this.start(peer);
  }

  async #cut(forMs: number): Promise<void> {
    const far = this.#fleet.peers.filter(() => this.#random.chance(farShare));
    const near = this.#fleet.peers.filter((peer) => !far.includes(peer));
    if (far.length === 0 || near.length === 0) return;
    this.#cuts += 1;
    const [id, peers, others] = [this.#cuts, far.map(({ name }) => name), near.map(({ name }) => name)];
    this.#observer.see({ at: this.#nowMs(), type: 'cut', id, kind: 'cut', peers, others });
    this.#fleet.cables.cut(far.map(({ identity }) => identity.peer));
    await delay(forMs);
    this.#fleet.cables.heal();
    this.#observer.see({ at: this.#nowMs(), type: 'healed', id });
  }
}
