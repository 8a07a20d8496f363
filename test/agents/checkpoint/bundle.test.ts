import { execFileSync, spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { commitSession, packCheckpoint, unpackCheckpoint } from '../../../src/agents/checkpoint/bundle.ts';
import { ProcessTree } from '../../../src/agents/processes/process-tree.ts';
import { MarkVariable } from '../../../src/agents/processes/processes.ts';
import { whileStill } from '../../../src/agents/processes/still.ts';
import { Mirrors } from '../../../src/agents/workspace/mirror.ts';
import type { Progress, Workspace } from '../../../src/agents/workspace/workspace.ts';
import { waitFor } from '../../support/wait.ts';
import { makeRepository, person, personPushes, useFolder } from '../support.ts';
import { agent as agentIn, requestFor, signal, workspacesIn } from '../workspace/support.ts';

const folder = useFolder();
let origin = '';
let workspace: Workspace;
let sessionDir = '';

/** The repository as another PC has it. */
const elsewhere = async (): Promise<string> => {
  const mirrors = new Mirrors(join(folder.path, 'elsewhere'));
  return (await mirrors.refresh({ url: origin, authorization: null }, null, signal)).dir;
};
type WhileStill = <T>(read: () => Promise<T>) => Promise<T>;
const pack = async (whileStill: WhileStill = (read) => read()): Promise<Progress> => {
  const progress = await workspace.pack({ hasSession: true, commit: null, whileStill }, signal);
  if (progress === null) throw new Error('nothing was packed');
  return progress;
};
const unpack = async (progress: Pick<Progress, 'file' | 'commit'>, to = 'restored') => {
  const scratch = join(folder.path, `${to}-scratch`);
  mkdirSync(scratch);
  const gitDir = join(folder.path, `${to}.git`);
  const session = join(folder.path, `${to}-session`);
  const { file, commit } = progress;
  const mirrorDir = await elsewhere();
  const base = workspace.base.commit;
  await unpackCheckpoint({ file, gitDir, mirrorDir, base, commit, sessionDir: session, scratch, signal });
  return { gitDir, session };
};
const agent = (script: string): string => agentIn(workspace, script);

beforeEach(async () => {
  origin = makeRepository(folder.path);
  workspace = await workspacesIn(join(folder.path, 'home')).open(requestFor(origin));
  sessionDir = workspace.sessionDir;
});

describe('a checkpoint', () => {
  test('has the work and the session of one moment', async () => {
    const [work, session] = [join(workspace.clone, 'n'), join(sessionDir, 'n')];
    // As an agent does: the file first, then what it tells of it.
    const loop = `i=0; while :; do i=$((i+1)); echo $i > ${work}.next; mv ${work}.next ${work}; echo $i > ${session}; done`;
    const mark = `bundle.${randomUUID()}`;
    const tree = new ProcessTree(mark);
    spawn('/bin/sh', ['-c', loop], { stdio: 'ignore', env: { PATH: process.env.PATH, [MarkVariable]: mark } });
    try {
      await waitFor('it works', () => existsSync(session));
      for (const to of ['first', 'second', 'third']) {
        const { gitDir, session: restored } = await unpack(await pack((read) => whileStill(tree, read)), to);
        const done = Number(person(gitDir, 'show', 'refs/mesh/work:n'));
        const told = Number(readFileSync(join(restored, 'n'), 'utf8') || done);
        // The next may be under way.
        expect([done, done - 1]).toContain(told);
      }
    } finally {
      await tree.kill();
    }
  });

  test('brings the work and the session to another PC', async () => {
    agent('echo b > b.txt; git commit -qam early --allow-empty; echo c > c.txt');
    mkdirSync(join(sessionDir, 'projects/x'), { recursive: true });
    writeFileSync(join(sessionDir, 'projects/x/1.jsonl'), '{"turn":1}\n');
    writeFileSync(join(sessionDir, '.gitignore'), '*\n');
    const progress = await pack();
    const { gitDir, session } = await unpack(progress);
    expect(person(gitDir, 'show', `${progress.commit}:c.txt`)).toBe('c');
    expect(person(gitDir, 'log', '-1', '--format=%(trailers:key=Mesh-Attempt,valueonly)', progress.commit)).toBe('1');
    expect(readFileSync(join(session, 'projects/x/1.jsonl'), 'utf8')).toBe('{"turn":1}\n');
    expect(existsSync(join(session, '.gitignore'))).toBe(true);
  });

  test('saves a session before any file has changed', async () => {
    writeFileSync(join(sessionDir, 'history.json'), '[]');
    const progress = await pack();
    expect(progress).toMatchObject({ commit: workspace.base.commit, hasSession: true });
    const { session } = await unpack(progress);
    expect(readFileSync(join(session, 'history.json'), 'utf8')).toBe('[]');
  });

  test('is none where there is nothing to save', async () => {
    expect(await workspace.pack({ hasSession: true, commit: null, whileStill: (read) => read() }, signal)).toBeNull();
  });

  test('has the same content while nothing changes, and another when something does', async () => {
    agent('echo b > b.txt');
    const [first, same] = [await pack(), await pack()];
    expect(same.content).toBe(first.content);
    writeFileSync(join(sessionDir, 'history.json'), '[1]');
    expect((await pack()).content).not.toBe(first.content);
  });

  test('has the bytes of a session as they are, and neither its links nor its repositories', async () => {
    writeFileSync(join(sessionDir, '.gitattributes'), '* text eol=crlf\n');
    writeFileSync(join(sessionDir, 'mixed.txt'), 'one\r\ntwo\n');
    symlinkSync('/etc', join(sessionDir, 'projects'));
    execFileSync('git', ['init', '--quiet', join(sessionDir, 'repository')]);
    person(join(sessionDir, 'repository'), 'commit', '--quiet', '--allow-empty', '-m', 'inner');
    const { session } = await unpack(await pack());
    expect(readFileSync(join(session, 'mixed.txt'), 'utf8')).toBe('one\r\ntwo\n');
    expect(readdirSync(session).sort()).toEqual(['.gitattributes', 'mixed.txt']);
  });

  test('that would be too large holds the work without the session', async () => {
    agent('echo b > b.txt');
    writeFileSync(join(sessionDir, 'noise'), randomBytes(200_000));
    const commit = (await workspace.snapshot(signal)) ?? workspace.base.commit;
    const scratch = join(folder.path, 'scratch');
    mkdirSync(scratch);
    const file = join(scratch, 'bundle');
    const { publishDir: gitDir, base } = workspace;
    const session = await commitSession({ gitDir, base: base.commit, sessionDir, scratch, signal });
    const request = { gitDir, base: base.commit, commit, session, file, signal };
    const whole = await packCheckpoint({ ...request, maxBytes: 1_000_000 });
    expect(whole).toMatchObject({ hasSession: true, leftOutBytes: null });
    const packed = await packCheckpoint({ ...request, maxBytes: 100_000 });
    expect(packed).toMatchObject({ hasSession: false, content: whole?.content });
    expect(packed?.leftOutBytes).toBeGreaterThan(200_000);
    const { gitDir: restored, session: restoredSession } = await unpack({ file, commit });
    expect(person(restored, 'show', `${commit}:b.txt`)).toBe('b');
    expect(existsSync(join(restoredSession, 'noise'))).toBe(false);
  });

  test('leaves nothing behind once it is discarded', async () => {
    agent('echo b > b.txt');
    const progress = await pack();
    await progress.discard();
    expect(existsSync(progress.file)).toBe(false);
  });
});

describe('an attempt that goes on from a checkpoint', () => {
  const goOn = async (progress: Progress): Promise<Workspace> => {
    const saved = { file: progress.file, base: workspace.base.commit, commit: progress.commit, withSession: true };
    return workspacesIn(join(folder.path, 'other-home')).open(requestFor(origin, { attempt: 2, saved }));
  };

  test('finds the work and the session, and what it adds is published with what was there', async () => {
    agent('echo b > b.txt');
    writeFileSync(join(sessionDir, 'history.json'), '[1]');
    const progress = await pack();
    const next = await goOn(progress);
    expect(next.saved?.content).toBe(progress.content);
    expect(readFileSync(join(next.cwd, 'b.txt'), 'utf8')).toBe('b\n');
    expect(readFileSync(join(next.sessionDir, 'history.json'), 'utf8')).toBe('[1]');
    writeFileSync(join(next.cwd, 'c.txt'), 'c\n');
    const commit = (await next.snapshot(signal)) ?? '';
    expect(person(next.publishDir, 'diff', '--name-only', workspace.base.commit, commit).split('\n')).toEqual([
      'b.txt',
      'c.txt',
    ]);
    expect(person(next.publishDir, 'log', '-1', '--format=%(trailers:key=Mesh-Attempt,valueonly)', commit)).toBe('2');
  });

  test('starts where the first one did, also when the branch has moved on since', async () => {
    agent('echo b > b.txt');
    const progress = await pack();
    personPushes(folder.path);
    const next = await goOn(progress);
    expect(next.base.commit).toBe(workspace.base.commit);
    expect(await next.snapshot(signal)).not.toBeNull();
  });
});

describe('a checkpoint that is not what it says', () => {
  test('with another commit is refused', async () => {
    agent('echo b > b.txt');
    const progress = await pack();
    const other = 'f'.repeat(40) as Progress['commit'];
    await expect(unpack({ ...progress, commit: other })).rejects.toMatchObject({ code: 'bad-checkpoint' });
  });

  test('that is cut short is refused', async () => {
    agent('echo b > b.txt');
    const progress = await pack();
    writeFileSync(progress.file, readFileSync(progress.file).subarray(0, -20));
    await expect(unpack(progress)).rejects.toMatchObject({ code: 'bad-checkpoint' });
  });

  test('of a history that this PC does not have is refused', async () => {
    agent('echo b > b.txt');
    const progress = await pack();
    const gitDir = join(folder.path, 'strange.git');
    const other = makeRepository(join(folder.path, 'home'), { 'z.txt': 'z\n' });
    const mirrorDir = other;
    const scratch = join(folder.path, 's');
    mkdirSync(scratch);
    const base = workspace.base.commit;
    const request = { ...progress, gitDir, mirrorDir, base, sessionDir: scratch, scratch, signal };
    await expect(unpackCheckpoint(request)).rejects.toMatchObject({ code: 'bad-checkpoint' });
  });
});

test('packing needs no working repository of the agent: a damaged index of the clone does no harm', async () => {
  agent('echo b > b.txt; echo rubbish > .git/index');
  expect((await pack()).commit).not.toBe(workspace.base.commit);
});
