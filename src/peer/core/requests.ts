import type { CommandId, PeerId, TaskId } from '../../protocol/ids.ts';
import type { MessageOf } from '../../protocol/messages.ts';
import type { Draft } from '../../protocol/record.ts';
import { endOf, isTerminal } from '../../protocol/state.ts';
import type { Catalogue } from './catalogue.ts';
import type { CoreConfig, Reply } from './io.ts';
import type { Membership } from './membership.ts';
import { randomHex } from './random.ts';
import type { Step } from './step.ts';

type Asked =
  | { readonly type: 'cancel'; readonly id: CommandId; readonly task: TaskId; readonly reason: string }
  | { readonly type: 'submit'; readonly id: CommandId; readonly draft: Draft; readonly again: boolean };

interface Request {
  readonly asked: Asked;
  readonly peer: PeerId | null;
  /** Left before who asked has waited long enough. */
  resends: number;
  /** A cancel is sent on after its `pending`, for as long as the task lives. */
  replied: boolean;
}

/** Commands that other peers carry out: a cancel goes to the electors, a client's submission to one peer. */
export class Requests {
  readonly #config: CoreConfig;
  readonly #catalogue: Catalogue;
  readonly #membership: Membership;
  readonly #requests = new Map<string, Request>();

  constructor(config: CoreConfig, catalogue: Catalogue, membership: Membership) {
    this.#config = config;
    this.#catalogue = catalogue;
    this.#membership = membership;
  }

  get held(): number {
    return this.#requests.size;
  }

  /** A cancel of this task was asked for here, and waits for a majority of its electors. */
  isCancelPending(task: TaskId): boolean {
    return this.#pendingCancels(task).length > 0;
  }

  /** A person's last word counts: the electors forget what is not repeated. */
  takeBackCancel(task: TaskId): void {
    for (const key of this.#pendingCancels(task)) this.#requests.delete(key);
  }

  cancel(id: CommandId, task: TaskId, reason: string, step: Step): void {
    const entry = this.#catalogue.get(task);
    if (entry === undefined) return step.reply(id, { type: this.#catalogue.isBuried(task) ? 'ended' : 'unknown-task' });
    if (isTerminal(entry.state)) return step.reply(id, { type: 'ended' });
    this.#open({ type: 'cancel', id, task, reason }, null, step);
  }

  /** A client has no seat and keeps no promise: the peer that it asks submits in its own name. */
  submitByPeer(id: CommandId, draft: Draft, again: boolean, step: Step): void {
    const [peer] = this.#membership.neighbours();
    if (peer === undefined) return step.reply(id, { type: 'refused', reason: 'no peer was found' });
    this.#open({ type: 'submit', id, draft, again }, peer, step);
  }

  onCancelAnswer(message: MessageOf<'cancel-answer'>, step: Step): void {
    const request = this.#requests.get(message.request);
    if (request?.asked.type === 'cancel') this.#close(message.request, request, { type: message.result }, step);
  }

  onSubmitAnswer(message: MessageOf<'submit-answer'>, step: Step): void {
    const request = this.#requests.get(message.request);
    if (request?.asked.type === 'submit') this.#close(message.request, request, message.reply, step);
  }

  onTimer(key: string, step: Step): void {
    const request = this.#requests.get(key);
    if (request === undefined) return;
    const end = this.#endOf(request.asked);
    if (end !== null) return this.#close(key, request, end, step);
    request.resends -= 1;
    if (request.resends > 0) return this.#send(key, request, step);
    if (request.asked.type === 'submit') {
      return this.#close(key, request, { type: 'refused', reason: 'the peer did not answer' }, step);
    }
    if (!request.replied) step.emit({ type: 'task', task: request.asked.task });
    this.#reply(request, { type: 'cancel-pending' }, step);
    this.#send(key, request, step);
  }

  /** A task that ends is led by nobody who could answer: the news of its end is the answer. */
  #endOf(asked: Asked): Reply | null {
    if (asked.type !== 'cancel') return null;
    const entry = this.#catalogue.get(asked.task);
    if (entry !== undefined && !isTerminal(entry.state)) return null;
    const end = entry === undefined ? this.#catalogue.tombstones.get(asked.task)?.end : endOf(entry.state);
    return { type: end?.name === 'cancelled' ? 'cancelled' : 'ended' };
  }

  #pendingCancels(task: TaskId): readonly string[] {
    const isPending = ({ asked, replied }: Request): boolean =>
      replied && asked.type === 'cancel' && asked.task === task;
    return [...this.#requests].flatMap(([key, request]) => (isPending(request) ? [key] : []));
  }

  #open(asked: Asked, peer: PeerId | null, step: Step): void {
    const { timing, random } = this.#config;
    const limitMs = asked.type === 'cancel' ? timing.cancelMs : timing.submitMs * 1.5;
    const key = randomHex(random);
    const request: Request = { asked, peer, resends: Math.ceil(limitMs / timing.resendMs), replied: false };
    this.#requests.set(key, request);
    this.#send(key, request, step);
  }

  #send(key: string, { asked, peer }: Request, step: Step): void {
    step.setTimer({ type: 'request', request: key }, this.#config.timing.resendMs);
    switch (asked.type) {
      case 'cancel': {
        return step.sendAll(this.#catalogue.electorate(asked.task), {
          type: 'cancel',
          task: asked.task,
          request: key,
          reason: asked.reason,
        });
      }
      case 'submit':
        if (peer !== null) step.send(peer, { type: 'submit', request: key, draft: asked.draft, again: asked.again });
    }
  }

  #close(key: string, request: Request, reply: Reply, step: Step): void {
    this.#requests.delete(key);
    this.#reply(request, reply, step);
  }

  #reply(request: Request, reply: Reply, step: Step): void {
    if (!request.replied) step.reply(request.asked.id, reply);
    request.replied = true;
  }
}
