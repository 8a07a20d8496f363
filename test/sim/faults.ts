import { compareBallots } from '../../src/protocol/ballot.ts';
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
/** Of ambushes, those with the fault that hurts most just there. */
const worstShare = 0.5;
/** As long as a grant, more or less. */
const stretchMs = [10_000, 120_000] as const;
const slowMsRange = [100, 4_000] as const;
/** As many PCs as one switch holds are cut off together: halves of a large mesh would be, at any time, by one cut or other. */
const mostTogether = 7;

/** Moments after which something is on its way, or half done. */
const isCritical = (observation: Observation): observation is Critical =>
  observation.type === 'lease' ||
  observation.type === 'generation' ||
  observation.type === 'agent-started' ||
  observation.type === 'wants-grant' ||
  observation.type === 'granted' ||
  observation.type === 'limited' ||
  observation.type === 'agent-stopped' ||
  observation.type === 'register';
type Critical = ObservationOf<
  'lease' | 'generation' | 'agent-started' | 'agent-stopped' | 'wants-grant' | 'granted' | 'limited' | 'register'
>;

/** An elector has promised a ballot at which it has not accepted anything so far. */
const isPromise = ({ register: { promised, accepted } }: ObservationOf<'register'>): boolean =>
  promised !== null && (accepted === null || compareBallots(promised, accepted.version.ballot) > 0);

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

  #mayAmbush(observation: Critical): void {
    const { weights } = this.#traits;
    const { share, worst } = this.#ambushOn(observation);
    if (!this.#random.chance(share)) return;
    const isWorst = worst !== null && weights[worst] > 0 && this.#random.chance(worstShare);
    if (!isWorst) this.#ambush(observation.peer, this.#random.weighted(weights));
    else this.#ambush(observation.peer, worst, worst === 'pause' ? this.#random.magnitude(...stretchMs) : undefined);
  }

  /** Votes are many, so few of them are ambushed; the others are few. */
  #ambushOn(observation: Critical): { readonly share: number; readonly worst: FaultKind | null } {
    const { ambushes, promiseAmbushes, grantAmbushes, sealAmbushes } = this.#traits;
    switch (observation.type) {
      case 'wants-grant':
      case 'granted':
        // A grant is stretched by a process that stands still, and takes it up where it was.
        return { share: grantAmbushes, worst: 'pause' };
      case 'lease':
        // Who has sealed leads no more, also where it never hears what came of it.
        return observation.change === 'sealed'
          ? { share: sealAmbushes, worst: 'pause' }
          : { share: ambushes, worst: null };
      case 'register':
        // A promise is forgotten, if ever, by a process that is back before anything has come of it.
        return isPromise(observation) ? { share: promiseAmbushes, worst: 'kill' } : { share: ambushes, worst: null };
      default:
        return { share: ambushes, worst: null };
    }
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

  /** It is gone for good. */
  abandon(name: string): void {
    this.#living = this.#living.filter((one) => one !== name);
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
  #ambush(name: string, kind: FaultKind, lastingMs?: number): void {
    this.#world.queue.after(this.#random.magnitude(...ambushMs), () => {
      if (!this.#over && this.#world.isRunning(name)) this.#strike(kind, name, lastingMs);
    });
  }

  #strike(kind: FaultKind, name: string, lastingMs = this.#lastingMs()): void {
    switch (kind) {
      case 'kill':
        return this.#world.kill(name);
      case 'mid-step kill':
        return this.#world.doom(name, this.#random.next());
      case 'goodbye':
        return this.#world.leave(name);
      case 'pause':
        this.#world.pause(name);
        return this.#endOf(name, lastingMs, () => this.#world.resume(name));
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
        return this.#cut(kind, name, lastingMs);
    }
  }

  /** In the same run of its process: a later one has a fate of its own. */
  #endOf(name: string, afterMs: number, end: () => void): void {
    const incarnation = this.#world.incarnation(name);
    this.#world.queue.after(afterMs, () => {
      if (!this.#over && this.#world.incarnation(name) === incarnation) end();
    });
  }

  #cut(kind: 'cut' | 'one-way cut' | 'slow', name: string, lastingMs: number): void {
    const [some, others] = this.#sides(name);
    if (some.length === 0 || others.length === 0) return;
    this.#cutsMade += 1;
    const id = this.#cutsMade;
    const isLoud = kind === 'cut' && this.#random.chance(0.3);
    const slowMs = kind === 'slow' ? this.#random.magnitude(...slowMsRange) : null;
    this.#cuts.set(id, this.#world.cut(some, others, { oneWay: kind === 'one-way cut', loud: isLoud, slowMs }));
    this.#observer.see({ at: this.#world.nowMs, type: 'cut', id, kind, peers: some, others });
    this.#world.queue.after(lastingMs, () => this.#heal(id));
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
        const size = this.#random.whole(0, Math.max(0, Math.min(mostTogether, others.length) - 1));
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
