import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ProcessTree } from './process-tree.ts';

/** A process stops at its next step; one that waits for a disk may take a moment. */
const stopWithinMs = 5_000;

/**
 * Runs `read` while every process of the tree stands still. Only then does a folder that they can write stay what it was
 * looked at for: git lists a clone and reads its files a moment later, and a link put there in between would have it read a
 * file of the person's. @throws where a process does not stop in time; `read` has not run then.
 */
export async function whileStill<T>(tree: ProcessTree, read: () => Promise<T>): Promise<T> {
  const stopped = new Set<number>();
  try {
    await stopAll(tree, stopped);
    return await read();
  } finally {
    for (const pid of stopped) signal(pid, 'SIGCONT');
  }
}

async function stopAll(tree: ProcessTree, stopped: Set<number>): Promise<void> {
  const deadline = performance.now() + stopWithinMs;
  // Twice: one that forks and stops while the list is being read hides its child from that one reading.
  for (let quietScans = 0; quietScans < 2; ) {
    const running = tree.scan().filter((pid) => !isStopped(pid, stopped));
    for (const pid of running) {
      stopped.add(pid);
      signal(pid, 'SIGSTOP');
    }
    quietScans = running.length === 0 ? quietScans + 1 : 0;
    if (quietScans > 0) continue;
    if (performance.now() > deadline) throw new Error(`the agent's process ${running[0]} does not stop`);
    await sleep(2);
  }
}

/** Elsewhere than on Linux that it was told to is all that can be known cheaply. */
function isStopped(pid: number, told: ReadonlySet<number>): boolean {
  if (process.platform !== 'linux') return told.has(pid);
  try {
    return readdirSync(`/proc/${pid}/task`).every((thread) => standsStill(`/proc/${pid}/task/${thread}`));
  } catch {
    // It has ended.
    return true;
  }
}

/**
 * Where a thread waits in the kernel, and cannot be stopped, until its child by vfork runs a program: while the child
 * stands still, so does it.
 */
const vforks = /^(?:kernel_clone|_?do_fork|wait_for_vfork_done)$/;

function standsStill(thread: string): boolean {
  const stat = readFileSync(`${thread}/stat`, 'latin1');
  const state = stat.charAt(stat.lastIndexOf(')') + 2);
  return /[TtZXx]/.test(state) || (state === 'D' && vforks.test(readFileSync(`${thread}/wchan`, 'latin1')));
}

function signal(pid: number, name: 'SIGSTOP' | 'SIGCONT'): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended.
  }
}
