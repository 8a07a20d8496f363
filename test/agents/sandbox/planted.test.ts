import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { GitForge } from '../../../src/agents/forge/git-forge.ts';
import type { Workspace } from '../../../src/agents/workspace/workspace.ts';
import { makeRepository, person, useFolder } from '../support.ts';
import { agent as agentIn, requestFor, signal, workspacesIn } from '../workspace/support.ts';

/**
 * A sandbox ends with the agent; what the agent leaves in its clone waits for the peer, which publishes it with the forge's token
 * in hand. So this is the publishing's to withstand.
 */
describe('what an agent plants in its clone for the peer to run', () => {
  const folder = useFolder();
  const ran = (): string => join(folder.path, 'ran');
  let origin = '';
  let workspace: Workspace;

  beforeEach(async () => {
    origin = makeRepository(folder.path);
    workspace = await workspacesIn(join(folder.path, 'home')).open(requestFor(origin));
  });

  const agent = (script: string): string => agentIn(workspace, script);

  /** The trap tells who ran it, by whose token. */
  const trap = (): string =>
    `printf '#!/bin/sh\\necho "$TOKEN" >> ${ran()}\\n' > .git/trap; chmod +x .git/trap; trap=$PWD/.git/trap`;

  const plants = [
    ['a hook before the commit', () => 'mkdir -p .git/hooks; cp .git/trap .git/hooks/pre-commit'],
    ['a hook before the push', () => 'mkdir -p .git/hooks; cp .git/trap .git/hooks/pre-push'],
    [
      'a folder of hooks',
      () => 'mkdir .git/mine; cp .git/trap .git/mine/post-commit; git config core.hooksPath .git/mine',
    ],
    ['core.fsmonitor', () => 'git config core.fsmonitor "$trap"'],
    [
      'url.<x>.insteadOf',
      () => `git config url."ext::$trap ".insteadOf '${origin}'; git config protocol.ext.allow always`,
    ],
  ] as const;

  /** As anybody would publish who trusts the clone. */
  function publishPlainly(): void {
    const env = { PATH: process.env.PATH, HOME: folder.path, TOKEN: 'the token' };
    const script = `git add --all && git commit -qm work && git push -q '${origin}' HEAD:refs/heads/plain`;
    try {
      execFileSync('/bin/sh', ['-c', script], { cwd: workspace.cwd, env, stdio: 'ignore', timeout: 20_000 });
    } catch {
      // A trap need not let the push go on.
    }
  }

  it.each(plants)('%s runs with the token where git runs in the clone: the attack is real', (_, plant) => {
    agent('echo b > b.txt');
    agent(`${trap()}; ${plant()}`);
    rmSync(ran(), { force: true });
    publishPlainly();
    expect(readFileSync(ran(), 'utf8')).toContain('the token');
  });

  it.each(plants)('%s does not run, and the work is published all the same', async (_, plant) => {
    agent('echo b > b.txt');
    agent(`${trap()}; ${plant()}`);
    rmSync(ran(), { force: true });
    const commit = await workspace.snapshot(signal);
    if (commit === null) throw new Error('nothing was committed');
    const push = { gitDir: workspace.publishDir, commit, branch: 'peer/x', expectedTip: null };
    expect(await new GitForge(origin).push(push)).toEqual({ type: 'pushed' });
    expect(existsSync(ran())).toBe(false);
    expect(person(origin, 'show', 'peer/x:b.txt')).toBe('b');
  });
});
