import type { Hello } from '../../protocol/hello.ts';
import type { CommandId, Now, PeerId, TaskId } from '../../protocol/ids.ts';
import type { Task } from '../../protocol/record.ts';
import { isTerminal } from '../../protocol/state.ts';
import type { Stored } from '../store/store.ts';
import { Adverts } from './adverts.ts';
import { Bidder } from './bidder.ts';
import { Catalogue } from './catalogue.ts';
import { Drain } from './drain.ts';
import { Generations } from './generations.ts';
import { Healing } from './healing.ts';
import type {
  Command,
  CoreConfig,
  Effect,
  Input,
  InputOf,
  PeerView,
  Received,
  ReceivedGossip,
  SpendView,
  TaskView,
  Timer,
} from './io.ts';
import { Leaders } from './leaders.ts';
import { Means } from './means.ts';
import { Membership } from './membership.ts';
import { News } from './news.ts';
import type { Parts } from './parts.ts';
import { isPast } from './past.ts';
import { Registers } from './registers.ts';
import { Requests } from './requests.ts';
import { Seats } from './seats.ts';
import { Step } from './step.ts';
import { Submissions } from './submissions.ts';
import { Sync } from './sync.ts';
import { viewOf } from './view.ts';
import { Worker } from './worker.ts';

/** How often finished tasks, silent peers and ended quotas are looked at. */
const tickMs = 5_000;

/**
 * One peer, without a clock, a disk or a network: `step` takes what happened and says what is to be done. The live peer
 * and the simulator run this same class; the driver that carries out the effects is all in which they differ.
 */
export class Core {
  readonly #config: CoreConfig;
  readonly #membership: Membership;
  readonly #catalogue: Catalogue;
  readonly #registers: Registers;
  readonly #seats: Seats;
  readonly #generations: Generations;
  readonly #leaders: Leaders;
  readonly #means: Means;
  readonly #worker: Worker;
  readonly #bidder: Bidder;
  readonly #news: News;
  readonly #submissions: Submissions;
  readonly #requests: Requests;
  readonly #sync: Sync;
  readonly #adverts: Adverts;
  readonly #drain: Drain;

  /** `tasks` are the stored records, opened; a peer that starts for the first time has none. */
  constructor(config: CoreConfig, stored: Stored, tasks: readonly Task[], now: Now) {
    this.#config = config;
    this.#membership = new Membership(config, stored, now.monoMs);
    this.#catalogue = new Catalogue(stored, tasks);
    this.#registers = new Registers(config, this.#catalogue, stored, now);
    const parts: Parts = {
      config,
      catalogue: this.#catalogue,
      membership: this.#membership,
      registers: this.#registers,
      healing: new Healing(config.timing, this.#membership, config.random),
    };
    this.#seats = new Seats(parts);
    this.#generations = new Generations(parts, this.#seats);
    this.#leaders = new Leaders(parts, this.#seats, this.#generations.moves);
    this.#means = new Means(config, stored);
    this.#worker = new Worker(config, this.#catalogue, this.#means);
    this.#bidder = new Bidder(config, this.#catalogue, this.#membership, this.#worker, this.#means);
    this.#news = new News(parts, {
      seats: this.#seats,
      generations: this.#generations,
      leaders: this.#leaders,
      worker: this.#worker,
      bidder: this.#bidder,
    });
    this.#submissions = new Submissions(config, this.#catalogue, this.#membership, stored);
    this.#requests = new Requests(config, this.#catalogue, this.#membership);
    this.#sync = new Sync(config, this.#catalogue, this.#membership);
    this.#adverts = new Adverts(this.#membership, this.#worker, this.#bidder, this.#means.spending);
    this.#drain = new Drain({
      bidder: this.#bidder,
      worker: this.#worker,
      seats: this.#seats,
      generations: this.#generations,
      leaders: this.#leaders,
      drainMs: config.timing.drainMs,
    });
  }

  /** The effects of coming to life: timers, the first advert, and what an earlier run had left undone. */
  start(now: Now): readonly Effect[] {
    const step = new Step(now);
    step.setTimer({ type: 'tick' }, tickMs);
    step.setTimer({ type: 'sync' }, this.#config.timing.syncEveryMs);
    this.#adverts.onIntervalTimer(step);
    this.#submissions.begin(step);
    for (const task of this.#registers.tasks()) this.#seats.considerTurn(task, step);
    return step.effects;
  }

  /** What happened → what is to be done, in list order. Input that makes no sense is ignored, never thrown at. */
  step(input: Input, now: Now): readonly Effect[] {
    const step = new Step(now);
    this.#handle(input, step);
    this.#adverts.considerChange(step);
    this.#drain.consider(step);
    return step.effects;
  }

  /** The first frame on a link, as of now. */
  hello(): Hello {
    return this.#membership.hello();
  }

  peers(now: Now): readonly PeerView[] {
    return this.#membership.views(now, this.#adverts.status(now.wallMs), this.#means.spending);
  }

  spend({ wallMs }: Now): SpendView {
    const { spending } = this.#means;
    return { here: spending.today(wallMs), meshUsd: spending.ofMesh(wallMs), budgets: this.#config.budgets };
  }

  names(): readonly (readonly [PeerId, string])[] {
    return this.#membership.names();
  }

  tasks(): readonly TaskView[] {
    return this.#catalogue.all().map((entry) => viewOf(entry, this.#membership));
  }

  task(id: TaskId): TaskView | null {
    const entry = this.#catalogue.get(id);
    return entry === undefined ? null : viewOf(entry, this.#membership);
  }

  /** I1: of all peers at most one says so of a task at any time. */
  leads(task: TaskId, now: Now): boolean {
    return this.#leaders.leads(task, now);
  }

  #handle(input: Input, step: Step): void {
    switch (input.type) {
      case 'message':
        return this.#onMessage(input.from, input.message, step);
      case 'gossip':
        return this.#onGossip(input.from, input.gossip, step);
      case 'peer-up':
        return this.#onPeerUp(input.peer, input.hello, step);
      case 'peer-down':
        this.#membership.down(input.peer, step);
        return this.#leaders.onPeerGone(input.peer, 'its connection closed', step);
      case 'timer':
        return this.#onTimer(input.timer, step);
      case 'command':
        return this.#onCommand(input.id, input.command, step);
      case 'agent':
        return this.#onAgent(input, step);
      case 'replicated':
        return this.#worker.onReplicated(input, step);
      case 'woke':
        this.#leaders.dropAll(step);
        this.#worker.onWoke(step);
        return this.#lookForWork(step);
    }
  }

  #onAgent({ run, report }: InputOf<'agent'>, step: Step): void {
    const repository = this.#worker.taskOf(run)?.body.repository;
    if (report.type === 'refused' && repository !== undefined) this.#bidder.onRefused(repository, report.reason, step);
    this.#worker.onAgent(run, this.#means.take(run, report, step), step);
    const lack = this.#means.exhausted(step.wallMs);
    if (lack !== null) this.#worker.handOver(lack, step);
    this.#bidder.offer(step);
  }

  #onMessage(from: PeerId, message: Received, step: Step): void {
    switch (message.type) {
      case 'task':
        return this.#news.onRecord(from, message.task, step);
      case 'stored':
        return this.#submissions.onStored(from, message.task, step);
      case 'need-task': {
        const entry = this.#catalogue.get(message.task);
        if (entry === undefined || isPast(entry.task, step, this.#config.timing)) return;
        step.send(from, { type: 'task', record: entry.task.signed });
        this.#generations.moves.onElectorReady(message.task, from, step);
        return this.#leaders.onElectorReady(message.task, from, step);
      }
      case 'preflight':
        return step.send(from, { type: 'preflight-ok', nonce: message.nonce });
      case 'preflight-ok':
        return this.#submissions.onPreflightOk(from, message, step);
      case 'prepare':
        if (this.#registers.onPrepare(from, message, step)) this.#seats.onPromised(from, message.task, step);
        return;
      case 'accept':
        if (this.#registers.onAccept(from, message, step)) this.#seats.onAccepted(message, step);
        return;
      case 'release':
        this.#registers.onRelease(message);
        return this.#seats.onReleased(message.task, step);
      case 'promise':
      case 'prepare-reject':
      case 'accepted':
      case 'accept-reject':
        return this.#leaders.onElection(from, message, step);
      case 'installed':
        this.#generations.onMessage(from, message, step);
        return this.#leaders.onElectorReady(message.task, from, step);
      case 'need-install':
      case 'install':
      case 'read':
      case 'read-answer':
        return this.#generations.onMessage(from, message, step);
      case 'leaving':
        this.#generations.onMessage(from, message, step);
        return this.#leaders.considerAll(step);
      case 'call': {
        const entry = this.#catalogue.get(message.task);
        if (entry === undefined) return step.send(from, { type: 'need-task', task: message.task });
        return this.#bidder.answer(entry.task, message.attempt, step);
      }
      case 'answer':
        this.#seats.onAnswer(from, message, step);
        return this.#leaders.consider(message.task, step);
      case 'assign':
        this.#bidder.settled(message.task);
        return this.#worker.onAssign(from, message, this.#bidder.mayStart(step.wallMs), step);
      case 'report':
        return this.#worker.onReport(from, message, step);
      case 'heartbeat':
      case 'publish-request':
      case 'outcome':
        return this.#leaders.onWorkerMessage(from, message, step);
      case 'heartbeat-ack':
        return this.#worker.onAck(from, message, step);
      case 'publish-grant':
        return this.#worker.onGrant(message, step);
      case 'outcome-ack':
        return this.#worker.onOutcomeAck(message, step);
      case 'cancel':
        this.#seats.onCancel(from, message, step);
        return this.#leaders.consider(message.task, step);
      case 'cancel-answer':
        return this.#requests.onCancelAnswer(message, step);
      case 'sync-root':
        return this.#sync.onRoot(from, message, step);
      case 'sync-buckets':
        return this.#sync.onBuckets(from, message, step);
      case 'sync-entries':
        return this.#sync.onEntries(from, message, step);
      case 'summary':
        return this.#news.onSummary(from, message.summary, step);
      case 'submit': {
        const requester = { type: 'client', peer: from, request: message.request } as const;
        return this.#submissions.submit(message.draft, message.again, requester, step);
      }
      case 'submit-answer':
        return this.#requests.onSubmitAnswer(message, step);
    }
  }

  #onGossip(from: PeerId, gossip: ReceivedGossip, step: Step): void {
    switch (gossip.type) {
      case 'task':
        return this.#news.onRecord(null, gossip.task, step);
      case 'advert':
        return this.#adverts.onAdvert(from, gossip.advert, step);
      case 'summary':
        return this.#news.onSummary(from, gossip.summary, step);
      case 'progress':
        return this.#catalogue.progress(gossip.task, gossip.attempt, gossip.progress, step);
    }
  }

  #onPeerUp(peer: PeerId, hello: Hello, step: Step): void {
    const { restarted } = this.#membership.up(peer, hello, step);
    if (restarted) this.#leaders.onPeerGone(peer, 'its peer was restarted', step);
    this.#adverts.remember(hello.advert, step);
    this.#sync.onUp(peer, step);
    this.#leaders.considerAll(step);
  }

  #onTimer(timer: Timer, step: Step): void {
    switch (timer.type) {
      case 'tick':
        return this.#tick(step);
      case 'advert':
        return this.#adverts.onIntervalTimer(step);
      case 'status':
        return this.#adverts.onChangeTimer(step);
      case 'sync':
        return this.#sync.onTimer(step);
      case 'elect':
        if (this.#seats.takeTurn(timer.task, timer.turn, step)) this.#leaders.campaign(timer.task, step);
        return;
      case 'round':
        return this.#leaders.onRoundTimer(timer.task, timer.ballot, step);
      case 'renew':
        return this.#leaders.onRenewTimer(timer.task, timer.ballot, step);
      case 'leader':
        return this.#leaders.onLeaderTimer(timer.task, timer.ballot, step);
      case 'work':
        return this.#worker.onTimer(timer.run, step);
      case 'preflight':
        return this.#submissions.onPreflightTimer(timer.nonce, step);
      case 'submission':
        return this.#submissions.onTimer(timer.task, step);
      case 'install':
        return this.#generations.moves.onTimer(timer.task, timer.generation, step);
      case 'adopt':
        return this.#generations.onAdoptTimer(timer.request, step);
      case 'request':
        return this.#requests.onTimer(timer.request, step);
      case 'offers':
        return this.#bidder.onTimer(timer.turn, step);
      case 'bid':
        return this.#bidder.onBidTimer(timer.task, timer.attempt, step);
      case 'drain':
        return this.#drain.end(step);
    }
  }

  #tick(step: Step): void {
    this.#membership.prune(step);
    this.#lookForWork(step);
    for (const { task, state } of this.#catalogue.all()) {
      if (!isTerminal(state)) continue;
      this.#leaders.forget(task.id);
      this.#seats.rest(task.id);
      if (isPast(task, step, this.#config.timing)) this.#forget(task.id, step);
    }
    this.#generations.look(step);
    this.#leaders.considerAll(step);
    step.setTimer({ type: 'tick' }, tickMs);
  }

  /** Whatever has kept this peer from it may have ended, by the wall clock. */
  #lookForWork(step: Step): void {
    if (this.#bidder.refresh(step)) this.#bidder.offer(step);
  }

  #forget(task: TaskId, step: Step): void {
    this.#seats.close(task);
    this.#bidder.forget(task);
    this.#worker.forget(task);
    this.#catalogue.forget(task, this.#registers.close(task), step);
  }

  #onCommand(id: CommandId, command: Command, step: Step): void {
    switch (command.type) {
      case 'submit':
        if (this.#config.role === 'client') return this.#requests.submitByPeer(id, command.draft, command.again, step);
        return this.#submissions.submit(command.draft, command.again, { type: 'command', id }, step);
      case 'cancel':
        return this.#requests.cancel(id, command.task, command.reason, step);
      case 'adopt':
        return this.#generations.adopt(id, command.task, step);
      case 'drain':
        return this.#drain.begin(id, step);
    }
  }
}
