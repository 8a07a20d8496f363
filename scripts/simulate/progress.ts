/** Where progress is shown: stderr, or what a test puts in its place. */
export interface Screen {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const redrawEveryMs = 100;
const lineEveryMs = 15_000;
const barWidth = 30;

/** A bar that redraws itself on a terminal; elsewhere a plain line now and then, so that a log stays readable. */
export class Progress {
  readonly #screen: Screen;
  readonly #nowMs: () => number;
  readonly #begunMs: number;
  #shownMs: number;
  #isDrawn = false;

  constructor(screen: Screen, nowMs: () => number = () => performance.now()) {
    this.#screen = screen;
    this.#nowMs = nowMs;
    this.#begunMs = nowMs();
    // Nothing is said of what takes no time; a terminal hears at once.
    this.#shownMs = screen.isTTY === true ? Number.NEGATIVE_INFINITY : this.#begunMs;
  }

  /** `done` from 0 to 1. */
  show(done: number, note: string): void {
    const isTerminal = this.#screen.isTTY === true;
    const now = this.#nowMs();
    if (now - this.#shownMs < (isTerminal ? redrawEveryMs : lineEveryMs)) return;
    this.#shownMs = now;
    const share = Math.min(1, Math.max(0, done));
    const text = `${String(Math.floor(share * 100)).padStart(3)} %  ${note}${this.#left(share, now)}`;
    if (!isTerminal) return void this.#screen.write(`${text.trimStart()}\n`);
    const filled = Math.round(share * barWidth);
    const line = `${'█'.repeat(filled)}${'░'.repeat(barWidth - filled)} ${text}`;
    // A line that wraps could not be redrawn.
    this.#screen.write(`\r${line.slice(0, (this.#screen.columns ?? 80) - 1)}\x1b[K`);
    this.#isDrawn = true;
  }

  clear(): void {
    if (this.#isDrawn) this.#screen.write('\r\x1b[K');
    this.#isDrawn = false;
  }

  #left(share: number, now: number): string {
    const spentMs = now - this.#begunMs;
    if (share <= 0 || share >= 1 || spentMs < 2_000) return '';
    return `, ${Math.ceil((spentMs * (1 - share)) / share / 1_000)} s left`;
  }
}
