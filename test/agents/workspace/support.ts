import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { beforeEach } from 'vitest';
import { Mirrors } from '../../../src/agents/workspace/mirror.ts';
import type { Workspace } from '../../../src/agents/workspace/workspace.ts';
import { type OpenRequest, Workspaces } from '../../../src/agents/workspace/workspaces.ts';
import type { CommitId } from '../../../src/protocol/ids.ts';
import type { TaskBody } from '../../../src/protocol/record.ts';
import { makeRepository, person, taskFor, useFolder } from '../support.ts';

/** Of whatever a test does not stop. */
export const { signal } = new AbortController();

/** The first attempt at a task of that repository, from its beginning. */
export const requestFor = (origin: string, changes: Partial<OpenRequest> = {}): OpenRequest => ({
  task: taskFor(origin),
  attempt: 1,
  remote: { url: origin, authorization: null },
  identity: { name: 'issue-mesh', email: 'issue-mesh@localhost' },
  saved: null,
  signal,
  ...changes,
});

/** The workspaces of a peer whose tasks are all open. */
export const workspacesIn = (home: string, mirrors = new Mirrors(home)): Workspaces =>
  new Workspaces(home, mirrors, () => 'open');

/** What an agent does in a folder of its clone. */
export const runAgent = (cwd: string, script: string): string =>
  execFileSync('/bin/sh', ['-ec', script], { cwd, encoding: 'utf8', stdio: 'pipe' });

/** The same, in the folder that its task names. */
export const agent = ({ cwd }: Workspace, script: string): string => runAgent(cwd, script);

export async function committed(workspace: Workspace): Promise<CommitId> {
  const commit = await workspace.snapshot(signal);
  if (commit === null) throw new Error('nothing was committed');
  return commit;
}

/** What git says of the repository that a workspace is published from. */
export const show = ({ publishDir }: Workspace, ...args: readonly string[]): string => person(publishDir, ...args);

/** A repository and a peer's home beside it, new for each test. */
export function useWorkspaces() {
  const folder = useFolder();
  let origin = '';
  beforeEach(() => {
    const files = { 'a.txt': 'a\n', 'packages/web/index.js': '1\n', '.gitignore': 'junk/\n' };
    origin = makeRepository(folder.path, files);
  });
  const home = (): string => join(folder.path, 'home');
  return {
    get folder() {
      return folder.path;
    },
    get origin() {
      return origin;
    },
    get home() {
      return home();
    },
    open: (changes?: Partial<TaskBody>, workspaces = workspacesIn(home())): Promise<Workspace> =>
      workspaces.open(requestFor(origin, { task: taskFor(origin, changes) })),
  };
}
