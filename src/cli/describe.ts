import { majorityOf } from '../election/electorate.ts';
import type { PeerJson, StatusJson, TaskJson } from '../peer/control/json.ts';
import type { BidJson } from '../peer/control/shapes.ts';
import { usdText } from '../protocol/money.ts';
import { type ExitCode, ExitCodes } from './errors.ts';
import { ago, clipped, localTime, nameText, printable, table, withLocalTimes } from './output.ts';

/** What people read of a mesh and its tasks. Pure: JSON in, text out. */

export type Names = (peer: string | null) => string;

export function namesOf(status: Pick<StatusJson, 'peers' | 'names'>): Names {
  const present = status.peers.map(({ peer, name }) => [peer, name] as const);
  const names = new Map<string, string>([...Object.entries(status.names), ...present]);
  return (peer) => (peer === null ? '-' : nameText(names.get(peer) ?? peer.slice(-8)));
}

export function describeStatus(status: StatusJson, nowMs: number): string {
  const peers = table(
    ['PEER', 'SPECIALTIES', 'RUNNING', 'EXECUTOR', 'TODAY', 'SEEN'],
    status.peers.map((peer) => [
      `${nameText(peer.name)}${peer.self ? ' (here)' : ''}`,
      peer.specialties.join(','),
      `${peer.running}/${peer.capacity}`,
      peer.unavailable === null ? (peer.executor ?? 'none') : describeUnavailable(peer.unavailable),
      costText(isUncounted(peer) ? null : peer.spentTodayUsd),
      peer.connected ? 'now' : `${ago(peer.lastSeenMs)} ago`,
    ]),
  );
  const refused = status.refused.map(({ peer, reason }) => `refused ${peer.slice(-8)}: ${printable(reason)}`);
  const parts = [
    `mesh ${nameText(status.mesh)}, ${status.peers.length} ${status.peers.length === 1 ? 'peer' : 'peers'}`,
    '',
    peers,
    ...refused,
  ];
  return [
    ...parts,
    ...spendNote(status.spend),
    ...unavailableNotes(status.peers),
    ...sandboxNote(status.peers),
    ...quorumNote(status.tasks),
    '',
    describeTasks(status.tasks, namesOf(status), nowMs),
  ].join('\n');
}

/** What a command spends nobody knows; what another executor has spent here earlier today is known. */
const isUncounted = ({ executor, spentTodayUsd }: PeerJson): boolean => executor === 'command' && spentTodayUsd === 0;

/** In the table. */
const maxReason = 40;

const describeUnavailable = ({ reason, until }: NonNullable<PeerJson['unavailable']>): string =>
  `unavailable${until === null ? '' : ` until ${localTime(until)}`}: ${clipped(printable(reason), maxReason)}`;

/** The mend stands at the end of a reason: what the table has no room for is said below it. */
function unavailableNotes(peers: StatusJson['peers']): readonly string[] {
  const long = peers.flatMap(({ name, unavailable }) =>
    unavailable !== null && unavailable.reason.length > maxReason ? [`${name}: ${printable(unavailable.reason)}`] : [],
  );
  return long.length === 0 ? [] : ['', ...long];
}

/** Nothing to say in a mesh whose agents cost nothing, as far as they tell. */
function spendNote({ hereUsd, meshUsd, dailyBudgetUsd, meshDailyBudgetUsd }: StatusJson['spend']): readonly string[] {
  if (meshUsd === 0 && dailyBudgetUsd === null && meshDailyBudgetUsd === null) return [];
  const of = (usd: number, budget: number | null): string =>
    `${usdText(usd)}${budget === null ? '' : ` of ${usdText(budget)}`}`;
  return ['', `spent today (UTC): ${of(meshUsd, meshDailyBudgetUsd)} in the mesh, ${of(hereUsd, dailyBudgetUsd)} here`];
}

function sandboxNote(peers: StatusJson['peers']): readonly string[] {
  const open = peers.filter(({ executor, sandbox }) => executor !== null && sandbox === null).map(({ name }) => name);
  if (open.length === 0) return [];
  return [
    '',
    `no sandbox on ${open.join(', ')}: agents there can read what you can; \`peer doctor\` there says the mend`,
  ];
}

/** Two PCs, or what a person adopted: said, since it is less than the mesh promises elsewhere. */
function quorumNote(tasks: readonly TaskJson[]): readonly string[] {
  const count = tasks.filter((task) => task.generation.forced && !isEnded(task)).length;
  if (count === 0) return [];
  const what = count === 1 ? '1 task runs' : `${count} tasks run`;
  return ['', `${what} without a quorum: a PC that was cut off may be at work on it too`];
}

export function describeTasks(tasks: readonly TaskJson[], nameOf: Names, nowMs: number): string {
  if (tasks.length === 0) return 'no tasks yet: submit one with `peer submit`';
  return table(
    ['TASK', 'STATE', 'WORKER', 'TRY', 'AGE', 'TITLE'],
    tasks.map((task) => [
      task.id.slice(0, 8),
      waitingWord(task),
      nameOf(task.worker),
      String(task.attempt - task.attempts.filter(isUnbegun).length),
      ago(nowMs - Date.parse(task.createdAt)),
      clipped(printable(task.result?.pullRequest?.url ?? titleAndReason(task)), 60) + retriedNote(task),
    ]),
  );
}

/** As far as the peer that was asked can see. */
export const hasLostMajority = ({ electors }: Pick<TaskJson, 'electors'>): boolean =>
  electors.filter(({ reachable }) => reachable).length < majorityOf(electors.length);

/** Its state; a task that only waits its turn is not stuck. */
export const waitingWord = (task: TaskJson): string =>
  task.stalled === null ? task.state : hasLostMajority(task) ? 'stalled' : 'waiting';

const titleAndReason = ({ title, stalled }: TaskJson): string =>
  stalled === null ? title : `${clipped(title, 30)} · ${withLocalTimes(stalled)}`;

const retriedNote = ({ retriedAs }: TaskJson): string =>
  retriedAs === null ? '' : ` · retried as ${retriedAs.slice(0, 8)}`;

/** What a person can do where a task waits; empty where there is nothing. */
export function mendOf(task: TaskJson): string {
  const short = task.id.slice(0, 8);
  if (hasLostMajority(task)) return `; should they be gone for good: \`peer adopt ${short}\``;
  // What a person has asked for by name is waited for as long as it takes.
  const wanted = /requires \(([^)]+)\)/.exec(task.stalled ?? '')?.[1]?.replaceAll(' ', '');
  return wanted === undefined ? '' : `; \`peer start --specialties ${wanted}\` on some PC, or \`peer cancel ${short}\``;
}

export function describeTask(task: TaskJson, nameOf: Names): string {
  const lines = [
    `${task.id.slice(0, 16)}  ${waitingWord(task)}${task.reason === null ? '' : `: ${printable(task.reason)}`}`,
    printable(task.title),
    '',
    `key        ${task.key}${task.round > 1 ? ` round ${task.round}` : ''}`,
    `submitted  ${task.createdAt} by ${nameOf(task.submitter)}`,
    ...(task.pruned === true ? prunedLines(task) : detailLines(task, nameOf)),
  ];
  if (task.stalled !== null)
    lines.push(`${waitingWord(task).padEnd(11)}${withLocalTimes(printable(task.stalled))}${mendOf(task)}`);
  if (task.cancelPending)
    lines.push(`cancel     waits for a majority of its electors; \`peer adopt ${task.id.slice(0, 8)}\` takes it back`);
  if (task.progress !== null && !isEnded(task)) lines.push(`progress   ${printable(task.progress.text)}`);
  if (task.costUsd !== null || task.budgetUsd !== null) lines.push(`cost       ${describeCost(task)}`);
  if (task.retryOf !== null) lines.push(`retry of   ${task.retryOf.slice(0, 8)}`);
  if (task.retriedAs !== null) lines.push(`retried    as ${task.retriedAs.slice(0, 8)}`);
  if (task.result !== null) lines.push(`result     ${describeResult(task)}`);
  if (task.duplicateOf !== null) lines.push(`duplicate  of ${task.duplicateOf.slice(0, 16)}`);
  if (task.bids.length > 0)
    lines.push(
      '',
      table(
        ['BIDDER', 'SCORE', ''],
        task.bids.map((bid) => bidRow(bid, nameOf)),
      ),
    );
  if (task.attempts.length > 0) {
    const rows = task.attempts.map((attempt) => [
      String(attempt.number),
      nameOf(attempt.worker),
      isUnbegun(attempt) ? 'not begun' : (attempt.outcome ?? 'under way'),
      costText(attempt.costUsd),
      printable(attempt.reason ?? ''),
    ]);
    lines.push('', table(['TRY', 'WORKER', 'OUTCOME', 'COST', ''], rows), ...checkpointLines(task));
  }
  if (task.history.length > 0) {
    lines.push(
      '',
      ...task.history.map(({ at, event, detail }) => `${at.slice(11, 23)}  ${event.padEnd(10)} ${printable(detail)}`),
    );
  }
  return lines.join('\n');
}

/** Refused before there was any work: its number is used up, and it counts for nothing. */
const isUnbegun = ({ outcome, costUsd, checkpoints }: TaskJson['attempts'][number]): boolean =>
  outcome === 'refused' && costUsd === null && checkpoints.length === 0;

const detailLines = (task: TaskJson, nameOf: Names): readonly string[] => [
  `requires   ${task.requires.join(', ') || 'nothing'} (${task.requiresReason})`,
  `leader     ${nameOf(task.leader)}`,
  `electors   ${task.electors.map(({ name, reachable }) => `${printable(name)}${reachable ? '' : ' (unreachable)'}`).join(', ')}`,
];

const prunedLines = ({ attempt }: TaskJson): readonly string[] => [
  `attempts   ${attempt}`,
  'kept       only what came of it: it is from more than 30 days ago',
];

const describeCost = ({ costUsd, budgetUsd }: TaskJson): string =>
  `${usdText(costUsd ?? 0)}${budgetUsd === null ? '' : ` of ${usdText(budgetUsd)}`}`;

const costText = (costUsd: number | null): string => (costUsd === null ? '-' : usdText(costUsd));

/** What was saved in each attempt; the next one goes on from the last. */
function checkpointLines({ attempts }: TaskJson): readonly string[] {
  const rows = attempts.flatMap(({ number: attempt, checkpoints }) =>
    checkpoints.map(({ number, at, commit, finished }) => [
      String(attempt),
      String(number ?? '-'),
      at.slice(11, 19),
      commit.slice(0, 10),
      finished ? 'finished' : '',
    ]),
  );
  return rows.length === 0 ? [] : ['', table(['TRY', 'SAVED', 'AT', 'COMMIT', ''], rows)];
}

const bidRow = ({ peer, score, parts, declined }: BidJson, nameOf: Names): readonly string[] =>
  declined === null
    ? [nameOf(peer), score.toFixed(2), partsText(parts)]
    : [nameOf(peer), '-', `declined: ${withLocalTimes(declined)}`];

/** `alpha 0.91 (specialty 1.00, freeSlots 1.00, …)`, one line for each answer to the last call. */
export const bidLines = (task: TaskJson, nameOf: Names): readonly string[] =>
  task.bids.map(({ peer, score, parts, declined }) =>
    declined === null
      ? `${nameOf(peer)} bids ${score.toFixed(2)} (${partsText(parts)})`
      : `${nameOf(peer)} declines: ${withLocalTimes(declined)}`,
  );

const partsText = (parts: BidJson['parts']): string =>
  Object.entries(parts)
    .map(([part, value]) => `${part} ${value.toFixed(2)}`)
    .join(', ');

/** The pull request, or the branch where there is none. */
export function describeResult({ id, result }: TaskJson): string {
  if (result === null) return '-';
  const { pullRequest, branch, commit, verified } = result;
  const note = verified === false ? `, not ready: its tests fail (\`peer logs ${id.slice(0, 8)}\`)` : '';
  if (pullRequest === null) return `branch ${branch} at ${commit?.slice(0, 10) ?? '?'}${note}`;
  return `${pullRequest.url}${pullRequest.state === 'open' ? '' : ` (${pullRequest.state})`}${note}`;
}

/** How a command that waited for the task ends. */
export function exitCodeOf({ state }: TaskJson): ExitCode {
  return state === 'failed' ? ExitCodes.failed : state === 'cancelled' ? ExitCodes.cancelled : ExitCodes.done;
}

export const isEnded = ({ state }: Pick<TaskJson, 'state'>): boolean =>
  state === 'done' || state === 'failed' || state === 'cancelled';
