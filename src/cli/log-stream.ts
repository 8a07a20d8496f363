import { setTimeout as delay } from 'node:timers/promises';
import type { ControlClient } from '../peer/control/client.ts';
import type { TaskJson } from '../peer/control/json.ts';
import type { LogPiece } from '../protocol/agent.ts';
import { isEnded, mendOf, namesOf, waitingWord } from './describe.ts';
import { CliError, ExitCodes, usageError } from './errors.ts';
import { withLocalTimes } from './output.ts';

const pollMs = 500;
/** In a row. One says little: neither the question nor the answer is sent twice. */
const enoughMisses = 3;

interface Asked {
  readonly id: string;
  /** Null: the latest, and with `follow` those that come after it. */
  readonly attempt: number | null;
  readonly follow: boolean;
}

/** What there is, and with `follow` what comes, of one attempt after the other; `note` is told what is not in a log. */
export class LogStream {
  readonly #client: ControlClient;
  readonly #asked: Asked;
  readonly #note: (text: string) => void;
  readonly #noted = new Set<string>();
  #attempt: number | null;
  #offset = 0;
  #hasHeard = false;
  #misses = 0;
  #hasEnded = false;

  constructor(client: ControlClient, asked: Asked, note: (text: string) => void) {
    this.#client = client;
    this.#asked = asked;
    this.#note = note;
    this.#attempt = asked.attempt;
  }

  /** @throws CliError where something of it cannot be had; what can be is given before. */
  async *pieces(): AsyncGenerator<LogPiece> {
    const { id, follow } = this.#asked;
    for (;;) {
      const piece = await this.#client.log(id, this.#attempt, this.#offset);
      if ('unavailable' in piece) {
        await this.#onNone(piece.unavailable);
      } else {
        if (this.#attempt === null && piece.attempt > 1) this.#noteEarlier(piece.attempt);
        [this.#attempt, this.#offset] = [piece.attempt, piece.nextOffset];
        [this.#hasHeard, this.#misses] = [true, 0];
        if (piece.text !== '') yield piece;
        const isLast = piece.end && !(await this.#goesOn(piece.attempt));
        if (isLast || (piece.text === '' && !follow)) return;
        // There is more at once.
        if (piece.text !== '' && !piece.end) continue;
      }
      if (follow) await this.#noteWait();
      await delay(pollMs);
    }
  }

  /** Its worker may be gone, and have taken the log along: then what comes next is elsewhere. */
  async #onNone(reason: string): Promise<void> {
    const { id, follow, attempt: only } = this.#asked;
    this.#misses += 1;
    const isLost = !this.#hasHeard || this.#misses >= enoughMisses;
    const task = await this.#client.task(id);
    if (only !== null && only > task.attempt) throw noSuchAttempt(task);
    // What ended after the question is asked once more: the end may have brought the log along.
    const hadEnded = this.#hasEnded;
    this.#hasEnded = isEnded(task);
    if (!follow || (isLost && (only !== null || hadEnded))) throw noLog(reason, id);
    const attempt = this.#attempt;
    if (attempt === null) return this.#noteOnce(reason);
    this.#noteOnce(`attempt ${attempt}: ${reason}; it is asked again`);
    this.#noteEnd(task, attempt);
    if (!isLost || task.attempt <= attempt) return;
    this.#noteOnce(`the rest of attempt ${attempt} is missing: ${reason}`);
    await this.#turnTo(task, attempt + 1);
  }

  /** Whether more may come after an attempt that has ended; turns to the next one once it has begun. */
  async #goesOn(attempt: number): Promise<boolean> {
    const { id, follow, attempt: only } = this.#asked;
    if (!follow || only !== null) return false;
    const task = await this.#client.task(id);
    const isOver = task.attempt === attempt && isEnded(task);
    if (!isOver) this.#noteEnd(task, attempt);
    if (task.attempt > attempt) await this.#turnTo(task, attempt + 1);
    return !isOver;
  }

  async #turnTo({ attempts }: TaskJson, attempt: number): Promise<void> {
    [this.#attempt, this.#offset, this.#misses] = [attempt, 0, 0];
    const worker = attempts.find(({ number }) => number === attempt)?.worker;
    const where = worker === undefined ? '' : ` on ${namesOf(await this.#client.status())(worker)}`;
    this.#noteOnce(`attempt ${attempt} begins${where}`);
  }

  #noteEnd({ attempts }: TaskJson, attempt: number): void {
    const ended = attempts.find(({ number }) => number === attempt);
    if (ended?.outcome == null) return;
    const why = ended.reason === null ? '' : `: ${ended.reason}`;
    this.#noteOnce(`attempt ${attempt} has ended, ${ended.outcome}${why}`);
  }

  #noteEarlier(attempt: number): void {
    const which = attempt === 2 ? 'the one before' : 'an earlier one';
    this.#noteOnce(`attempt ${attempt}; \`peer logs ${this.#asked.id} --attempt ${attempt - 1}\` shows ${which}`);
  }

  /** Why nothing comes, where that is not for its agent to say. */
  async #noteWait(): Promise<void> {
    const task = await this.#client.task(this.#asked.id);
    if (task.stalled === null) return;
    this.#noteOnce(`${waitingWord(task)}: ${withLocalTimes(task.stalled)}${mendOf(task)}`);
  }

  #noteOnce(text: string): void {
    if (!this.#noted.has(text)) this.#note(text);
    this.#noted.add(text);
  }
}

const noSuchAttempt = ({ id, attempt }: TaskJson): CliError => {
  const count = attempt === 0 ? 'no attempt' : attempt === 1 ? '1 attempt' : `${attempt} attempts`;
  return usageError(`--attempt: task ${id.slice(0, 8)} has had ${count} so far: name one of those, or leave it out`);
};

const noLog = (reason: string, id: string): CliError =>
  new CliError(ExitCodes.failed, `${reason}: \`peer task ${id}\` says which attempts there were, and where`);
