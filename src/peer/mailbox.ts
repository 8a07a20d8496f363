import type { Now } from '../protocol/ids.ts';
import type { Core } from './core/core.ts';
import type { Effect, Input } from './core/io.ts';
import { SleepWatch } from './sleep.ts';
import type { DurableRecord, Store } from './store/store.ts';

type Deed = Exclude<Effect, { type: 'persist' }>;

export interface MailboxParts {
  readonly core: Pick<Core, 'step'>;
  readonly store: Pick<Store, 'write'>;
  readonly now: () => Now;
  /** Carries out, in order, what a batch of steps asked for; everything they persisted is durable by then. */
  readonly perform: (deeds: readonly Deed[]) => void;
  /** The disk refused: nothing may be said or done any more, since it could not be kept. */
  readonly onFatal: (error: unknown) => void;
}

/** Inputs taken into one batch: enough to share an fsync, few enough to keep answers prompt. */
const maxBatch = 256;
const maxLazy = 256;

/**
 * One mailbox, one step at a time. The steps of everything that waits are taken first, then their records are made
 * durable in one fsync, then the rest is done in order: so a record is always durable before whatever follows it in its
 * list. (Being durable earlier than an effect of an earlier step does no harm: a crash between the two is a crash after
 * the write.)
 */
export class Mailbox {
  readonly #parts: MailboxParts;
  readonly #sleep = new SleepWatch();
  #waiting: Input[] = [];
  /** Lazy records that go with the next fsync. */
  #lazy: DurableRecord[] = [];
  #busy = false;
  #closed = false;

  constructor(parts: MailboxParts) {
    this.#parts = parts;
  }

  put(input: Input): void {
    if (this.#closed) return;
    this.#waiting.push(input);
    if (this.#busy) return;
    this.#busy = true;
    // After everything that has arrived by now: what comes together is answered together.
    setImmediate(() => void this.#run());
  }

  /** Carries out effects that no input led to: those of the start. */
  async perform(effects: readonly Effect[]): Promise<void> {
    await this.#carryOut(effects);
  }

  /** Whatever still comes is dropped; what was kept back is written. */
  async close(): Promise<void> {
    this.#drop();
    if (this.#lazy.length > 0) await this.#parts.store.write(this.#lazy.splice(0));
  }

  #drop(): void {
    this.#closed = true;
    this.#waiting = [];
  }

  async #run(): Promise<void> {
    try {
      while (this.#waiting.length > 0) {
        const batch = this.#waiting.splice(0, maxBatch);
        await this.#carryOut(batch.flatMap((input) => this.#step(input)));
      }
    } catch (error) {
      this.#drop();
      this.#parts.onFatal(error);
    } finally {
      this.#busy = false;
    }
  }

  /** The core hears of a sleep before anything else that comes after it. */
  #step(input: Input): readonly Effect[] {
    const now = this.#parts.now();
    const lostMs = this.#sleep.look(now);
    const woken = lostMs === 0 ? [] : this.#parts.core.step({ type: 'woke', lostMs }, now);
    return [...woken, ...this.#parts.core.step(input, now)];
  }

  async #carryOut(effects: readonly Effect[]): Promise<void> {
    const deeds: Deed[] = [];
    let mustWrite = false;
    for (const effect of effects) {
      if (effect.type !== 'persist') {
        deeds.push(effect);
        continue;
      }
      this.#lazy.push(effect.record);
      mustWrite ||= !effect.lazy;
    }
    if (mustWrite || this.#lazy.length >= maxLazy) await this.#parts.store.write(this.#lazy.splice(0));
    if (!this.#closed) this.#parts.perform(deeds);
  }
}
