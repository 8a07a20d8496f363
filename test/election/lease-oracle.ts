import type { Committed } from '../../src/election/proposer.ts';
import { compareVersions, describeVersion, type Version } from '../../src/protocol/ballot.ts';
import type { PeerId } from '../../src/protocol/ids.ts';
import type { Accepted } from '../../src/protocol/messages.ts';
import type { TaskState } from '../../src/protocol/state.ts';

interface Point {
  readonly version: Version;
  readonly trail: string;
}

/** The writes that a value contains, in their order: `1/2/5/`. */
export const trailOf = (state: TaskState): string => (typeof state.trail === 'string' ? state.trail : '');

/** Sees all and knows the true time: judges invariants I1 and I2. */
export class LeaseOracle {
  readonly wrong: string[] = [];
  readonly counts = { won: 0, inherited: 0, written: 0, released: 0 };
  readonly #majority: number;
  /** Who has ever stored each version: electors are durable, so a majority of them is for good. */
  readonly #stored = new Map<string, Set<PeerId>>();
  readonly #chosen: Point[] = [];
  #latest: Point | null = null;

  constructor(electors: number) {
    this.#majority = Math.floor(electors / 2) + 1;
  }

  note(what: string): void {
    this.wrong.push(what);
  }

  /** I1: at most one peer believes at any true time that it leads. */
  leaders(atMs: number, peers: readonly PeerId[]): void {
    if (peers.length > 1) this.note(`I1: ${peers.join(' and ')} lead at ${Math.round(atMs)} ms`);
  }

  /** I2: of two versions that a majority has ever stored, the higher contains all that the lower says. */
  accepted(elector: PeerId, { version, value }: Accepted): void {
    const name = describeVersion(version);
    const holders = this.#stored.get(name) ?? new Set();
    this.#stored.set(name, holders);
    if (holders.has(elector)) return;
    holders.add(elector);
    if (holders.size !== this.#majority) return;
    const point = { version, trail: trailOf(value) };
    for (const other of this.#chosen) {
      const [low, high] = compareVersions(other.version, version) < 0 ? [other, point] : [point, other];
      if (!high.trail.startsWith(low.trail)) this.#lost(low, high);
    }
    this.#chosen.push(point);
  }

  /** I2: what proposers know to be committed only grows, and a new leader starts from the latest of it. */
  committed(leader: PeerId, { version, value }: Committed, won: boolean): void {
    const point = { version, trail: trailOf(value) };
    if (version.ballot.peer !== leader) this.note(`${leader} has committed ${describeVersion(version)}`);
    if (this.#latest !== null && compareVersions(version, this.#latest.version) < 0) {
      this.note(`I2: ${describeVersion(version)} is committed after ${describeVersion(this.#latest.version)}`);
    }
    if (this.#latest !== null && !point.trail.startsWith(this.#latest.trail)) this.#lost(this.#latest, point);
    if (won) this.counts.won += 1;
    if (won && point.trail !== '') this.counts.inherited += 1;
    if (point.trail !== (this.#latest?.trail ?? '')) this.counts.written += 1;
    this.#latest = point;
  }

  #lost(low: Point, high: Point): void {
    const [a, b] = [low, high].map(({ version, trail }) => `${describeVersion(version)} (${trail})`);
    this.note(`I2: ${a} was committed and is not in ${b}`);
  }
}
