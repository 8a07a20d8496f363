import { chooseElectorate, majorityOf, rankByHash } from '../../election/electorate.ts';
import type { CommandId, PeerId, TaskId } from '../../protocol/ids.ts';
import type { MessageOf, SubmitReply } from '../../protocol/messages.ts';
import { type Draft, signTask, type Task } from '../../protocol/record.ts';
import { isTerminal } from '../../protocol/state.ts';
import type { Tombstone } from '../../protocol/tombstone.ts';
import type { Stored } from '../store/store.ts';
import { type Catalogue, type Entry, hasGivenUp } from './catalogue.ts';
import type { CoreConfig } from './io.ts';
import type { Membership } from './membership.ts';
import { isDead, isPast } from './past.ts';
import { randomHex } from './random.ts';
import type { Step } from './step.ts';

/** Who waits for the answer: a command given here, or a client on another PC. */
export type Requester =
  | { readonly type: 'command'; readonly id: CommandId }
  | { readonly type: 'client'; readonly peer: PeerId; readonly request: string };

interface Preflight {
  readonly draft: Draft;
  readonly round: number;
  readonly nonce: string;
  readonly requesters: Requester[];
  readonly asked: readonly PeerId[];
  readonly answered: Set<PeerId>;
}

interface Submission {
  readonly task: Task;
  /** Made here, or only asked for here while no majority was known to have it. */
  readonly isOwn: boolean;
  readonly requesters: Requester[];
  readonly stored: Set<PeerId>;
  /** Resends left before `pending` is the answer; the peer keeps trying after that. */
  patience: number;
}

/** More than an electorate, so that one silent peer does not hold a submission up. */
const maxAsked = 8;

/**
 * From a command to "submitted": who is there to be an elector, the signed record, and its durable copies on a majority
 * of the electorate. Only then is the task acknowledged (I4, I8).
 */
export class Submissions {
  readonly #config: CoreConfig;
  readonly #catalogue: Catalogue;
  readonly #membership: Membership;
  readonly #preflights = new Map<string, Preflight>();
  readonly #submissions = new Map<TaskId, Submission>();

  constructor(config: CoreConfig, catalogue: Catalogue, membership: Membership, stored: Pick<Stored, 'submissions'>) {
    this.#config = config;
    this.#catalogue = catalogue;
    this.#membership = membership;
    for (const id of stored.submissions) {
      const task = catalogue.get(id)?.task;
      if (task !== undefined) this.#submissions.set(id, this.#submissionOf(task, true, []));
    }
  }

  get held(): number {
    return this.#preflights.size + this.#submissions.size;
  }

  /** Goes on with what an earlier run of this peer had not brought to a majority. */
  begin(step: Step): void {
    for (const id of this.#submissions.keys()) this.onTimer(id, step);
  }

  /** A key with an open task returns that task; one that has ended does too, unless a person wants another round. */
  submit(draft: Draft, again: boolean, requester: Requester, step: Step): void {
    const latest = this.#catalogue.withKey(draft.key).find((one) => !isDead(one, step, this.#config.timing));
    const buried = this.#catalogue.tombstones.latest(draft.key);
    const round = Math.max(latest?.task.body.round ?? 0, buried?.round ?? 0);
    const isKnown = latest?.task.body.round === round && !(isResult(buried, round) && hasGivenUp(latest.state));
    if (isKnown) {
      if (!(isTerminal(latest.state) && again)) return this.#existing(latest, requester, step);
    } else if (buried !== undefined && !again) {
      return this.#answer([requester], { type: 'existing', task: buried.task, ended: true }, step);
    }
    const underWay = [...this.#preflights.values()].find((one) => one.draft.key === draft.key);
    if (underWay !== undefined) {
      underWay.requesters.push(requester);
      return;
    }
    this.#preflight(draft, round + 1, requester, step);
  }

  onPreflightOk(from: PeerId, message: MessageOf<'preflight-ok'>, step: Step): void {
    const preflight = this.#preflights.get(message.nonce);
    if (preflight === undefined || !preflight.asked.includes(from)) return;
    preflight.answered.add(from);
    if (preflight.asked.every((peer) => preflight.answered.has(peer))) this.#make(preflight, step);
  }

  onPreflightTimer(nonce: string, step: Step): void {
    const preflight = this.#preflights.get(nonce);
    if (preflight !== undefined) this.#make(preflight, step);
  }

  onStored(from: PeerId, task: TaskId, step: Step): void {
    const submission = this.#submissions.get(task);
    if (submission === undefined || !submission.task.body.electorate.includes(from)) return;
    submission.stored.add(from);
    if (submission.stored.size < majorityOf(submission.task.body.electorate.length)) return;
    this.#close(submission, step);
    const { isOwn, requesters } = submission;
    this.#answer(requesters, isOwn ? { type: 'submitted', task } : { type: 'existing', task, ended: false }, step);
  }

  /** Sends the record again to the electors that have not stored it, for as long as it takes. */
  onTimer(task: TaskId, step: Step): void {
    const submission = this.#submissions.get(task);
    if (submission === undefined) return;
    if (this.#isNeedless(submission, step)) return this.#close(submission, step);
    submission.patience -= 1;
    if (submission.patience <= 0 && submission.requesters.length > 0) {
      const electors = submission.task.body.electorate.length;
      this.#answer(submission.requesters, { type: 'pending', task, stored: submission.stored.size, electors }, step);
      submission.requesters.length = 0;
      if (!submission.isOwn) return void this.#submissions.delete(task);
    }
    this.#sendRecord(submission, step);
  }

  /**
   * News of a task comes from its leader, and so from a majority that has it. One of which there is only the record may
   * be lost as long as nobody else has it: this peer then sees to it that it is not, before it answers.
   */
  #existing({ task, stamp, state }: Entry, requester: Requester, step: Step): void {
    const pending = this.#submissions.get(task.id);
    if (pending !== undefined) return void pending.requesters.push(requester);
    if (stamp !== null)
      return this.#answer([requester], { type: 'existing', task: task.id, ended: isTerminal(state) }, step);
    const submission = this.#submissionOf(task, false, [requester]);
    this.#submissions.set(task.id, submission);
    this.#sendRecord(submission, step);
  }

  /**
   * Nobody waits for it, and a majority has the task, or had it once: of an electorate that it may have left since. Nor
   * would anybody take in what is past.
   */
  #isNeedless({ task, requesters }: Submission, step: Step): boolean {
    const stamp = this.#catalogue.get(task.id)?.stamp;
    return requesters.length === 0 && (stamp !== null || isPast(task, step, this.#config.timing));
  }

  #close({ task, isOwn }: Submission, step: Step): void {
    this.#submissions.delete(task.id);
    if (isOwn) step.persistLazily({ kind: 'submission', task: task.id, pending: false });
  }

  #submissionOf(task: Task, isOwn: boolean, requesters: Requester[]): Submission {
    const { timing } = this.#config;
    return { task, isOwn, requesters, stored: new Set(), patience: Math.ceil(timing.submitMs / timing.resendMs) + 1 };
  }

  #preflight(draft: Draft, round: number, requester: Requester, step: Step): void {
    const nonce = randomHex(this.#config.random);
    const { self } = this.#config;
    const candidates = rankByHash([...this.#membership.neighbours(), self], nonce).slice(0, maxAsked);
    const asked = candidates.filter((peer) => peer !== self);
    const answered = new Set(candidates.filter((peer) => peer === self));
    const preflight: Preflight = { draft, round, nonce, requesters: [requester], asked, answered };
    if (asked.length === 0) return this.#make(preflight, step);
    this.#preflights.set(nonce, preflight);
    step.sendAll(asked, { type: 'preflight', nonce });
    step.setTimer({ type: 'preflight', nonce }, this.#config.timing.preflightMs);
  }

  #make(preflight: Preflight, step: Step): void {
    const { draft, round, nonce, requesters, answered } = preflight;
    this.#preflights.delete(nonce);
    const electorate = [...chooseElectorate([...answered], nonce)];
    if (electorate.length === 0) {
      return this.#answer(requesters, { type: 'refused', reason: 'no peer answered' }, step);
    }
    const { self, sign } = this.#config;
    const task = signTask(
      { ...draft, format: 1, round, submitter: self, createdAt: step.wallMs, nonce, electorate },
      sign,
    );
    const submission = this.#submissionOf(task, true, requesters);
    this.#submissions.set(task.id, submission);
    this.#catalogue.add(task, step);
    // Nothing has been promised yet: "submitted" rests on the electors' disks, not on this one.
    step.persistLazily({ kind: 'submission', task: task.id, pending: true });
    this.#sendRecord(submission, step);
    step.broadcast({ type: 'task', record: task.signed });
  }

  #sendRecord({ task, stored }: Submission, step: Step): void {
    const missing = task.body.electorate.filter((peer) => !stored.has(peer));
    step.sendAll(missing, { type: 'task', record: task.signed });
    step.setTimer({ type: 'submission', task: task.id }, this.#config.timing.resendMs);
  }

  /** The client can show the task that it is told of. */
  #introduce(client: PeerId, reply: SubmitReply, step: Step): void {
    if (!('task' in reply)) return;
    this.#catalogue.tombstones.tell(client, reply.task, step);
    const task = this.#catalogue.get(reply.task)?.task;
    if (task === undefined) return;
    step.send(client, { type: 'task', record: task.signed });
    const summary = this.#catalogue.summaryOf(task.id);
    if (summary !== null) step.send(client, { type: 'summary', summary });
  }

  #answer(requesters: readonly Requester[], reply: SubmitReply, step: Step): void {
    for (const requester of requesters) {
      switch (requester.type) {
        case 'command':
          step.reply(requester.id, reply);
          break;
        case 'client':
          this.#introduce(requester.peer, reply, step);
          step.send(requester.peer, { type: 'submit-answer', request: requester.request, reply });
      }
    }
  }
}

/** A twin that gave way to it may be kept for longer. */
const isResult = (buried: Tombstone | undefined, round: number): boolean =>
  buried?.round === round && buried.end.name === 'done';
