import { homedir } from 'node:os';
import { delimiter } from 'node:path';
import { execa } from 'execa';
import { programIn } from '../processes/search-path.ts';
import { Bubblewrap, probeArgs } from './bubblewrap.ts';
import { type Lookup, systemLookup } from './dial.ts';
import type { Sandboxes } from './sandbox.ts';
import { whyNot } from './why-not.ts';

export interface SandboxOptions {
  /** `require` is `auto` for a caller that does without nothing. */
  readonly mode: 'auto' | 'require' | 'off';
  readonly peerHome: string;
  /** What the person lets agents reach: `host`, `*.host`, each with or without `:port`, or addresses. */
  readonly allowHosts: readonly string[];
  /** bubblewrap's name or path. */
  readonly program?: string;
  readonly lookup?: Lookup;
}

export type OpenedSandboxes =
  | { readonly type: 'sandbox'; readonly sandboxes: Sandboxes }
  /** The reason names the mend. */
  | { readonly type: 'none'; readonly reason: string };

const probeMs = 10_000;

/** What this PC can confine agents with, found out by doing it once. */
export async function openSandboxes(options: SandboxOptions): Promise<OpenedSandboxes> {
  const { mode, peerHome, allowHosts, program = 'bwrap', lookup = systemLookup } = options;
  if (mode === 'off') return none('switched off: `--sandbox auto` switches it on');
  if (process.platform !== 'linux') return none(`there is none for ${process.platform}: run the peer on Linux`);
  // By the peer's own PATH: an agent's may be another.
  const found = await programIn((process.env.PATH ?? '').split(delimiter), program);
  if (found === null) return none("bubblewrap is not installed: `sudo apt install bubblewrap`, or your system's way");
  const probe = await execa(found, await probeArgs(), { reject: false, timeout: probeMs, stdin: 'ignore' });
  if (probe.failed) return none(await whyNot(probe.stderr ?? ''));
  const parts = { program: found, personHome: homedir(), peerHome, allowHosts, lookup };
  const open: Sandboxes['open'] = (onDenied) => new Bubblewrap(parts, onDenied);
  return { type: 'sandbox', sandboxes: { name: 'bubblewrap', open } };
}

const none = (reason: string): OpenedSandboxes => ({ type: 'none', reason });
