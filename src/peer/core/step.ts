import type { Job, PublishStep, StopReason } from '../../protocol/agent.ts';
import type { BlobId, CommandId, MonoMs, Now, PeerId, RunId, TaskId, WallMs } from '../../protocol/ids.ts';
import type { Gossip, Message } from '../../protocol/messages.ts';
import type { DurableRecord } from '../store/store.ts';
import type { Effect, PeerEvent, Reply, Timer } from './io.ts';

/**
 * One step of the core: the one reading of the clocks that all of it uses, and the effects in the order they are made.
 */
export class Step {
  readonly now: Now;
  readonly #effects: Effect[] = [];

  constructor(now: Now) {
    this.now = now;
  }

  get effects(): readonly Effect[] {
    return this.#effects;
  }

  get monoMs(): MonoMs {
    return this.now.monoMs;
  }

  get wallMs(): WallMs {
    return this.now.wallMs;
  }

  persist(record: DurableRecord): void {
    this.#effects.push({ type: 'persist', record, lazy: false });
  }

  /** Worth keeping, but nothing was promised on it. */
  persistLazily(record: DurableRecord): void {
    this.#effects.push({ type: 'persist', record, lazy: true });
  }

  send(to: PeerId, message: Message): void {
    this.#effects.push({ type: 'send', to, message });
  }

  sendAll(to: readonly PeerId[], message: Message): void {
    for (const peer of to) this.send(peer, message);
  }

  broadcast(gossip: Gossip): void {
    this.#effects.push({ type: 'broadcast', gossip });
  }

  setTimer(timer: Timer, afterMs: number): void {
    this.#effects.push({ type: 'set-timer', timer, afterMs });
  }

  startAgent(job: Job): void {
    this.#effects.push({ type: 'start-agent', job });
  }

  publish(run: RunId, step: PublishStep, validMs: number): void {
    this.#effects.push({ type: 'publish', run, step, validMs });
  }

  stopAgent(run: RunId, reason: StopReason): void {
    this.#effects.push({ type: 'stop-agent', run, reason });
  }

  replicate(run: RunId, blob: BlobId, to: readonly PeerId[]): void {
    this.#effects.push({ type: 'replicate', run, blob, to });
  }

  forgetCheckpoints(task: TaskId): void {
    this.#effects.push({ type: 'forget-checkpoints', task });
  }

  reply(id: CommandId, reply: Reply): void {
    this.#effects.push({ type: 'reply', id, reply });
  }

  emit(event: PeerEvent): void {
    this.#effects.push({ type: 'emit', event });
  }
}
