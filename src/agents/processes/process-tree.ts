import { setTimeout as sleep } from 'node:timers/promises';
import { listProcesses, type ProcessInfo } from './processes.ts';

/**
 * Everything that a run has started. A process belongs to it when it carries the run's mark in its environment, or its
 * parent, its process group or its session does: a child that drops its environment is known by its parent, one that
 * has lost its parent by its mark. What was once seen stays known. A process that does all of it at once, between two
 * looks (clear the environment, a new session, a parent that ends), escapes; only a PID namespace closes that.
 */
export class ProcessTree {
  readonly #mark: string;
  /** pid → start, of every member ever seen. */
  readonly #known = new Map<number, string>();

  /** `mark` may be the beginning of one: then all such runs are one tree. */
  constructor(mark: string) {
    this.#mark = mark;
  }

  /** The members alive now. */
  scan(): readonly number[] {
    const all = new Map(listProcesses(this.#mark).map((info) => [info.pid, info]));
    const members = new Set<number>();
    for (let grown = true; grown; ) {
      grown = false;
      for (const info of all.values()) {
        if (info.pid === process.pid || members.has(info.pid) || !this.#belongs(info, all)) continue;
        members.add(info.pid);
        this.#known.set(info.pid, info.started);
        grown = true;
      }
    }
    return [...members];
  }

  /** Resolves when none is left. */
  async kill(): Promise<void> {
    let emptyScans = 0;
    // Twice: a process that forks and ends while the list is being read hides its child from that one reading.
    for (let pauseMs = 5; emptyScans < 2; pauseMs = Math.min(2 * pauseMs, 200)) {
      const living = this.scan();
      emptyScans = living.length === 0 ? emptyScans + 1 : 0;
      for (const pid of living) killNow(pid);
      if (living.length > 0) await sleep(pauseMs);
    }
  }

  #belongs(info: ProcessInfo, all: ReadonlyMap<number, ProcessInfo>): boolean {
    if (info.marked || this.#known.get(info.pid) === info.started) return true;
    return this.#isMember(info.ppid, all) || this.#led(info.group, all) || this.#led(info.session, all);
  }

  #isMember(pid: number, all: ReadonlyMap<number, ProcessInfo>): boolean {
    const started = all.get(pid)?.started;
    return started !== undefined && this.#known.get(pid) === started;
  }

  /**
   * A group or session keeps its leader's pid from being used again, so a leader that is gone is still the one we knew.
   */
  #led(leader: number | null, all: ReadonlyMap<number, ProcessInfo>): boolean {
    if (leader === null || !this.#known.has(leader)) return false;
    return !all.has(leader) || this.#isMember(leader, all);
  }
}

function killNow(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone in the meantime, or not ours to kill: the next scan tells.
  }
}
