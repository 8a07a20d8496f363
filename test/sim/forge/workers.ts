import type { Aptitude, Job, PublishStep } from '../../../src/protocol/agent.ts';
import { type RunId, wallMs } from '../../../src/protocol/ids.ts';
import type { Repository, Task } from '../../../src/protocol/record.ts';
import type { AgentHost, VirtualAgents } from '../agents.ts';
import { nameOfRepository } from '../oracles/oracle.ts';
import type { Random } from '../random.ts';
import type { VirtualForge } from './forge.ts';
import { type Ending, Publishing, sleeping, VirtualGrants } from './publishing.ts';
import { Coroutine, type Waiting } from './waiting.ts';
import type { Wire } from './wire.ts';

/** How agents do, as shares of their attempts. */
export interface AgentTraits {
  /** How long an attempt takes, each task's own. */
  readonly workMs: readonly [low: number, high: number];
  readonly failures: number;
  readonly refusals: number;
  readonly quotas: number;
}

interface Running {
  readonly peer: string;
  readonly grants: VirtualGrants;
  readonly steps: Coroutine<Ending>;
}

const progressEveryMs = 20_000;
const quotaMs = [20_000, 240_000] as const;
/** Until nothing of a stopped agent is left. */
const stopMs = [5, 400] as const;

/** Agents that work for a while and bring what they made to the virtual forge: the product's `JobRun` in virtual time. */
export class Workers implements VirtualAgents {
  readonly #forge: VirtualForge;
  readonly #wire: Wire;
  readonly #random: Random;
  readonly #running = new Map<string, Running>();
  #traits: AgentTraits;

  constructor(forge: VirtualForge, wire: Wire, random: Random, traits: AgentTraits) {
    this.#forge = forge;
    this.#wire = wire;
    this.#random = random;
    this.#traits = traits;
  }

  /** From now on no agent fails. */
  calmDown(): void {
    this.#traits = { ...this.#traits, failures: 0, refusals: 0, quotas: 0 };
    this.#wire.calmDown();
  }

  /** How long its agent takes when nothing disturbs it. */
  workMs({ body }: Pick<Task, 'body'>): number {
    return Math.round(this.#random.fork(`work ${body.key}`).magnitude(...this.#traits.workMs));
  }

  start(host: AgentHost, job: Job): void {
    const grants = new VirtualGrants(host);
    const random = this.#random.fork(`${host.peer} ${job.run}`);
    const steps = new Coroutine(this.#attempt(host, job, grants, random), (ending) =>
      host.after(ending === null ? random.between(...stopMs) : 0, () => {
        this.#running.delete(keyOf(host.peer, job.run));
        host.report(job.run, ending ?? { type: 'stopped' });
      }),
    );
    this.#running.set(keyOf(host.peer, job.run), { peer: host.peer, grants, steps });
    host.after(0, () => steps.run());
  }

  publish({ peer }: AgentHost, { run }: Job, step: PublishStep, validMs: number): void {
    this.#running.get(keyOf(peer, run))?.grants.give(step, validMs);
  }

  stop({ peer }: AgentHost, { run }: Job): void {
    this.#running.get(keyOf(peer, run))?.steps.stop();
  }

  killed(peer: string): void {
    for (const [key, running] of this.#running) if (running.peer === peer) this.#running.delete(key);
    this.#wire.killed(peer);
  }

  aptitude(peer: string, repository: Repository): Aptitude {
    return { noAccess: null, warm: this.#random.fork(`warm ${peer} ${nameOfRepository(repository)}`).chance(0.5) };
  }

  *#attempt(host: AgentHost, job: Job, grants: VirtualGrants, random: Random): Waiting<Ending> {
    const publishing = new Publishing({ job, host, forge: this.#forge, wire: this.#wire, grants });
    const earlier = yield* publishing.finishEarlier();
    if (earlier !== null) return earlier;
    const { failures, refusals, quotas } = this.#traits;
    const luck = random.next();
    const workMs = this.workMs(job.task);
    if (luck < refusals) return { type: 'refused', reason: 'no access: the forge says no' };
    if (luck < refusals + failures + quotas) {
      yield* this.#work(host, job, workMs * random.next());
      return luck < refusals + failures
        ? { type: 'failed', reason: 'the agent gave up', final: false, costUsd: 0.1 }
        : { type: 'quota', until: this.#quotaEnd(host, random), reason: 'the plan is used up', costUsd: 0.1 };
    }
    yield* this.#work(host, job, workMs);
    return yield* publishing.publish(this.#forge.commit(job.run));
  }

  *#work(host: AgentHost, job: Job, workMs: number): Waiting<void> {
    for (let leftMs = workMs; leftMs > 0; leftMs -= progressEveryMs) {
      yield* sleeping(host, Math.min(leftMs, progressEveryMs));
      if (leftMs > progressEveryMs) host.report(job.run, { type: 'progress', text: 'at work', costUsd: 0.1 });
    }
  }

  #quotaEnd(host: AgentHost, random: Random) {
    return wallMs(Math.round(host.clocks().wallMs + random.magnitude(...quotaMs)));
  }
}

const keyOf = (peer: string, run: RunId): string => `${peer} ${run}`;
