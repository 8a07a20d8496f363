import type { TaskId } from '../../protocol/ids.ts';
import type { PeerEvent } from '../core/io.ts';

/** Beyond this many events the reader is too slow to be of use, and is let go. */
const maxWaiting = 1_000;

/**
 * The events of a peer, waiting for one reader. A task that changes again before its last change was read is there
 * once: what is sent is the task as it is when it is sent.
 */
export class Feed {
  readonly #waiting: PeerEvent[] = [];
  readonly #tasks = new Set<TaskId>();
  #wake: (() => void) | null = null;
  #ended = false;

  put(event: PeerEvent): void {
    if (this.#ended || (event.type === 'task' && this.#tasks.has(event.task))) return;
    if (event.type === 'task') this.#tasks.add(event.task);
    this.#waiting.push(event);
    if (this.#waiting.length > maxWaiting) this.#ended = true;
    this.#wake?.();
  }

  /** What waits is dropped, and the reader is told that nothing follows. */
  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  /** The next event; `quiet` when there was none for `quietMs`, null when there will be no more. */
  async next(quietMs: number): Promise<PeerEvent | 'quiet' | null> {
    if (this.#waiting.length === 0 && !this.#ended) await this.#pause(quietMs);
    if (this.#ended) return null;
    const event = this.#waiting.shift();
    if (event?.type === 'task') this.#tasks.delete(event.task);
    return event ?? 'quiet';
  }

  async #pause(limitMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, limitMs);
    this.#wake = resolve;
    await promise;
    clearTimeout(timer);
    this.#wake = null;
  }
}
