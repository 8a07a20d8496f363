import { realpath } from 'node:fs/promises';
import { SandboxError } from './sandbox.ts';

/** What stands at a path inside the sandbox. */
export type Mount =
  | { readonly type: 'read-only' | 'writable'; readonly path: string; readonly source: string }
  | { readonly type: 'link'; readonly path: string; readonly target: string }
  /** An empty folder, gone with the sandbox. */
  | { readonly type: 'empty'; readonly path: string }
  /** A file that is there and cannot be read. */
  | { readonly type: 'masked'; readonly path: string }
  | { readonly type: 'proc' | 'dev'; readonly path: string };

/** bubblewrap's arguments. Parents come before what is mounted in them; of two at one path the later counts. */
export const mountArgs = (mounts: readonly Mount[]): readonly string[] =>
  mounts.toSorted((a, b) => depthOf(a.path) - depthOf(b.path)).flatMap(argsOf);

const depthOf = (path: string): number => path.split('/').filter((part) => part !== '').length;

function argsOf(mount: Mount): readonly string[] {
  switch (mount.type) {
    case 'read-only':
      return ['--ro-bind', mount.source, mount.path];
    case 'writable':
      return ['--bind', mount.source, mount.path];
    case 'link':
      return ['--symlink', mount.target, mount.path];
    case 'empty':
      return ['--tmpfs', mount.path];
    case 'masked':
      return ['--ro-bind', '/dev/null', mount.path];
    case 'proc':
      return ['--proc', mount.path];
    case 'dev':
      return ['--dev', mount.path];
  }
}

/**
 * What is at `path`, at its real path, and where that is another also under the name that it was given.
 * @throws SandboxError where nothing is there.
 */
export async function bound(type: 'read-only' | 'writable', path: string): Promise<readonly Mount[]> {
  const source = await realpath(path).catch((error: Error) => {
    throw new SandboxError(`${path} is needed in the sandbox and cannot be had: ${error.message}`);
  });
  return [...new Set([source, path])].map((inside) => ({ type, path: inside, source }));
}
