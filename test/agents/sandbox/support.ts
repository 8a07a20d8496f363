import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { openSandboxes, type SandboxOptions } from '../../../src/agents/sandbox/open-sandboxes.ts';
import type { Places } from '../../../src/agents/sandbox/sandbox.ts';

/** Why nothing can be confined on this machine; null where it can. */
export async function whyNoSandbox(): Promise<string | null> {
  const opened = await openSandboxes({ mode: 'auto', peerHome: '/nowhere', allowHosts: [] });
  return opened.type === 'none' ? opened.reason : null;
}

export async function sandboxesFor(peerHome: string, options: Partial<SandboxOptions> = {}) {
  const opened = await openSandboxes({ mode: 'auto', peerHome, allowHosts: [], ...options });
  if (opened.type === 'none') throw new Error(opened.reason);
  return opened.sandboxes;
}

/** An attempt's places, as a workspace has them. */
export function placesIn(
  peerHome: string,
  attempt = 'one',
): Places & { readonly clone: string; readonly folder: string } {
  const root = join(peerHome, 'work', attempt);
  const [clone, folder, mirror] = [join(root, 'clone'), join(root, 'agent'), join(peerHome, 'mirrors', 'm')];
  for (const path of [clone, folder, mirror]) mkdirSync(path, { recursive: true });
  return { clone, folder, writable: [clone, folder], readable: [mirror], own: join(root, 'sandbox') };
}
