import type { Cut } from './network.ts';
import type { Observation, ObservationOf, Observer } from './observation.ts';
import type { FaultKind, FaultTraits } from './profile.ts';
import type { Random } from './random.ts';
import type { World } from './world.ts';

/** Some runs are busier than others, and so are some of their minutes. */
const intensities = [0.4, 1, 2.5] as const;
/** Who dies is often back at once. */
const quickRestartShare = 0.4;
const quickMs = [5, 400] as const;
const ambushMs = [0.1, 300] as const;
/** Of what befalls somebody around a grant. */
const standingShare = 0.5;
const slowMsRange = [100, 4_000] as const;

/** Moments after which something is on its way, or half done. */
const isCritical = (observation: Observation): observation is Critical =>
  observation.type === 'lease' ||
  observation.type === 'generation' ||
  observation.type === 'agent-started' ||
  observation.type === 'wants-grant' ||
  observation.type === 'granted' ||
  observation.type === 'register';
type Critical = ObservationOf<'lease' | 'generation' | 'agent-started' | 'wants-grant' | 'granted' | 'register'>;

/** Everything that befalls peers and the network, by chance, until it is called off. */
export class Faults implements Observer {
  readonly #world: World;
  readonly #traits: FaultTraits;
  readonly #random: Random;
  readonly #observer: Observer;
  readonly #cuts = new Map<number, Cut>();
  /** Who is to come back. */
  #living: readonly string[];
  #cutsMade = 0;
  #over = false;

  constructor(world: World, traits: FaultTraits, random: Random, observer: Observer) {
    this.#world = world;
    this.#traits = traits;
    this.#random = random;
    this.#observer = observer;
    this.#living = world.names;
  }

  begin(): void {
    const meanMs = this.#traits.everyMs / this.#world.names.length / this.#random.pick(intensities);
    const next = (): void => {
      const waitMs = -Math.log(1 - this.#random.next()) * meanMs;
      this.#world.queue.after(waitMs, () => {
        if (this.#over) return;
        const running = this.#world.names.filter((name) => this.#world.isRunning(name));
        if (running.length > 0) this.#strike(this.#random.weighted(this.#traits.weights), this.#random.pick(running));
        next();
      });
    };
    next();
  }

  see(observation: Observation): void {
    if (observation.type === 'peer') this.#bringBack(observation);
    else if (!this.#over && isCritical(observation)) this.#mayAmbush(observation);
  }

  #mayAmbush({ type, peer }: Critical): void {
    const { ambushes, grantAmbushes, weights } = this.#traits;
    // Votes are many, and steps towards the forge are few.
    const isGrant = type === 'wants-grant' || type === 'granted';
    if (!this.#random.chance(isGrant ? grantAmbushes : ambushes)) return;
    // A grant is at its worst with a process that stands still and takes it up where it was.
    const stands = isGrant && weights.pause > 0 && this.#random.chance(standingShare);
    this.#ambush(peer, stands ? 'pause' : this.#random.weighted(weights));
  }

  /** Who is gone comes back, some of them at once. */
  #bringBack({ peer, change }: ObservationOf<'peer'>): void {
    const isGone = change === 'left' || (change === 'crashed' && !this.#over);
    if (!isGone || !this.#living.includes(peer)) return;
    const isQuick = this.#over || this.#random.chance(quickRestartShare);
    const downMs = isQuick ? this.#random.magnitude(...quickMs) : this.#lastingMs();
    this.#world.queue.after(downMs, () => {
      if (this.#living.includes(peer) && !this.#world.isUp(peer)) this.#world.start(peer);
    });
  }

  /** No more faults, and all of them end; only `peers` are to live. */
  callOff(peers: readonly string[]): void {
    this.#over = true;
    this.#living = peers;
    for (const id of [...this.#cuts.keys()]) this.#heal(id);
    this.#world.heal();
    for (const name of this.#world.names) {
      this.#world.resume(name);
      this.#world.wake(name);
      this.#world.spare(name);
      const isUp = this.#world.isUp(name);
      if (isUp && !peers.includes(name)) this.#world.kill(name);
      if (!isUp && peers.includes(name)) this.#world.start(name);
    }
  }

  /** Between one thing and the next, where chance alone would seldom strike. */
  #ambush(name: string, kind: FaultKind): void {
    this.#world.queue.after(this.#random.magnitude(...ambushMs), () => {
      if (!this.#over && this.#world.isRunning(name)) this.#strike(kind, name);
    });
  }

  #strike(kind: FaultKind, name: string): void {
    switch (kind) {
      case 'kill':
        return this.#world.kill(name);
      case 'mid-step kill':
        return this.#world.doom(name, this.#random.next());
      case 'goodbye':
        return this.#world.leave(name);
      case 'pause':
        this.#world.pause(name);
        return this.#endOf(name, this.#lastingMs(), () => this.#world.resume(name));
      case 'sleep': {
        this.#world.sleep(name);
        const isNoticed = !this.#random.chance(this.#traits.unnoticed);
        return this.#endOf(name, this.#random.magnitude(...this.#traits.sleepMs), () =>
          this.#world.wake(name, isNoticed),
        );
      }
      case 'cut':
      case 'one-way cut':
      case 'slow':
        return this.#cut(kind, name);
    }
  }

  /** In the same run of its process: a later one has a fate of its own. */
  #endOf(name: string, afterMs: number, end: () => void): void {
    const incarnation = this.#world.incarnation(name);
    this.#world.queue.after(afterMs, () => {
      if (!this.#over && this.#world.incarnation(name) === incarnation) end();
    });
  }

  #cut(kind: 'cut' | 'one-way cut' | 'slow', name: string): void {
    const [some, others] = this.#sides(name);
    if (some.length === 0 || others.length === 0) return;
    this.#cutsMade += 1;
    const id = this.#cutsMade;
    const isLoud = kind === 'cut' && this.#random.chance(0.3);
    const slowMs = kind === 'slow' ? this.#random.magnitude(...slowMsRange) : null;
    this.#cuts.set(id, this.#world.cut(some, others, { oneWay: kind === 'one-way cut', loud: isLoud, slowMs }));
    this.#observer.see({ at: this.#world.nowMs, type: 'cut', id, kind, peers: some });
    this.#world.queue.after(this.#lastingMs(), () => this.#heal(id));
  }

  /** One PC from all others, one from one, or any two groups. */
  #sides(name: string): readonly [readonly string[], readonly string[]] {
    const others = this.#random.shuffled(this.#world.names.filter((other) => other !== name));
    switch (this.#random.pick(['one', 'pair', 'groups'] as const)) {
      case 'one':
        return [[name], others];
      case 'pair':
        return [[name], others.slice(0, 1)];
      case 'groups': {
        const size = this.#random.whole(0, Math.max(0, others.length - 1));
        return [[name, ...others.slice(0, size)], others.slice(size)];
      }
    }
  }

  #heal(id: number): void {
    const cut = this.#cuts.get(id);
    if (cut === undefined) return;
    this.#cuts.delete(id);
    this.#world.heal(cut);
    this.#observer.see({ at: this.#world.nowMs, type: 'healed', id });
  }

  #lastingMs(): number {
    return this.#random.magnitude(...this.#traits.lastingMs);
  }
}
