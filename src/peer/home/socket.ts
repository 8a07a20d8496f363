import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { HomeError } from './errors.ts';
import { codeOf, messageOf } from './files.ts';
import type { Home } from './home.ts';

/** The kernel's limit is 108 bytes on Linux and 104 on macOS, the final NUL included. */
const longestPathBytes = 100;

/**
 * Where the peer of this home serves its control API. A path too long for a socket is exchanged for a short one in a
 * private folder under the temporary one, and noted in `peer.sock.path`: the peer and the commands that look for it may
 * have different ideas of where the temporary folder is.
 * @throws HomeError `no-socket`.
 */
export function socketPath(home: Pick<Home, 'folder'>): string {
  const plain = join(home.folder, 'peer.sock');
  if (Buffer.byteLength(plain) <= longestPathBytes) return plain;
  const note = `${plain}.path`;
  const noted = readNote(note);
  if (noted !== null && isPrivateFolder(dirname(noted))) return noted;

  const hash = createHash('sha256').update(home.folder).digest('hex').slice(0, 16);
  const folder = join(tmpdir(), `issue-mesh-${hash}`);
  const path = join(folder, 'peer.sock');
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (cause) {
    if (codeOf(cause) !== 'EEXIST') throw noSocket(home, messageOf(cause), cause);
  }
  if (!isPrivateFolder(folder)) throw noSocket(home, `${folder} belongs to somebody else`);
  if (Buffer.byteLength(path) > longestPathBytes) throw noSocket(home, `and so is ${path}`);
  try {
    writeFileSync(note, path, { mode: 0o600 });
  } catch (cause) {
    // No home, so no peer that could be missed: the path is as good as any.
    if (codeOf(cause) !== 'ENOENT') throw noSocket(home, messageOf(cause), cause);
  }
  return path;
}

function readNote(note: string): string | null {
  try {
    return readFileSync(note, 'utf8');
  } catch {
    return null;
  }
}

/** Anyone may make a folder of that name under the temporary one; theirs must not get our socket. */
function isPrivateFolder(folder: string): boolean {
  const found = lstatSync(folder, { throwIfNoEntry: false });
  return found?.isDirectory() === true && found.uid === process.getuid?.() && (found.mode & 0o077) === 0;
}

function noSocket(home: Pick<Home, 'folder'>, reason: string, cause?: unknown): HomeError {
  const message = `${home.folder} is too long a path for a socket (${reason}): set PEER_HOME to a shorter one`;
  return new HomeError('no-socket', home.folder, message, { cause });
}
