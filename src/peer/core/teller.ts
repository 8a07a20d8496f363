import type { Committed } from '../../election/proposer.ts';
import { describeDecline } from '../../protocol/bids.ts';
import type { MonoMs } from '../../protocol/ids.ts';
import { Limits } from '../../protocol/limits.ts';
import type { Task } from '../../protocol/record.ts';
import { isTerminal } from '../../protocol/state.ts';
import type { Progress, StandingAnswer, StoryEvent, Summary } from '../../protocol/summary.ts';
import type { Catalogue } from './catalogue.ts';
import type { CoreConfig } from './io.ts';
import type { Membership } from './membership.ts';
import type { Step } from './step.ts';

/** What a leadership has of its peer. */
export interface LeadershipParts {
  readonly config: CoreConfig;
  readonly catalogue: Catalogue;
  readonly membership: Membership;
}

/** What a leader tells everybody: the story since its last summary, the state at every commit, progress now and then. */
export class Teller {
  readonly #task: Task;
  readonly #parts: LeadershipParts;
  #story: StoryEvent[] = [];
  #progressToldAt: MonoMs | null = null;
  /** The answers to the last round, for people. */
  answers: readonly StandingAnswer[] = [];

  constructor(task: Task, parts: LeadershipParts) {
    this.#task = task;
    this.#parts = parts;
  }

  /** Goes out with the next summary. */
  note(event: string, detail: string, step: Step): void {
    this.#story.push({ at: step.wallMs, by: this.#parts.config.self, event, detail: detail.slice(0, Limits.reason) });
  }

  /** Electors are told directly too where the lease is about to be released: they must not try for it in vain. */
  summarise(committed: Committed, stalled: string | null, step: Step): void {
    const { config, catalogue, membership } = this.#parts;
    const hasLeader = stalled === null && !isTerminal(committed.value);
    const summary: Summary = {
      task: this.#task.id,
      version: committed.valueVersion,
      state: committed.value,
      leader: hasLeader ? config.self : null,
      stalled,
      answers: [...this.answers],
      story: this.#story.slice(-Limits.storyEventsPerSummary),
    };
    this.#story = [];
    catalogue.learn(summary, step);
    const direct = membership.directAudience();
    if (direct !== null) return step.sendAll(direct, { type: 'summary', summary });
    step.broadcast({ type: 'summary', summary });
    if (hasLeader) return;
    const others = this.#task.body.electorate.filter((peer) => peer !== config.self);
    step.sendAll(others, { type: 'summary', summary });
  }

  progress(attempt: number, progress: Progress, step: Step): void {
    const { catalogue, config } = this.#parts;
    catalogue.progress(this.#task.id, attempt, progress, step);
    const isDue = this.#progressToldAt === null || step.monoMs - this.#progressToldAt >= config.timing.progressEveryMs;
    if (!isDue || catalogue.get(this.#task.id)?.progress !== progress) return;
    this.#progressToldAt = step.monoMs;
    step.broadcast({ type: 'progress', task: this.#task.id, attempt, progress });
  }

  /** `alpha bid 0.91, beta declined: busy (1 of 1 slots)` */
  describeAnswers(): string {
    return this.answers
      .map(({ peer, answer }) => {
        const name = this.#parts.membership.nameOf(peer);
        return answer.type === 'bid'
          ? `${name} bid ${answer.score.toFixed(2)}`
          : `${name} declined: ${describeDecline(answer)}`;
      })
      .join(', ');
  }
}
