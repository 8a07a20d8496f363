import { describe, expect, test } from 'vitest';
import { counted, useVerify } from './support.ts';

const { pc, start } = useVerify();

describe('the commit holds the agent’s work', () => {
  test('and not what verify leaves behind, in any round', async () => {
    const agent = `${counted} echo $n > b.txt; test -e coverage/seen && git add -A && git commit -qm "all of it"; true`;
    const verify = 'mkdir -p coverage; echo x > coverage/seen; exit 1';
    const { job, published } = start({ executor: agent, body: { verify } });
    await published();
    expect(pc.filesOf(job.task)).toEqual(['a.txt', 'b.txt']);
    expect(pc.fileOf(job.task, 'b.txt')).toBe('3');
  });

  test.each([
    ['left as they are', ''],
    ['committed by the agent', 'git add -A && git commit -qm "all of it";'],
  ])('and neither what verify changes nor what it removes, %s', async (_, commit) => {
    const agent = `${counted} [ $n = 1 ] || { ${commit} true; }; if [ $n = 1 ]; then echo mine > b.txt; fi; echo $n > n.txt`;
    const verify = 'echo snapshot >> b.txt; rm -f a.txt; exit 1';
    const { job, published } = start({ executor: agent, body: { verify } });
    await published();
    expect(pc.filesOf(job.task)).toEqual(['a.txt', 'b.txt', 'n.txt']);
    expect(pc.fileOf(job.task, 'b.txt')).toBe('mine');
    expect(pc.fileOf(job.task, 'n.txt')).toBe('3');
  });

  test('with what verify has changed and the agent has changed again', async () => {
    const agent = `${counted} echo $n > n.txt; [ $n = 1 ] || { echo mine > a.txt; }`;
    const verify = 'grep -q mine a.txt || { echo x > a.txt; exit 1; }';
    const { job, published } = start({ executor: agent, body: { verify } });
    expect(await published()).toMatchObject({ verified: true });
    expect(pc.fileOf(job.task, 'a.txt')).toBe('mine');
  });

  test('with what the agent makes in the place of a folder that verify has removed', async () => {
    const agent = `${counted} [ $n = 1 ] && { mkdir d; echo 1 > d/one; }; [ $n = 1 ] || echo mine > d`;
    const { job, published } = start({ executor: agent, body: { verify: 'test -f d || { rm -r d; exit 1; }' } });
    expect(await published()).toMatchObject({ verified: true });
    expect(pc.fileOf(job.task, 'd')).toBe('mine');
  });

  test('with what the agent makes below a file that verify has removed', async () => {
    const agent = `${counted} [ $n = 1 ] && echo 1 > d; [ $n = 1 ] || { mkdir d; echo mine > d/one; }`;
    const { job, published } = start({ executor: agent, body: { verify: 'test -d d || { rm d; exit 1; }' } });
    expect(await published()).toMatchObject({ verified: true });
    expect(pc.fileOf(job.task, 'd/one')).toBe('mine');
  });

  test('and not a repository that verify makes', async () => {
    const verify =
      'git init -q nested; git -C nested -c user.name=x -c user.email=x commit -q --allow-empty -m x; exit 1';
    const { job, published } = start({ executor: `${counted} echo $n > b.txt`, body: { verify } });
    await published();
    expect(pc.filesOf(job.task)).toEqual(['a.txt', 'b.txt']);
    expect(pc.fileOf(job.task, 'b.txt')).toBe('3');
  });

  test('with what verify has left and the agent has taken up', async () => {
    const agent = `${counted} echo $n > b.txt; if [ -e made.txt ]; then echo mine > made.txt; fi`;
    const { job, published } = start({
      executor: agent,
      body: { verify: 'test -e made.txt || { echo made > made.txt; exit 1; }' },
    });
    expect(await published()).toMatchObject({ verified: true });
    expect(pc.fileOf(job.task, 'made.txt')).toBe('mine');
  });

  test('though verify alone changes nothing into something', async () => {
    const { reports } = start({ executor: 'echo "nothing to do"', body: { verify: 'echo x > x.txt; exit 1' } });
    expect(await reports.wait('failed')).toMatchObject({
      reason: 'the agent changed nothing; it said: nothing to do',
    });
  });

  test('whatever verify does to the repository that it is pushed from', async () => {
    const evil = 'rm -rf ../publish.git/refs; git -C ../publish.git config url.file:///nowhere.insteadOf /; true';
    const { job, published } = start({ executor: 'echo b > b.txt', body: { verify: evil } });
    expect(await published()).toMatchObject({ verified: true });
    expect(pc.filesOf(job.task)).toEqual(['a.txt', 'b.txt']);
  });
});
