import type { Advert } from '../../protocol/hello.ts';
import type { PeerId, WallMs } from '../../protocol/ids.ts';
import type { Bidder } from './bidder.ts';
import type { Membership, Status } from './membership.ts';
import type { Spending } from './spending.ts';
import type { Step } from './step.ts';
import type { Worker } from './worker.ts';

/** Changes of this peer's status are gathered for so long before they are gossiped. */
const statusDelayMs = 1_000;

/** What this peer tells about itself, on change and at an interval, and what it keeps of what others tell. */
export class Adverts {
  readonly #membership: Membership;
  readonly #worker: Worker;
  readonly #bidder: Bidder;
  readonly #spending: Spending;
  #advertised: Status | null = null;
  #changeTimerSet = false;

  constructor(membership: Membership, worker: Worker, bidder: Bidder, spending: Spending) {
    this.#membership = membership;
    this.#worker = worker;
    this.#bidder = bidder;
    this.#spending = spending;
  }

  onIntervalTimer(step: Step): void {
    this.#advertise(step);
    step.setTimer({ type: 'advert' }, this.#membership.advertEveryMs());
  }

  onChangeTimer(step: Step): void {
    this.#changeTimerSet = false;
    this.#advertise(step);
  }

  /** Adverts go out on change too, but not for every one of a burst. */
  considerChange(step: Step): void {
    if (this.#changeTimerSet || isSameStatus(this.status(step.wallMs), this.#advertised)) return;
    this.#changeTimerSet = true;
    step.setTimer({ type: 'status' }, statusDelayMs);
  }

  onAdvert(from: PeerId, advert: Advert, step: Step): void {
    if (advert.peer === from && this.#membership.heard(advert, step)) this.greeted(advert);
  }

  /** What it has spent today counts for the mesh's budget. */
  greeted({ peer, spentToday }: Advert): void {
    this.#spending.heard(peer, spentToday);
  }

  #advertise(step: Step): void {
    this.#advertised = this.status(step.wallMs);
    this.#membership.advertise(this.#advertised, step);
  }

  status(now: WallMs): Status {
    const { running } = this.#worker;
    return { running, unavailable: this.#bidder.unavailable(now), spentToday: this.#spending.today(now) };
  }
}

/** What is spent changes with every call of a model: it goes with the next advert that there is. */
const isSameStatus = (a: Status, b: Status | null): boolean =>
  b !== null &&
  a.running === b.running &&
  a.unavailable?.reason === b.unavailable?.reason &&
  a.unavailable?.until === b.unavailable?.until;
