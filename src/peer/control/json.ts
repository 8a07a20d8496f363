import { describeDecline } from '../../protocol/bids.ts';
import { byText, type WallMs } from '../../protocol/ids.ts';
import { addUsd } from '../../protocol/money.ts';
import { repositoryText } from '../../protocol/record.ts';
import {
  type AttemptRecord,
  activePhase,
  type Outcome,
  type TaskResult,
  type TaskState,
} from '../../protocol/state.ts';
import type { StandingAnswer } from '../../protocol/summary.ts';
import type { Tombstone } from '../../protocol/tombstone.ts';
import type { PeerView, SpendView, TaskView } from '../core/io.ts';
import { onlyRound, type Rounds, roundsOf } from '../core/rounds.ts';
import type { PeerService } from '../service.ts';
import type { FoundTask } from './lookup.ts';
import type { BidJson, NodeJson, PeerJson, SpendJson, StatusJson, TaskJson } from './shapes.ts';

export type { PeerJson, StatusJson, TaskJson } from './shapes.ts';

const dayMs = 24 * 3_600_000;

export function taskJson(view: TaskView, { retryOf, retriedAs }: Rounds = onlyRound): TaskJson {
  const { body, id } = view.task;
  const { phase, attempts, attemptsStarted } = view.state;
  const costNow = activePhase(view.state) === null ? null : (view.progress?.costUsd ?? null);
  return {
    id,
    key: body.key,
    round: body.round,
    retryOf,
    retriedAs,
    title: body.title,
    state: phase.name,
    reason: phase.name === 'failed' || phase.name === 'cancelled' ? phase.reason : null,
    duplicateOf: phase.name === 'cancelled' ? phase.duplicateOf : null,
    priority: body.priority,
    repository: repositoryText(body.repository),
    requires: body.requires.specialties,
    requiresReason: body.requires.reason,
    submitter: body.submitter,
    createdAt: iso(body.createdAt),
    leader: view.leader,
    worker: activePhase(view.state)?.worker ?? attempts.at(-1)?.worker ?? null,
    attempt: attemptsStarted,
    electors: view.electors.map(({ peer, name, reachable }) => ({ peer, name, reachable })),
    generation: { number: view.generation.number, forced: view.generation.forced },
    bids: view.answers.map(bidJson).sort(bestFirst),
    attempts: attempts.map((attempt) => attemptJson(attempt, costNow)),
    costUsd: totalCost(view.state, costNow),
    budgetUsd: body.limits.budgetUsd,
    progress: view.progress && { ...view.progress, at: iso(view.progress.at) },
    result: phase.name === 'done' ? resultJson(phase.result) : null,
    stalled: view.stalled,
    cancelPending: view.cancelPending,
    history: view.story.map(({ at, event, detail, by }) => ({ at: iso(at), event, detail, by })),
  };
}

/** With the other rounds of each, as far as they are known here. */
export const tasksJson = (service: Pick<PeerService, 'tasks' | 'rounds'>): TaskJson[] =>
  service.tasks().map((view) => taskJson(view, roundsHere(service, view.task.body)));

const roundsHere = (service: Pick<PeerService, 'rounds'>, { key, round }: Pick<Tombstone, 'key' | 'round'>): Rounds =>
  roundsOf(round, service.rounds(key));

/** Of a task that was pruned: what came of it, and nothing of how. */
export function tombstoneJson(tombstone: Tombstone, { retryOf, retriedAs }: Rounds = onlyRound): TaskJson {
  const { task, key, round, title, repository, priority, submitter, createdAt, attempts, spentUsd, end } = tombstone;
  return {
    id: task,
    key,
    round,
    retryOf,
    retriedAs,
    title,
    state: end.name,
    reason: end.name === 'done' ? null : end.reason,
    duplicateOf: end.name === 'cancelled' ? end.duplicateOf : null,
    priority,
    repository,
    requires: [],
    requiresReason: '',
    submitter,
    createdAt: iso(createdAt),
    leader: null,
    worker: null,
    attempt: attempts,
    electors: [],
    generation: { number: tombstone.stamp.generation.number, forced: false },
    bids: [],
    attempts: [],
    costUsd: spentUsd > 0 ? spentUsd : null,
    budgetUsd: null,
    progress: null,
    result: end.name === 'done' ? resultJson(end.result) : null,
    stalled: null,
    cancelPending: false,
    history: [],
    pruned: true,
  };
}

/** Whichever of the two is left. */
export const knownJson = (service: Pick<PeerService, 'rounds'>, task: FoundTask): TaskJson =>
  task.type === 'found'
    ? taskJson(task.view, roundsHere(service, task.view.task.body))
    : tombstoneJson(task.tombstone, roundsHere(service, task.tombstone));

export function peerJson({ self, connected, lastSeenMs, advert, spentTodayUsd }: PeerView): PeerJson {
  const { peer, name, specialties, capacity, running, executor, sandbox, unavailable, version } = advert;
  return {
    peer,
    name,
    self,
    specialties,
    capacity,
    running,
    executor,
    sandbox: sandbox ?? null,
    unavailable: unavailable && { until: maybeIso(unavailable.until), reason: unavailable.reason },
    lastSeenMs: Math.round(lastSeenMs),
    connected,
    version,
    spentTodayUsd,
  };
}

export const spendJson = ({ here, meshUsd, budgets }: SpendView): SpendJson => ({
  day: new Date(here.day * dayMs).toISOString().slice(0, 10),
  hereUsd: here.usd,
  meshUsd,
  dailyBudgetUsd: budgets.dailyUsd,
  meshDailyBudgetUsd: budgets.meshDailyUsd,
});

export const statusJson = (service: PeerService): StatusJson => ({
  peer: service.self,
  name: service.name,
  mesh: service.mesh,
  addresses: [...service.addresses()],
  peers: service.peers().map(peerJson),
  names: Object.fromEntries(service.names()),
  spend: spendJson(service.spend()),
  refused: [...service.refused()],
  tasks: tasksJson(service),
});

export function nodeJson(service: PeerService): NodeJson {
  const own = service.peers().find(({ self }) => self);
  return {
    peer: service.self,
    name: service.name,
    mesh: service.mesh,
    pid: process.pid,
    startedAt: service.startedAt.toISOString(),
    addresses: [...service.addresses()],
    traffic: service.traffic(),
    advert: own === undefined ? null : peerJson(own),
  };
}

function bidJson({ peer, answer }: StandingAnswer): BidJson {
  if (answer.type === 'bid') return { peer, score: answer.score, parts: { ...answer.parts }, declined: null };
  const until = answer.until === null ? '' : ` until ${iso(answer.until)}`;
  return { peer, score: 0, parts: {}, declined: describeDecline(answer) + until };
}

/** The highest score first, those that declined last. */
const bestFirst = (a: BidJson, b: BidJson): number =>
  Number(a.declined !== null) - Number(b.declined !== null) || b.score - a.score || byText(a.peer, b.peer);

/** `costNow`: of the attempt under way, so far. */
const attemptJson = (attempt: AttemptRecord, costNow: number | null): TaskJson['attempts'][number] => ({
  number: attempt.number,
  worker: attempt.worker,
  startedAt: iso(attempt.startedAt),
  endedAt: maybeIso(attempt.endedAt),
  outcome: attempt.outcome?.type ?? null,
  reason: attempt.outcome && reasonOf(attempt.outcome),
  costUsd: attempt.endedAt === null ? costNow : attempt.costUsd,
  checkpoints: attempt.checkpoints.map(({ commit, at, number, finished }) => ({
    commit,
    at: iso(at),
    number: number ?? null,
    finished: finished ?? false,
  })),
});

function totalCost({ attempts, spentUsd }: TaskState, costNow: number | null): number | null {
  const isTold = costNow !== null || spentUsd > 0 || attempts.some(({ costUsd }) => costUsd !== null);
  return isTold ? addUsd(spentUsd, costNow ?? 0) : null;
}

const reasonOf = (outcome: Outcome): string | null => (outcome.type === 'done' ? null : outcome.reason);

/** Only what the contract names: whatever else a newer peer put there is not for scripts. */
const resultJson = ({ branch, commit, pullRequest, verified }: TaskResult): TaskJson['result'] => ({
  branch,
  commit,
  pullRequest: pullRequest && { number: pullRequest.number, url: pullRequest.url, state: pullRequest.state },
  verified: verified ?? null,
});

const iso = (at: WallMs): string => new Date(at).toISOString();
const maybeIso = (at: WallMs | null): string | null => (at === null ? null : iso(at));
