import { tick } from './housekeeping.ts';
import type { Timer } from './io.ts';
import type { Machines } from './machines.ts';
import type { Step } from './step.ts';

/** A timer has fired: whoever had set it knows whether it is stale. */
export function takeTimer(machines: Machines, timer: Timer, step: Step): void {
  const { seats, generations, leaders, worker, bidder, submissions, requests, sync, adverts, drain } = machines;
  switch (timer.type) {
    case 'tick':
      return tick(machines, step);
    case 'advert':
      return adverts.onIntervalTimer(step);
    case 'status':
      return adverts.onChangeTimer(step);
    case 'sync':
      return sync.onTimer(step);
    case 'elect':
      if (seats.takeTurn(timer.task, timer.turn, step)) leaders.campaign(timer.task, step);
      return;
    case 'round':
      return leaders.onRoundTimer(timer.task, timer.ballot, step);
    case 'renew':
      return leaders.onRenewTimer(timer.task, timer.ballot, step);
    case 'leader':
      return leaders.onLeaderTimer(timer.task, timer.ballot, step);
    case 'work':
      return worker.onTimer(timer.run, step);
    case 'preflight':
      return submissions.onPreflightTimer(timer.nonce, step);
    case 'submission':
      return submissions.onTimer(timer.task, step);
    case 'install':
      return generations.moves.onTimer(timer.task, timer.generation, step);
    case 'adopt':
      return generations.onAdoptTimer(timer.request, step);
    case 'request':
      return requests.onTimer(timer.request, step);
    case 'offers':
      return bidder.onTimer(timer.turn, step);
    case 'bid':
      return bidder.onBidTimer(timer.task, timer.attempt, step);
    case 'drain':
      return drain.end(step);
  }
}
