/**
 * A small process of its own between a peer and an agent. It lives exactly as long as the agent's process tree, and
 * ends that tree when the main process has ended, when the peer asks, or when the channel to the peer closes: then the
 * peer is dead. Its standard streams are the agent's; it speaks with the peer over node's IPC channel. It imports node
 * alone, to start fast.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { ProcessTree } from './process-tree.ts';
import { MarkVariable } from './processes.ts';

export type ToSupervisor =
  | {
      readonly type: 'start';
      readonly file: string;
      readonly args: readonly string[];
      readonly cwd: string;
      readonly env: Readonly<Record<string, string>>;
      readonly mark: string;
    }
  | { readonly type: 'kill' };

export type FromSupervisor =
  | { readonly type: 'not-started'; readonly reason: string }
  | { readonly type: 'exited'; readonly code: number | null; readonly signal: string | null }
  /** The last message: no process of the run is left. */
  | { readonly type: 'empty' };

/** How often to look for new processes, so that one that later loses its parent is already known. */
const LookEveryMs = 1_000;

let tree: ProcessTree | null = null;
/** Resolves once the command's end was told: the tree may be seen empty a moment before. */
let told: Promise<void> = Promise.resolve();
let ending = false;

function start(order: Extract<ToSupervisor, { type: 'start' }>): void {
  const known = new ProcessTree(order.mark);
  tree = known;
  const child = spawn(order.file, order.args, {
    cwd: order.cwd,
    env: { ...order.env, [MarkVariable]: order.mark },
    stdio: 'inherit',
    // A session of its own: what it does to its process group does not reach us.
    detached: true,
  });
  setInterval(() => known.scan(), LookEveryMs);
  told = report(child);
  void told.then(end);
}

function report(child: ChildProcess): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  child.once('error', (error) => {
    tell({ type: 'not-started', reason: error.message });
    resolve();
  });
  child.once('exit', (code, signal) => {
    tell({ type: 'exited', code, signal });
    resolve();
  });
  return promise;
}

async function end(): Promise<void> {
  if (ending) return;
  ending = true;
  await tree?.kill();
  await told;
  if (process.connected) process.send?.({ type: 'empty' } satisfies FromSupervisor, () => process.exit(0));
  else process.exit(0);
}

function tell(message: FromSupervisor): void {
  // A peer that is gone needs no telling.
  if (process.connected) process.send?.(message, () => {});
}

process.on('message', (message: ToSupervisor) => {
  switch (message.type) {
    case 'start':
      return start(message);
    case 'kill':
      return void end();
  }
});
process.once('disconnect', () => void end());
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => void end());
