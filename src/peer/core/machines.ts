import type { Now } from '../../protocol/ids.ts';
import type { Task } from '../../protocol/record.ts';
import type { Stored } from '../store/store.ts';
import { Adverts } from './adverts.ts';
import { Bidder } from './bidder.ts';
import { Burials } from './burials.ts';
import { Catalogue } from './catalogue.ts';
import { Drain } from './drain.ts';
import { Generations } from './generations.ts';
import { Healing } from './healing.ts';
import type { CoreConfig } from './io.ts';
import { Leaders } from './leaders.ts';
import { Means } from './means.ts';
import { Membership } from './membership.ts';
import { News } from './news.ts';
import type { Parts } from './parts.ts';
import { Registers } from './registers.ts';
import { Requests } from './requests.ts';
import { Seats } from './seats.ts';
import { Submissions } from './submissions.ts';
import { Sync } from './sync.ts';
import { Worker } from './worker.ts';

/** The machines of one peer: each knows the few that it was made with, the core all of them. */
export interface Machines extends Parts {
  readonly seats: Seats;
  readonly generations: Generations;
  readonly leaders: Leaders;
  readonly means: Means;
  readonly worker: Worker;
  readonly bidder: Bidder;
  readonly news: News;
  readonly burials: Burials;
  readonly submissions: Submissions;
  readonly requests: Requests;
  readonly sync: Sync;
  readonly adverts: Adverts;
  readonly drain: Drain;
}

/** `tasks` are the stored records, opened. */
export function assemble(config: CoreConfig, stored: Stored, tasks: readonly Task[], now: Now): Machines {
  const membership = new Membership(config, stored, now.monoMs);
  const catalogue = new Catalogue(stored, tasks);
  const registers = new Registers(config, catalogue, stored, now);
  const healing = new Healing(config.timing, membership, config.random);
  const parts: Parts = { config, catalogue, membership, registers, healing };
  const seats = new Seats(parts);
  const requests = new Requests(config, catalogue, membership);
  const generations = new Generations(parts, seats, requests);
  const leaders = new Leaders(parts, seats, generations.moves);
  const means = new Means(config, stored);
  const worker = new Worker(config, catalogue, means);
  const bidder = new Bidder(config, catalogue, membership, worker, means);
  const burials = new Burials(parts, { seats, leaders, worker, bidder });
  return {
    ...parts,
    seats,
    generations,
    leaders,
    means,
    worker,
    bidder,
    burials,
    news: new News(parts, { seats, generations, leaders, worker, bidder, burials }),
    submissions: new Submissions(config, catalogue, membership, stored),
    requests,
    sync: new Sync(config, catalogue, membership),
    adverts: new Adverts(membership, worker, bidder, means.spending),
    drain: new Drain({ bidder, worker, seats, generations, leaders, drainMs: config.timing.drainMs }),
  };
}

/** By machine: how many entries of all kinds it keeps. Those left out keep a thing or two, and no collection that grows. */
export function heldBy(machines: Machines): Readonly<Record<string, number>> {
  const { tombstones } = machines.catalogue;
  const { acquaintances } = machines.membership;
  const { config, news, sync, adverts, drain, ...growing } = machines;
  const all: Readonly<Record<string, { readonly held: number }>> = { ...growing, tombstones, acquaintances };
  return Object.fromEntries(Object.entries(all).map(([name, { held }]) => [name, held]));
}
