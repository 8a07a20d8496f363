import type { Committed } from '../../election/proposer.ts';
import { describeDecline } from '../../protocol/bids.ts';
import { generationOf } from '../../protocol/generation.ts';
import type { MonoMs, PeerId } from '../../protocol/ids.ts';
import { Limits } from '../../protocol/limits.ts';
import type { Task } from '../../protocol/record.ts';
import { isTerminal } from '../../protocol/state.ts';
import type { Progress, StandingAnswer, StoryEvent, Summary } from '../../protocol/summary.ts';
import type { Membership } from './membership.ts';
import type { Parts } from './parts.ts';
import type { Step } from './step.ts';

/** Directly where that reaches everybody, else by gossip; `direct` are told directly in any case. */
export function announce(membership: Membership, summary: Summary, direct: readonly PeerId[], step: Step): void {
  const audience = membership.directAudience();
  if (audience === null) step.broadcast({ type: 'summary', summary });
  step.sendAll(audience ?? direct, { type: 'summary', summary });
}

/**
 * What a leader tells everybody: the story since its last summary, the state at every commit, progress now and then.
 */
export class Teller {
  readonly #task: Task;
  readonly #parts: Parts;
  #story: StoryEvent[] = [];
  #progressToldAt: MonoMs | null = null;
  /** The answers to the last round, for people. */
  answers: readonly StandingAnswer[] = [];

  constructor(task: Task, parts: Parts) {
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
    const { electorate } = generationOf(this.#task, committed.value);
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
    announce(membership, summary, hasLeader ? [] : electorate.filter((peer) => peer !== config.self), step);
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
