import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import type { HostId } from '../../protocol/ids.ts';

const machineIdFiles = ['/etc/machine-id', '/var/lib/dbus/machine-id'];

/**
 * The same for every peer on this PC, at every start. Copied disk images share a machine id and PCs may share a
 * hostname, so it is of both; hashed, because a machine id is not for others to know.
 */
export async function hostId(): Promise<HostId> {
  const hash = createHash('sha256').update('issue-mesh host\n');
  hash.update(`${await machineId()}\n${hostname()}`);
  return hash.digest('hex').slice(0, 32) as HostId;
}

async function machineId(): Promise<string> {
  for (const file of machineIdFiles) {
    const id = await readFile(file, 'utf8').catch(() => '');
    if (id.trim() !== '') return id.trim();
  }
  return '';
}

/** What a peer is called where nobody chose a name: the hostname without its domain. */
export function defaultName(): string {
  const [first = ''] = hostname().split('.');
  return first.slice(0, 100) || 'peer';
}
