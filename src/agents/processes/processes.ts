import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** Set in the environment of everything a run starts; its value names the home folder and the run. */
export const MarkVariable = 'ISSUE_MESH_RUN';

export interface ProcessInfo {
  readonly pid: number;
  readonly ppid: number;
  readonly group: number;
  /** Id of the session, where the system tells it cheaply. */
  readonly session: number | null;
  /** Tells a process from a later one with the same pid. */
  readonly started: string;
  readonly marked: boolean;
}

/** All living processes, zombies left out. `mark` may be the beginning of one. */
export const listProcesses = (mark: string): readonly ProcessInfo[] =>
  process.platform === 'linux' ? fromProc(mark) : fromPs(mark);

function fromProc(mark: string): readonly ProcessInfo[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const info = parseStat(readOrNull(`/proc/${name}/stat`) ?? '');
      if (info === null) return [];
      const environ = readOrNull(`/proc/${name}/environ`) ?? '';
      return [{ ...info, marked: `\0${environ}`.includes(`\0${MarkVariable}=${mark}`) }];
    });
}

/** `/proc/<pid>/stat`: pid (name) state ppid group session …, the start being field 22. Null for a zombie. */
export function parseStat(stat: string): Omit<ProcessInfo, 'marked'> | null {
  // A process chooses its own name, brackets and blanks included.
  const [state, ppid, group, session, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (state === undefined || session === undefined || /^[ZXx]/.test(state)) return null;
  return {
    pid: Number.parseInt(stat, 10),
    ppid: Number(ppid),
    group: Number(group),
    session: Number(session),
    started: rest[15] ?? '',
  };
}

/**
 * Elsewhere (macOS) `ps` tells; only a person's own processes show their environment, which is all that is asked here.
 */
function fromPs(mark: string): readonly ProcessInfo[] {
  const ps = (...args: string[]): string =>
    execFileSync('ps', args, {
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
      env: { LC_ALL: 'C', PATH: '/bin:/usr/bin' },
    });
  const marked = new Set(
    ps('-A', '-E', '-ww', '-o', 'pid=,command=')
      .split('\n')
      .filter((line) => line.includes(` ${MarkVariable}=${mark}`))
      .map((line) => Number.parseInt(line, 10)),
  );
  return parsePs(ps('-A', '-o', 'pid=,ppid=,pgid=,state=,lstart=')).map((info) => ({
    ...info,
    marked: marked.has(info.pid),
  }));
}

export function parsePs(table: string): readonly Omit<ProcessInfo, 'marked'>[] {
  return table.split('\n').flatMap((line) => {
    const [, pid, ppid, group, state, started] = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(.*\S)/.exec(line) ?? [];
    if (pid === undefined || started === undefined || state === undefined || state.startsWith('Z')) return [];
    return [{ pid: Number(pid), ppid: Number(ppid), group: Number(group), session: null, started }];
  });
}

function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    // It has ended, or belongs to somebody else.
    return null;
  }
}
