import type { Aptitude, Job, PublishStep, StopReason } from '../../../src/protocol/agent.ts';
import { type BlobId, type CommitId, type RunId, type WallMs, wallMs } from '../../../src/protocol/ids.ts';
import { addUsd } from '../../../src/protocol/money.ts';
import { type Repository, repositoryText, type Task } from '../../../src/protocol/record.ts';
import type { AgentHost, VirtualAgents } from '../agents.ts';
import type { Random } from '../random.ts';
import type { VirtualForge } from './forge.ts';
import { type Ending, Publishing, sleeping, VirtualGrants } from './publishing.ts';
import { Coroutine, type Waiting, waitFor } from './waiting.ts';
import type { Wire } from './wire.ts';

/** How agents do, as shares of their attempts. */
export interface AgentTraits {
  /** How long an attempt takes, each task's own. */
  readonly workMs: readonly [low: number, high: number];
  readonly failures: number;
  readonly refusals: number;
  readonly quotas: number;
  /** The share of its milestones at which an agent's work is saved. */
  readonly checkpoints: number;
  /** What work costs in USD, each task's own. */
  readonly usdPerMinute: readonly [low: number, high: number];
}

/** An attempt at work. */
interface Work {
  readonly host: AgentHost;
  readonly job: Job;
  share: number;
  savedShare: number;
  checkpoints: number;
  costUsd: number;
}

interface Running {
  readonly peer: string;
  readonly work: Work;
  readonly grants: VirtualGrants;
  readonly steps: Coroutine<Ending>;
}

/** From one milestone to the next. */
const milestoneMs = [3_000, 25_000] as const;
const quotaMs = [20_000, 240_000] as const;
const rejectedKeys = 0.15;
/** Until nothing of a stopped agent is left. */
const stopMs = [5, 400] as const;

/** Agents that work for a while and bring what they made to the virtual forge: the product's `JobRun` in virtual time. */
export class Workers implements VirtualAgents {
  readonly #forge: VirtualForge;
  readonly #wire: Wire;
  readonly #random: Random;
  readonly #running = new Map<string, Running>();
  /** The share of a task's work that a checkpoint holds. */
  readonly #saved = new Map<BlobId, number>();
  #traits: AgentTraits;
  #areFree = false;

  constructor(forge: VirtualForge, wire: Wire, random: Random, traits: AgentTraits) {
    this.#forge = forge;
    this.#wire = wire;
    this.#random = random;
    this.#traits = traits;
  }

  /** From now on no agent fails, or costs anything. */
  calmDown(): void {
    this.#traits = { ...this.#traits, failures: 0, refusals: 0, quotas: 0 };
    this.#areFree = true;
    this.#wire.calmDown();
  }

  /** How long its agent takes when nothing disturbs it. */
  workMs({ body }: Pick<Task, 'body'>): number {
    return Math.round(this.#random.fork(`work ${body.key}`).magnitude(...this.#traits.workMs));
  }

  start(host: AgentHost, job: Job): void {
    const grants = new VirtualGrants(host);
    const random = this.#random.fork(`${host.peer} ${job.run}`);
    const work: Work = { host, job, share: 0, savedShare: 0, checkpoints: 0, costUsd: 0 };
    const steps = new Coroutine(this.#attempt(work, grants, random), (ending) =>
      host.after(ending === null ? random.between(...stopMs) : 0, () => {
        this.#running.delete(keyOf(host.peer, job.run));
        host.report(job.run, withCost(ending ?? { type: 'stopped' }, work.costUsd));
      }),
    );
    this.#running.set(keyOf(host.peer, job.run), { peer: host.peer, work, grants, steps });
    host.after(0, () => steps.run());
  }

  publish({ peer }: AgentHost, { run }: Job, step: PublishStep, validMs: number): void {
    this.#running.get(keyOf(peer, run))?.grants.give(step, validMs);
  }

  /** What is handed over is saved first. */
  stop({ peer }: AgentHost, { run }: Job, reason: StopReason): void {
    const running = this.#running.get(keyOf(peer, run));
    running?.steps.stop();
    if ((reason === 'draining' || reason === 'quota') && running !== undefined) this.#save(running.work);
  }

  killed(peer: string): void {
    for (const [key, running] of this.#running) if (running.peer === peer) this.#running.delete(key);
    this.#wire.killed(peer);
  }

  aptitude(peer: string, repository: Repository): Aptitude {
    return { noAccess: null, warm: this.#random.fork(`warm ${peer} ${repositoryText(repository)}`).chance(0.5) };
  }

  *#attempt(work: Work, grants: VirtualGrants, random: Random): Waiting<Ending> {
    const { host, job } = work;
    const publishing = new Publishing({ job, host, forge: this.#forge, wire: this.#wire, grants });
    const earlier = yield* publishing.finishEarlier();
    if (earlier !== null) return earlier;
    const { failures, refusals, quotas } = this.#traits;
    const luck = random.next();
    const workMs = this.workMs(job.task);
    if (luck < refusals) return { type: 'refused', reason: 'no access: the forge says no' };
    if (yield* this.#goOn(work)) return yield* publishing.publish(this.#forge.commit(job.run));
    if (isSpent(work)) return failed('nothing is left of what the task may cost', true);
    const isUnlucky = luck < refusals + failures + quotas;
    yield* this.#work(work, workMs, random, isUnlucky ? random.between(work.share, 1) : 1);
    if (isSpent(work) && work.share < 1) {
      this.#save(work);
      return failed('it has cost what it may');
    }
    if (isUnlucky && luck < refusals + failures) return failed('the agent gave up');
    if (isUnlucky) {
      this.#save(work);
      return { type: 'quota', until: this.#quotaEnd(host, random), reason: 'the plan is used up', costUsd: null };
    }
    const commit = this.#forge.commit(job.run);
    this.#save(work, commit);
    return yield* publishing.publish(commit);
  }

  /** With what an earlier attempt has saved, if it can be had. True where only publishing is left. */
  *#goOn(work: Work): Waiting<boolean> {
    const { host, job } = work;
    const { checkpoint, holders, run, task } = job;
    if (checkpoint === null) return false;
    const wanted = { task: task.id, blob: checkpoint.blob, holders };
    const isHere = yield* waitFor<boolean>((resume) => host.fetch(wanted, resume), true);
    const share = this.#saved.get(checkpoint.blob);
    if (!isHere || share === undefined) return false;
    host.wentOn(run, checkpoint.blob);
    work.share = share;
    work.savedShare = share;
    return checkpoint.finished;
  }

  *#work(work: Work, workMs: number, random: Random, untilShare: number): Waiting<void> {
    const { host, job } = work;
    while (work.share < untilShare) {
      const ms = Math.min((untilShare - work.share) * workMs, random.magnitude(...milestoneMs));
      yield* sleeping(host, ms);
      this.#charge(work, ms);
      work.share = Math.min(work.share + ms / workMs, untilShare);
      if (untilShare - work.share < 1e-9) work.share = untilShare;
      else {
        host.report(job.run, { type: 'progress', text: 'at work', costUsd: work.costUsd });
        if (random.chance(this.#traits.checkpoints)) this.#save(work);
      }
      if (isSpent(work)) return;
    }
  }

  /** A call of the model has ended, and is to be paid for. The last of an attempt is told with its end. */
  #charge(work: Work, ms: number): void {
    const { host, job } = work;
    const [leastUsd, mostUsd] = this.#traits.usdPerMinute;
    if (this.#areFree || mostUsd === 0) return;
    const perMinute = this.#random.fork(`cost ${job.task.body.key}`).magnitude(leastUsd, mostUsd);
    const usd = addUsd((perMinute * ms) / 60_000, 0);
    work.costUsd = addUsd(work.costUsd, usd);
    host.spent(job.run, usd);
  }

  /** Nothing where nothing is new, unless it is the commit that is to be published. */
  #save(work: Work, final: CommitId | null = null): void {
    const { host, job, share } = work;
    if (final === null && share <= work.savedShare) return;
    const commit = final ?? this.#forge.commit(job.run);
    const blob = (this.#saved.size + 1).toString(16).padStart(64, '0') as BlobId;
    this.#saved.set(blob, share);
    work.savedShare = share;
    work.checkpoints += 1;
    const { attempt } = job;
    const at = wallMs(Math.round(host.clocks().wallMs));
    const [bytes, number, finished, session] = [1_000, work.checkpoints, final !== null, null];
    const checkpoint = { blob, bytes, base, commit, attempt, number, finished, session, at };
    host.report(job.run, { type: 'checkpoint', checkpoint });
  }

  /** Null: the key was rejected. */
  #quotaEnd(host: AgentHost, random: Random): WallMs | null {
    if (random.chance(rejectedKeys)) return null;
    return wallMs(Math.round(host.clocks().wallMs + random.magnitude(...quotaMs)));
  }
}

const failed = (reason: string, final = false): Ending => ({ type: 'failed', reason, final, costUsd: null });

/** Like a real executor, it looks after each call. */
const isSpent = ({ job, costUsd }: Work): boolean => job.spendableUsd !== null && costUsd >= job.spendableUsd;

const withCost = (ending: Ending, costUsd: number): Ending =>
  ending.type === 'refused' ? ending : { ...ending, costUsd };

/** Of all work. */
const base = '0'.repeat(40) as CommitId;

const keyOf = (peer: string, run: RunId): string => `${peer} ${run}`;
