import type { Advert } from '../../protocol/hello.ts';
import { byText, type PeerId } from '../../protocol/ids.ts';
import type { Stored } from '../store/store.ts';
import type { Step } from './step.ts';

/** More PCs than any mesh has at a time; containers that join under a new identity each are many over the years. */
const peersKept = 1_000;

interface Acquaintance {
  readonly name: string;
  readonly addresses: readonly string[];
}

/**
 * The peers that were ever met, by name, and where: people know their PCs by name, also one that is off, and the next
 * start looks for them there. Who was not heard of for longest is forgotten first; a start counts as nothing heard, so of
 * those that were not heard of since it goes by their ids.
 */
export class Acquaintances {
  /** The one that was heard of last comes last; first those of an earlier run, by id. */
  readonly #met: Map<PeerId, Acquaintance>;

  constructor({ peers }: Pick<Stored, 'peers'>) {
    this.#met = new Map(peers.map(({ peer, name, addresses }) => [peer, { name, addresses }]));
  }

  get held(): number {
    return this.#met.size;
  }

  nameOf(peer: PeerId): string | undefined {
    return this.#met.get(peer)?.name;
  }

  /** Sorted by id. */
  names(): readonly (readonly [PeerId, string])[] {
    return [...this.#met].map(([peer, { name }]) => [peer, name] as const).sort(([a], [b]) => byText(a, b));
  }

  /** An unchanged advert costs no write. */
  meet({ peer, name, addresses }: Advert, step: Step): void {
    const before = this.#met.get(peer);
    this.#met.delete(peer);
    this.#met.set(peer, { name, addresses });
    if (addresses.length > 0 && !isSame(before, { name, addresses }))
      step.persistLazily({ kind: 'peer', peer, name, addresses });
    const [oldest] = this.#met.keys();
    if (this.#met.size <= peersKept || oldest === undefined) return;
    this.#met.delete(oldest);
    step.persistLazily({ kind: 'forget-peer', peer: oldest });
  }
}

const isSame = (a: Acquaintance | undefined, b: Acquaintance): boolean =>
  a !== undefined &&
  a.name === b.name &&
  a.addresses.length === b.addresses.length &&
  a.addresses.every((address, index) => address === b.addresses[index]);
