import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Workspace } from '../../../src/agents/workspace/workspace.ts';
import { makeRepository, person, useFolder } from '../support.ts';
import { requestFor, runAgent, signal, workspacesIn } from './support.ts';

/** An agent may know an object's name and be kept from reading it; the peer can read it, and would publish it. */
describe('an agent that names the objects of another repository of this PC', () => {
  const folder = useFolder();
  let workspace: Workspace;
  let foreign = '';
  let tree = '';

  beforeEach(async () => {
    const origin = makeRepository(folder.path);
    mkdirSync(join(folder.path, 'foreign'));
    foreign = join(makeRepository(join(folder.path, 'foreign'), { 'secret.txt': 'secret\n' }), 'objects');
    tree = person(join(foreign, '..'), 'rev-parse', 'main^{tree}');
    workspace = await workspacesIn(join(folder.path, 'home')).open(requestFor(origin));
  });

  const agent = (script: string): string => runAgent(workspace.clone, script);
  /** Written without a look at what it names. */
  const commitForeignTree = (): string =>
    agent(`who='x <x@localhost> 1700000000 +0000'
      commit=$(printf 'tree ${tree}\\nparent %s\\nauthor %s\\ncommitter %s\\n\\nx\\n' $(git rev-parse HEAD) "$who" "$who" |
        git hash-object -t commit -w --stdin --literally)
      echo $commit > .git/$(git symbolic-ref HEAD)`);
  const inPack = (): string => person(join(foreign, '..'), 'gc', '--quiet');

  const takesNothing = async (reason: RegExp): Promise<void> => {
    const message = expect.stringMatching(reason);
    await expect(workspace.snapshot(signal)).rejects.toMatchObject({ code: 'bad-result', message });
    await expect(
      workspace.pack({ hasSession: false, commit: null, whileStill: (read) => read() }, signal),
    ).rejects.toMatchObject({ message });
    // It is work that cannot be told, so it is put by.
    expect(existsSync((await workspace.close(false)) ?? '')).toBe(true);
  };

  test.each([
    ['alternates', () => `echo ${foreign} >> .git/objects/info/alternates`],
    ['alternates over http', () => `echo ${foreign} >> .git/objects/info/http-alternates`],
    [
      'alternates of alternates',
      () => `mkdir -p a/info; echo ${foreign} > a/info/alternates
      echo ../../a >> .git/objects/info/alternates`,
    ],
  ])('by its clone’s %s gets none of them', async (_, plant) => {
    commitForeignTree();
    agent(plant());
    await takesNothing(/cannot be read: .*tree/);
  });

  test.each<[string, () => string]>([
    [
      'all objects',
      () =>
        `cp -r ${foreign}/.. .git/moved; mv .git/objects .git/old; cp -rn .git/old/* ${foreign}/; ln -s ${foreign} .git/objects`,
    ],
    ['a folder of objects', () => `for one in ${foreign}/??; do ln -sfn $one .git/objects/\${one##*/}; done`],
    [
      'an object',
      () =>
        `for one in ${foreign}/??; do mkdir -p .git/objects/\${one##*/}; ln -sf $one/* .git/objects/\${one##*/}/; done`,
    ],
    ['the folder of packs', () => `${inPack()} rm -rf .git/objects/pack; ln -s ${foreign}/pack .git/objects/pack`],
    ['a pack', () => `${inPack()} ln -s ${foreign}/pack/pack-* .git/objects/pack/`],
  ])('by a link in the place of %s gets none of them', async (_, plant) => {
    commitForeignTree();
    agent(plant());
    await takesNothing(/something else where git has a plain (file|folder)/);
  });

  test('with the objects’ files in its clone has had them all along, and publishes its own work', async () => {
    agent(`rm -r .git/objects/info; echo b > b.txt; git() { GIT_ALTERNATE_OBJECT_DIRECTORIES=$alt command git "$@"; }
      alt=$(echo ${folder.path}/home/mirrors/*/objects); git add b.txt; git commit -qm b`);
    const commit = await workspace.snapshot(signal);
    expect(person(workspace.publishDir, 'show', `${commit}:b.txt`)).toBe('b');
  });
});
