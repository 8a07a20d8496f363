import type { TaskJson } from '../peer/control/json.ts';
import type { Context } from './context.ts';
import { bidLines, describeResult, isEnded, mendOf, type Names, waitingWord } from './describe.ts';
import { clipped, printable, withLocalTimes } from './output.ts';

export interface Printer {
  /** The task as it is now, with whatever has not been shown of it. */
  show(task: TaskJson, nameOf: Names): void;
  end(task: TaskJson): void;
}

/** What of a task's history has not been shown yet; another task begins anew. */
class Unseen {
  #id = '';
  #shown = new Set<string>();

  /** True for a task that is not the one before. */
  turnTo(id: string): boolean {
    if (id === this.#id) return false;
    [this.#id, this.#shown] = [id, new Set()];
    return true;
  }

  of<T>(things: readonly T[]): readonly T[] {
    const unseen = things.filter((one) => !this.#shown.has(JSON.stringify(one)));
    for (const one of unseen) this.#shown.add(JSON.stringify(one));
    return unseen;
  }
}

export class JsonPrinter implements Printer {
  readonly #context: Context;
  readonly #unseen = new Unseen();

  constructor(context: Context) {
    this.#context = context;
  }

  show({ id, history, progress }: TaskJson): void {
    this.#unseen.turnTo(id);
    const said = progress === null ? [] : [{ event: 'progress', ...progress }];
    for (const event of this.#unseen.of([...history, ...said])) this.#context.out(JSON.stringify({ id, ...event }));
  }

  end(task: TaskJson): void {
    this.#context.out(JSON.stringify(task));
  }
}

/** Of one attempt's end in its line; its log has the rest. */
const maxDetail = 200;
/** Of a reason that a line above has told. */
const maxRepeated = 80;

interface Line {
  readonly at: string;
  readonly event: string;
  readonly text: string;
  /** Without a time of their own. */
  readonly below: readonly string[];
}

export class TextPrinter implements Printer {
  readonly #context: Context;
  readonly #unseen = new Unseen();
  #hasBegun = false;
  #said = '';
  #shownMs = 0;

  constructor(context: Context) {
    this.#context = context;
  }

  show(task: TaskJson, nameOf: Names): void {
    if (this.#unseen.turnTo(task.id)) {
      if (this.#hasBegun) this.#context.out(`the same as task ${task.id.slice(0, 8)}, which goes on`);
      [this.#hasBegun, this.#shownMs] = [true, 0];
    }
    const news = this.#unseen.of(task.history).map((entry) => storyLine(entry, task, nameOf));
    const lines = [...news, ...this.#present(task, nameOf)];
    for (const line of lines.toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at))) this.#print(line);
  }

  end(task: TaskJson): void {
    this.#context.out(`${task.state}: ${task.reason === null ? describeResult(task) : reasonText(task, task.reason)}`);
  }

  /** How it is now, where that is news: why it waits, else what its agent says. */
  #present(task: TaskJson, nameOf: Names): readonly Line[] {
    const { progress, worker, stalled } = task;
    const said = stalled ?? (progress === null ? '' : `${nameOf(worker)}: ${progress.text}`);
    if (said === '' || said === this.#said || isEnded(task)) return [];
    this.#said = said;
    if (stalled === null) return [{ at: progress?.at ?? now(), event: 'progress', text: said, below: [] }];
    const last = task.history.at(-1);
    if (last?.event === 'stalled' && last.detail === stalled) return [];
    return [{ at: now(), event: waitingWord(task), text: said + mendOf(task), below: [] }];
  }

  /** Other PCs' clocks differ, and their word comes late: the times that are shown never go back. */
  #print({ at, event, text, below }: Line): void {
    this.#shownMs = Math.max(this.#shownMs, Math.min(Date.parse(at), Date.now()));
    const time = new Date(this.#shownMs).toTimeString().slice(0, 8);
    for (const line of [columns(time, event, text), ...below.map((one) => columns('', '', one))])
      this.#context.out(line);
  }
}

const now = (): string => new Date().toISOString();

const columns = (time: string, event: string, text: string): string =>
  `${time.padEnd(8)}  ${event.padEnd(10)}  ${withLocalTimes(printable(text))}`.trimEnd();

function storyLine(entry: TaskJson['history'][number], task: TaskJson, nameOf: Names): Line {
  const { at, event, detail } = entry;
  switch (event) {
    case 'assigned': {
      // The bids are told one by one; those of earlier rounds are gone.
      const isLast = entry === task.history.findLast((one) => one.event === 'assigned');
      return { at, event, text: detail.split(';')[0] ?? '', below: isLast ? bidLines(task, nameOf) : [] };
    }
    case 'stalled':
      return { at, event, text: detail + (detail === task.stalled ? mendOf(task) : ''), below: [] };
    default:
      return { at, event, text: shortened(detail, task.id.slice(0, 8)), below: [] };
  }
}

function shortened(detail: string, short: string): string {
  if (detail.length <= maxDetail) return detail;
  const attempt = /^attempt (\d+)/.exec(detail)?.[1];
  const where = attempt === undefined ? `peer task ${short}` : `peer logs ${short} --attempt ${attempt}`;
  return `${clipped(detail, maxDetail)} (\`${where}\` says more)`;
}

function reasonText({ id, history }: TaskJson, reason: string): string {
  const beginning = reason.slice(0, maxRepeated);
  const isTold = history.some(({ detail }) => detail.includes(beginning));
  if (!isTold || reason.length <= maxRepeated) return printable(reason);
  return `${clipped(printable(reason), maxRepeated)} (\`peer task ${id.slice(0, 8)}\` has the whole of it)`;
}
