import { type RunId, type TaskId, taskOfRun } from '../../src/protocol/ids.ts';
import type { Task } from '../../src/protocol/record.ts';
import type { Observation, ObservationOf, Observer } from './observation.ts';
import type { AttemptSpan, FaultSpan, LeaderSpan, TaskHistory } from './result.ts';

type Open<Span> = { -readonly [Field in keyof Span]: Span[Field] };

interface Attempt extends Open<AttemptSpan> {
  readonly run: RunId;
}

interface Life {
  readonly task: Task;
  readonly submittedMs: number;
  endedMs: number | null;
  readonly attempts: Attempt[];
  readonly leaders: Open<LeaderSpan>[];
  pullRequests: number;
}

const kindOf = { crashed: 'crash', left: 'goodbye', paused: 'pause', slept: 'sleep' } as const;
const isFault = (change: string): change is keyof typeof kindOf => Object.hasOwn(kindOf, change);

/** What became of every task, and what befell the peers meanwhile: for reports and pictures. */
export class History implements Observer {
  readonly #lives = new Map<TaskId, Life>();
  readonly #asked = new Map<string, number>();
  readonly #faults: Open<FaultSpan>[] = [];
  /** By peer: what it suffers now. */
  readonly #openFaults = new Map<string, Open<FaultSpan>>();
  readonly #openCuts = new Map<number, Open<FaultSpan>>();
  ended = 0;

  get faults(): readonly FaultSpan[] {
    return this.#faults;
  }

  get tasks(): readonly TaskId[] {
    return [...this.#lives.keys()];
  }

  /** In the order of submission. */
  histories(stateOf: (task: TaskId) => string, workMsOf: (task: Task) => number): readonly TaskHistory[] {
    return [...this.#lives.values()].map(({ task, submittedMs, endedMs, attempts, leaders, pullRequests }) => ({
      id: task.id,
      title: task.body.title,
      state: stateOf(task.id),
      submittedMs,
      endedMs,
      workMs: workMsOf(task),
      attempts: attempts.map(({ run: _, ...span }) => span),
      leaders,
      pullRequests,
    }));
  }

  see(observation: Observation): void {
    switch (observation.type) {
      case 'asked':
        if (observation.command.type === 'submit')
          this.#asked.set(`${observation.peer} ${observation.command.draft.key}`, observation.at);
        return;
      case 'record':
        return this.#onRecord(observation);
      case 'told-end':
        return this.#onEnd(observation);
      case 'agent-started':
        return this.#onStart(observation);
      case 'agent-ended':
        return this.#onAgentEnd(observation);
      case 'lease':
        return this.#onLease(observation);
      case 'pull-opened': {
        const life = this.#lives.get(taskOfRun(observation.by));
        if (life !== undefined) life.pullRequests += 1;
        return;
      }
      case 'peer':
        return this.#onPeer(observation);
      case 'cut': {
        const { at, id, kind, peers } = observation;
        const span = { kind, peers, fromMs: at, untilMs: null };
        this.#faults.push(span);
        this.#openCuts.set(id, span);
        return;
      }
      case 'healed': {
        const span = this.#openCuts.get(observation.id);
        if (span !== undefined) span.untilMs = observation.at;
        return;
      }
      default:
    }
  }

  #onRecord({ at, peer, task }: ObservationOf<'record'>): void {
    if (this.#lives.has(task.id)) return;
    const submittedMs = this.#asked.get(`${peer} ${task.body.key}`) ?? at;
    this.#lives.set(task.id, { task, submittedMs, endedMs: null, attempts: [], leaders: [], pullRequests: 0 });
  }

  #onEnd({ at, task }: ObservationOf<'told-end'>): void {
    const life = this.#lives.get(task);
    if (life === undefined || life.endedMs !== null) return;
    life.endedMs = at;
    this.ended += 1;
  }

  #onStart({ at, peer, job }: ObservationOf<'agent-started'>): void {
    const { run, attempt: number, task } = job;
    this.#lives.get(task.id)?.attempts.push({ run, number, worker: peer, startedMs: at, endedMs: null, how: null });
  }

  #onAgentEnd({ at, peer, run, how }: ObservationOf<'agent-ended'>): void {
    const attempts = this.#lives.get(taskOfRun(run))?.attempts ?? [];
    const attempt = attempts.find((one) => one.run === run && one.worker === peer && one.endedMs === null);
    if (attempt === undefined) return;
    attempt.endedMs = at;
    attempt.how = how === 'published' ? 'done' : how;
  }

  #onLease({ at, peer, task, change }: ObservationOf<'lease'>): void {
    const leaders = this.#lives.get(task)?.leaders;
    if (change === 'won') leaders?.push({ peer, fromMs: at, untilMs: null });
    else end(leaders, peer, at);
  }

  /** Whatever it did or suffered before is over: a process that is killed while it stands still stands still no more. */
  #onPeer({ at, peer, change }: ObservationOf<'peer'>): void {
    const before = this.#openFaults.get(peer);
    if (before !== undefined) before.untilMs = at;
    this.#openFaults.delete(peer);
    if (isFault(change)) {
      const span = { kind: kindOf[change], peers: [peer], fromMs: at, untilMs: null };
      this.#faults.push(span);
      this.#openFaults.set(peer, span);
    }
    if (change === 'crashed' || change === 'left')
      for (const { leaders } of this.#lives.values()) end(leaders, peer, at);
  }
}

function end(leaders: readonly Open<LeaderSpan>[] | undefined, peer: string, at: number): void {
  for (const span of leaders ?? []) if (span.peer === peer && span.untilMs === null) span.untilMs = at;
}
