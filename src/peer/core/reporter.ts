import type { PublishStep } from '../../protocol/agent.ts';
import type { Now, PeerId } from '../../protocol/ids.ts';
import type { Message, MessageOf } from '../../protocol/messages.ts';
import { type Checkpoint, isNewer } from '../../protocol/state.ts';
import type { Catalogue } from './catalogue.ts';
import type { CoreConfig } from './io.ts';
import type { Ending, PublishRequest, Run } from './run.ts';
import type { Step } from './step.ts';

/** After this many heartbeats without an answer the worker looks for a new leader among the electors. */
const unansweredBeats = 2.5;

/** What may be started, and for how long. */
export interface Grant {
  readonly step: PublishStep;
  readonly validMs: number;
}

/** What a worker says to the leaders of its runs: with every heartbeat once more, until it is answered. */
export class Reporter {
  readonly #config: CoreConfig;
  readonly #catalogue: Catalogue;
  #request = 0;

  constructor(config: CoreConfig, catalogue: Catalogue) {
    this.#config = config;
    this.#catalogue = catalogue;
  }

  beat(run: Run, step: Step): void {
    this.say(run, step);
    step.setTimer({ type: 'work', run: run.id }, this.#config.timing.heartbeatEveryMs);
  }

  /** How it is: ended, waiting for a grant, or at work. */
  say(run: Run, step: Step): void {
    const { attempt, progress } = run;
    if (run.ending !== null) return this.tellEnd(run, run.ending, step);
    if (run.wish !== null) return this.#sendWish(run, run.wish, step);
    const checkpoint = this.#unwritten(run);
    this.#toLeader(run, { type: 'heartbeat', task: run.task.id, attempt, progress, checkpoint }, step);
  }

  /** Whoever leads now, it is told how the run is. */
  follow(run: Run, leader: PeerId, step: Step): void {
    run.leader = leader;
    run.ackedAt = step.monoMs;
    this.say(run, step);
  }

  /** Whatever was asked before is void. */
  ask(run: Run, { step: publishStep, fields }: Pick<PublishRequest, 'step' | 'fields'>, step: Step): void {
    run.wish = { step: publishStep, fields, sentAt: new Map() };
    this.#sendWish(run, run.wish, step);
  }

  /** A grant counts from when its own request was sent, less the margin for drift; too late is no grant. */
  answered(run: Run, message: MessageOf<'publish-grant'>, step: Step): Grant | null {
    const { wish } = run;
    const sentAt = wish?.sentAt.get(message.request);
    if (wish === null || sentAt === undefined || run.stopping !== null) return null;
    const validMs = message.validMs * this.#config.timing.grantUseShare - passedMs(sentAt, step.now);
    if (validMs <= 0) return null;
    run.wish = null;
    run.ackedAt = step.monoMs;
    return { step: wish.step, validMs };
  }

  tellEnd(run: Run, { outcome, costUsd }: Ending, step: Step): void {
    const about = { task: run.task.id, attempt: run.attempt, checkpoint: this.#unwritten(run) };
    this.#toLeader(run, { type: 'outcome', ...about, outcome, costUsd }, step);
  }

  #sendWish(run: Run, { step: publishStep, fields, sentAt }: PublishRequest, step: Step): void {
    this.#request += 1;
    const { grantMs } = this.#config.timing;
    for (const [request, at] of sentAt) if (passedMs(at, step.now) > grantMs) sentAt.delete(request);
    sentAt.set(this.#request, step.now);
    const about = { task: run.task.id, attempt: run.attempt, request: this.#request, checkpoint: this.#unwritten(run) };
    this.#toLeader(run, { type: 'publish-request', ...about, step: publishStep, ...fields }, step);
  }

  /** Its newest checkpoint, until the register is known to have it. */
  #unwritten({ task, saving: { saved } }: Run): Checkpoint | null {
    const known = this.#catalogue.get(task.id)?.state.checkpoint ?? null;
    return saved !== null && isNewer(saved, known) ? saved : null;
  }

  /** The leader, or every elector where it has not answered for a while: whoever leads now will. */
  #toLeader(run: Run, message: Message, step: Step): void {
    const silentMs = step.monoMs - run.ackedAt;
    const isLost = silentMs > unansweredBeats * this.#config.timing.heartbeatEveryMs;
    step.sendAll(isLost ? withFirst(run.leader, this.#catalogue.electorate(run.task.id)) : [run.leader], message);
  }
}

/** P4: the monotonic clock stands still while the machine sleeps, and the wall clock does not. */
const passedMs = (from: Now, to: Now): number => Math.max(to.monoMs - from.monoMs, Math.abs(to.wallMs - from.wallMs));

const withFirst = (first: PeerId, others: readonly PeerId[]): readonly PeerId[] => [
  first,
  ...others.filter((peer) => peer !== first),
];
