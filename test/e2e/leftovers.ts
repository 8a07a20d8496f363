import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { parseStat } from '../../src/agents/processes/processes.ts';
import type { Mesh } from '../support/mesh.ts';
import { patientMs, waitFor } from '../support/wait.ts';

/** Processes whose command line or environment names the mesh's folder, but for its peers. Linux only. */
function strayProcesses(mesh: Mesh): readonly string[] {
  if (process.platform !== 'linux') return [];
  const own = new Set([process.pid, ...mesh.peers.map(({ pid }) => pid)]);
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && !own.has(Number(entry)))
    .flatMap((pid) => {
      const seen = ['cmdline', 'environ'].map((file) => readProc(pid, file)).join('\0');
      return seen.includes(mesh.folder) ? [`${pid}: ${readProc(pid, 'cmdline').replaceAll('\0', ' ')}`] : [];
    });
}

/** The processes that a peer has started itself; none elsewhere than on Linux. */
export function supervisorsOf(peer: number): readonly number[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && parseStat(readProc(entry, 'stat'))?.ppid === peer)
    .map(Number);
}

/**
 * No agent's process, and no clone in the folder of a peer that lives, is left once nothing runs; but for the work that
 * is kept of the tasks that have failed.
 */
export async function expectNothingLeft(mesh: Mesh, failed: readonly string[] = []): Promise<void> {
  const kept = failed.map((id) => `kept-${id.slice(0, 8)}-`);
  let left: unknown = null;
  await waitFor(
    'nothing is left that nobody owns',
    async () => {
      const alive = mesh.peers.filter(({ isAlive }) => isAlive);
      const clones = alive.flatMap(({ home }) =>
        readdirSync(join(home, 'work'))
          .filter((clone) => !kept.some((start) => clone.startsWith(start)))
          .map((clone) => join(home, 'work', clone)),
      );
      left = { processes: strayProcesses(mesh), clones };
      return strayProcesses(mesh).length === 0 && clones.length === 0;
    },
    patientMs,
    () => left,
  );
  expect(left).toEqual({ processes: [], clones: [] });
}

function readProc(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}
