import type { PeerId, TaskId } from '../../protocol/ids.ts';
import type { Received, ReceivedGossip } from './io.ts';
import type { Machines } from './machines.ts';
import { isPast } from './past.ts';
import type { Step } from './step.ts';

/** Brings a message to whom it concerns, and to those that are to look again because of it. */
export function takeMessage(machines: Machines, from: PeerId, message: Received, step: Step): void {
  const { registers, seats, generations, leaders, worker, bidder, news, submissions, requests, sync } = machines;
  switch (message.type) {
    case 'task':
      return news.onRecord(from, message.task, step);
    case 'stored':
      return submissions.onStored(from, message.task, step);
    case 'need-task':
      return giveTask(machines, from, message.task, step);
    case 'preflight':
      return step.send(from, { type: 'preflight-ok', nonce: message.nonce });
    case 'preflight-ok':
      return submissions.onPreflightOk(from, message, step);
    case 'prepare':
      if (registers.onPrepare(from, message, step)) seats.onPromised(from, message.task, step);
      return;
    case 'accept':
      if (registers.onAccept(from, message, step)) seats.onAccepted(message, step);
      return;
    case 'release':
      registers.onRelease(message);
      return seats.onReleased(message.task, step);
    case 'promise':
    case 'prepare-reject':
    case 'accepted':
    case 'accept-reject':
      return leaders.onElection(from, message, step);
    case 'installed':
      generations.onMessage(from, message, step);
      return leaders.onElectorReady(message.task, from, step);
    case 'need-install':
    case 'install':
    case 'read':
    case 'read-answer':
      return generations.onMessage(from, message, step);
    case 'leaving':
      generations.onMessage(from, message, step);
      return leaders.considerAll(step);
    case 'call': {
      const entry = machines.catalogue.get(message.task);
      if (entry === undefined) return machines.catalogue.lack(from, message.task, step);
      return bidder.answer(entry.task, message.attempt, step);
    }
    case 'answer':
      seats.onAnswer(from, message, step);
      return leaders.consider(message.task, step);
    case 'assign':
      bidder.settled(message.task);
      return worker.onAssign(from, message, bidder.mayStart(step.wallMs), step);
    case 'report':
      return worker.onReport(from, message, step);
    case 'heartbeat':
    case 'publish-request':
    case 'outcome':
      return leaders.onWorkerMessage(from, message, step);
    case 'heartbeat-ack':
      return worker.onAck(from, message, step);
    case 'publish-grant':
      return worker.onGrant(message, step);
    case 'outcome-ack':
      return worker.onOutcomeAck(message, step);
    case 'cancel':
      seats.onCancel(from, message, step);
      return leaders.consider(message.task, step);
    case 'cancel-answer':
      return requests.onCancelAnswer(message, step);
    case 'sync-root':
      return sync.onRoot(from, message, step);
    case 'sync-buckets':
      return sync.onBuckets(from, message, step);
    case 'sync-entries':
      return sync.onEntries(from, message, step);
    case 'summary':
      return news.onSummary(from, message.summary, step);
    case 'tombstone':
      return machines.burials.onTombstone(message.tombstone, step);
    case 'submit': {
      const requester = { type: 'client', peer: from, request: message.request } as const;
      return submissions.submit(message.draft, message.again, requester, step);
    }
    case 'submit-answer':
      return requests.onSubmitAnswer(message, step);
  }
}

/** Whoever lacks a record can do nothing with what came before it: an elector is told that once more. */
function giveTask({ config, catalogue, generations, leaders }: Machines, to: PeerId, id: TaskId, step: Step): void {
  const entry = catalogue.get(id);
  const hasMovedThere = entry?.state.generation?.electorate.includes(to) ?? false;
  const isRefused = entry === undefined || (isPast(entry.task, step, config.timing) && !hasMovedThere);
  if (isRefused) return catalogue.tellEnd(to, id, step);
  step.send(to, { type: 'task', record: entry.task.signed });
  generations.moves.onElectorReady(id, to, step);
  leaders.onElectorReady(id, to, step);
}

export function takeGossip(machines: Machines, from: PeerId, gossip: ReceivedGossip, step: Step): void {
  const { catalogue, adverts, news } = machines;
  switch (gossip.type) {
    case 'task':
      return news.onRecord(null, gossip.task, step);
    case 'advert':
      return adverts.onAdvert(from, gossip.advert, step);
    case 'summary':
      return news.onSummary(from, gossip.summary, step);
    case 'progress':
      return catalogue.progress(gossip.task, gossip.attempt, gossip.progress, step);
  }
}
