import type { AttemptSpan, FaultSpan, LeaderSpan, RunResult, TaskHistory } from '../../../test/sim/result.ts';
import { clock, duration, plural } from '../format.ts';

/** What is drawn, without a word on how: lanes of spans in virtual time, one lane per peer or per task. */
export interface Lane {
  readonly name: string;
  readonly note: string;
  /** How the task ended, where the lane is a task. */
  readonly state: string | null;
  readonly attempts: readonly Span[];
  readonly leaders: readonly Span[];
  readonly shades: readonly Span[];
}

export interface Span {
  readonly fromMs: number;
  readonly untilMs: number;
  /** Spans of one lane that overlap lie in rows of their own. */
  readonly row: number;
  /** What it stands for: how an attempt ended, what kind of fault it is. */
  readonly kind: string;
  /** The colour's hue: of the task in a peer's lane, of the peer in a task's. */
  readonly hue: number;
  readonly label: string;
  readonly title: string;
  /** The index of the task, so that all that belongs together can be shown together. */
  readonly task: number | null;
}

/** More rows than this would make a lane taller than it is worth: a busy leader's spans then share them. */
const mostLeaderRows = 6;

export function peerLanes(result: RunResult): readonly Lane[] {
  const all = worksOf(result);
  return result.peers.map((peer) => {
    const attempts = all.flatMap((work) =>
      work.task.attempts
        .filter(({ worker }) => worker === peer)
        .map((one) => attemptSpan(work, one, hueOf(work.index), `${work.task.title} #${one.number}`)),
    );
    const leaders = all.flatMap((work) =>
      work.task.leaders.filter((one) => one.peer === peer).map((one) => leaderSpan(work, one, hueOf(work.index))),
    );
    const shades = result.faults
      .filter(({ peers }) => peers.includes(peer))
      .map((fault) => faultSpan(fault, result.virtualMs));
    const note = plural(attempts.length, 'attempt');
    return {
      name: peer,
      note,
      state: null,
      attempts: packed(attempts),
      leaders: packed(leaders, mostLeaderRows),
      shades,
    };
  });
}

export function taskLanes(result: RunResult): readonly Lane[] {
  const hues = new Map(result.peers.map((peer, index) => [peer, hueOf(index)]));
  return worksOf(result).map((work) => {
    const { task, endMs } = work;
    const attempts = task.attempts.map((one) =>
      attemptSpan(
        work,
        one,
        hues.get(one.worker) ?? 0,
        `${one.worker}${task.attempts.length > 1 ? ` #${one.number}` : ''}`,
      ),
    );
    const leaders = task.leaders.map((one) => leaderSpan(work, one, hues.get(one.peer) ?? 0));
    return {
      name: task.title,
      note: task.id.slice(0, 8),
      state: task.state,
      attempts: packed(attempts),
      leaders: packed(leaders, mostLeaderRows),
      shades: [lifeSpan(work, task.endedMs ?? endMs)],
    };
  });
}

interface Work {
  readonly task: TaskHistory;
  readonly index: number;
  /** When the run ended: what has no end of its own ends there. */
  readonly endMs: number;
}

const worksOf = ({ tasks, virtualMs }: RunResult): readonly Work[] =>
  tasks.map((task, index) => ({ task, index, endMs: virtualMs }));

/** Neighbours in the list get hues far apart: the golden angle. */
const hueOf = (index: number): number => Math.round(index * 137.508) % 360;

function attemptSpan({ task, index, endMs }: Work, attempt: AttemptSpan, hue: number, label: string): Span {
  const { number, worker, startedMs, endedMs } = attempt;
  const how = attempt.how ?? 'running';
  const title = `${task.title}\nattempt ${number} on ${worker}: ${how}\n${lasting(startedMs, endedMs ?? endMs)}`;
  return { fromMs: startedMs, untilMs: endedMs ?? endMs, row: 0, kind: how, hue, label, title, task: index };
}

function leaderSpan({ task, index, endMs }: Work, { peer, fromMs, untilMs }: LeaderSpan, hue: number): Span {
  const until = untilMs ?? endMs;
  const title = `${task.title}\nled by ${peer}\n${lasting(fromMs, until)}`;
  return { fromMs, untilMs: until, row: 0, kind: 'leader', hue, label: '', title, task: index };
}

function faultSpan({ kind, peers, fromMs, untilMs }: FaultSpan, endMs: number): Span {
  const title = `${kind}: ${peers.join(', ')}\n${lasting(fromMs, untilMs ?? endMs)}`;
  return { fromMs, untilMs: untilMs ?? endMs, row: 0, kind, hue: 0, label: '', title, task: null };
}

/** From the submission to the end. */
function lifeSpan({ task, index }: Work, untilMs: number): Span {
  const { title, state, submittedMs: fromMs } = task;
  return {
    fromMs,
    untilMs,
    row: 0,
    kind: 'life',
    hue: 0,
    label: '',
    title: `${title}\n${state}\n${lasting(fromMs, untilMs)}`,
    task: index,
  };
}

const lasting = (fromMs: number, untilMs: number): string =>
  `${clock(fromMs)} → ${clock(untilMs)} (${duration(untilMs - fromMs)})`;

/** Each span into the first row that is free; where all are taken, into the one that is free the earliest. */
function packed(spans: readonly Span[], mostRows = Number.POSITIVE_INFINITY): readonly Span[] {
  const freeMs: number[] = [];
  return spans
    .toSorted((a, b) => a.fromMs - b.fromMs || a.untilMs - b.untilMs)
    .map((span) => {
      const free = freeMs.findIndex((at) => at <= span.fromMs);
      const full = freeMs.length >= mostRows ? freeMs.indexOf(Math.min(...freeMs)) : freeMs.length;
      const row = free === -1 ? full : free;
      freeMs[row] = Math.max(freeMs[row] ?? 0, span.untilMs);
      return { ...span, row };
    });
}
