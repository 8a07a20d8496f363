import { Limits } from '../../protocol/limits.ts';
import { oneLine } from '../lines.ts';

const EveryMs = 200;

/**
 * Thins out what an agent says: at most one report in `EveryMs`, the latest wins, and the last is never lost but by
 * `close`.
 */
export class ProgressTeller {
  readonly #tell: (text: string) => void;
  #next: string | null = null;
  #last = '';
  #timer: NodeJS.Timeout | null = null;

  constructor(tell: (text: string) => void) {
    this.#tell = tell;
  }

  say(text: string): void {
    this.#next = oneLine(text, Limits.line);
    if (this.#timer !== null) return;
    this.#flush();
  }

  /** What goes with it has changed, though the text has not. */
  again(): void {
    this.say(this.#next ?? this.#last);
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#next = null;
  }

  #flush(): void {
    this.#timer = null;
    if (this.#next === null) return;
    this.#tell(this.#next);
    this.#last = this.#next;
    this.#next = null;
    this.#timer = setTimeout(() => this.#flush(), EveryMs);
  }
}
