import type { PeerEvent } from '../../../src/peer/core/io.ts';
import type { Job } from '../../../src/protocol/agent.ts';
import type { AttemptSpan, FaultSpan, LeaderSpan, TaskHistory, Violation } from '../../../test/sim/result.ts';
import type { RunnerEvents } from './agent.ts';

type Open<Span> = { -readonly [Key in keyof Span]: Span[Key] };

interface TaskRecord {
  readonly title: string;
  readonly submittedMs: number;
  readonly attempts: Open<AttemptSpan>[];
  readonly leaders: Open<LeaderSpan>[];
  endedMs: number | null;
}

/** What an observer of a live mesh has seen, in milliseconds since its start. */
export class History {
  readonly violations: Violation[] = [];
  readonly faults: Open<FaultSpan>[] = [];
  readonly failoversMs: number[] = [];
  readonly #tasks = new Map<string, TaskRecord>();
  /** Tasks whose worker was lost, and when. */
  readonly #lost = new Map<string, number>();
  readonly #begunMs = performance.now();

  nowMs(): number {
    return performance.now() - this.#begunMs;
  }

  submitted(task: string, title: string, submittedMs: number): void {
    const known = this.#tasks.get(task) ?? { attempts: [], leaders: [], endedMs: null };
    this.#tasks.set(task, { ...known, title, submittedMs });
  }

  ended(task: string): void {
    this.#of(task).endedMs ??= this.nowMs();
  }

  /** The peers' agents must go on elsewhere: the clock of a failover begins. */
  workersLost(peers: readonly string[]): void {
    for (const [task, { attempts }] of this.#tasks) {
      const isLost = attempts.some(({ worker, endedMs }) => endedMs === null && peers.includes(worker));
      if (isLost && !this.#lost.has(task)) this.#lost.set(task, this.nowMs());
    }
  }

  fault(kind: string, peers: readonly string[]): () => void {
    const span: Open<FaultSpan> = { kind, peers, fromMs: this.nowMs(), untilMs: null };
    this.faults.push(span);
    return () => {
      span.untilMs ??= this.nowMs();
    };
  }

  agentsOf(worker: string): RunnerEvents {
    const running = new Map<Job, Open<AttemptSpan>>();
    return {
      onStart: (job) => {
        const startedMs = this.nowMs();
        const span = { number: job.attempt, worker, startedMs, endedMs: null, how: null };
        running.set(job, span);
        this.#of(job.task.id).attempts.push(span);
        const lostMs = this.#lost.get(job.task.id);
        if (lostMs !== undefined) this.failoversMs.push(startedMs - lostMs);
        this.#lost.delete(job.task.id);
        if (running.size > 1) this.violate('I7', `${worker} runs ${running.size} agents and has room for one`);
      },
      onEnd: (job, how) => {
        const span = running.get(job);
        if (span !== undefined) Object.assign(span, { endedMs: this.nowMs(), how });
        running.delete(job);
        // It kept its attempt, or handed it over by itself.
        if (how === 'done') this.#lost.delete(job.task.id);
      },
    };
  }

  onEvent(peer: string, event: PeerEvent): void {
    if (event.type !== 'lease') return;
    const { leaders } = this.#of(event.task);
    if (event.change === 'won') leaders.push({ peer, fromMs: this.nowMs(), untilMs: null });
    else this.#endLead(leaders, peer);
  }

  /** A peer that has stopped leads nothing, and says nothing of it. */
  gone(peer: string): void {
    for (const { leaders } of this.#tasks.values()) this.#endLead(leaders, peer);
  }

  violate(invariant: string, text: string): void {
    this.violations.push({ invariant, atMs: this.nowMs(), text });
  }

  tasks(stateOf: (task: string) => string, workMsOf: (task: string) => number): readonly TaskHistory[] {
    return [...this.#tasks].map(([id, task]) => {
      const state = stateOf(id);
      return { ...task, id, state, workMs: workMsOf(id), pullRequests: state === 'done' ? 1 : 0 };
    });
  }

  #endLead(leaders: readonly Open<LeaderSpan>[], peer: string): void {
    for (const span of leaders) if (span.peer === peer) span.untilMs ??= this.nowMs();
  }

  /** Events may come before the reply that tells of the submission. */
  #of(task: string): TaskRecord {
    const known = this.#tasks.get(task);
    if (known !== undefined) return known;
    const record = { title: '', submittedMs: this.nowMs(), attempts: [], leaders: [], endedMs: null };
    this.#tasks.set(task, record);
    return record;
  }
}
