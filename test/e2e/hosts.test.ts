import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { startFakeGitHub } from '../support/fake-github/server.ts';
import { Hosts, whyNoHosts } from '../support/hosts.ts';
import type { PeerProcess, TaskJson } from '../support/mesh.ts';
import { branchesOf, git, makeBareRepository } from '../support/repository.ts';
import { waitFor } from '../support/wait.ts';
import { expectNothingLeft } from './leftovers.ts';
import { names, slug } from './support.ts';

const reason = whyNoHosts();
if (reason !== null) console.log(`several hosts are not tested: ${reason}`);

const cutMs = 30_000;
/** From the cable's return to the mesh that is whole again, by the peers' own account. */
const wholeMs = 5_000;
/** Not over when its host's cable is pulled, and long over when that is put back. */
const work = 'echo working && sleep 15 && sed -i s/helo/hello/ greeting.txt && echo mended';
const executor = (command: string): readonly string[] => ['--executor', 'command', '--command', command];

describe.skipIf(reason !== null)('several hosts on one switch', () => {
  it('find each other; a worker that is cut off and comes back leaves one pull request', async () => {
    await using hosts = await Hosts.create();
    const { folder } = hosts.mesh;
    mkdirSync(join(folder, 'server'));
    const bare = makeBareRepository(join(folder, 'server', 'widgets.git'), { 'greeting.txt': 'helo\n' });
    git(bare, 'config', 'core.logAllRefUpdates', 'always');
    const issues = [7, 8].map((number) => ({ number, title: `Greeting ${number}`, body: 'It says helo.' }));
    await using github = await startFakeGitHub({
      repositories: [{ owner: 'acme', name: 'widgets', gitDir: bare, issues }],
      tokens: ['e2e-token'],
    });
    const server = await hosts.serve(github.serverUrl);
    const env = {
      GITHUB_TOKEN: 'e2e-token',
      GITHUB_API_URL: github.apiUrl.replace(github.serverUrl, server),
      GITHUB_SERVER_URL: server,
    };
    const peers = names.map((name) => hosts.add({ name, args: ['--capacity', '1', ...executor(work)] }, env));
    await hosts.mesh.makeWhole();

    const submit = async (issue: number): Promise<TaskJson> => {
      const peer = hosts.mesh.peer('alpha');
      const { id } = await peer.json<{ id: string }>(['submit', '--issue', `${issue}`, '--repo', slug]);
      return peer.taskWhere(id, 'a worker', ({ worker }) => worker !== null);
    };
    const begun = [await submit(7), await submit(8)];
    const cut = begun.map(({ worker }) => hosts.mesh.peer(worker ?? ''));
    expect(new Set(cut).size).toBe(2);
    for (const [index, { name }] of cut.entries()) hosts.cut(name, index === 0 ? 'loud' : 'silent');
    const back = delay(cutMs);
    const observer = peers.find((peer) => !cut.includes(peer)) as PeerProcess;
    const done: TaskJson[] = [];
    for (const { id } of begun) done.push(await observer.done(id));
    await back;
    const healedAt = Date.now();
    for (const { name } of cut) hosts.heal(name);
    await hosts.mesh.connected();
    const linkedAt = peers
      .flatMap((peer) => peer.events())
      .flatMap(({ event, time }) => (event === 'peer-up' ? [Date.parse(String(time))] : []));
    expect(Math.max(...linkedAt) - healedAt).toBeLessThan(wholeMs);
    expect(Math.max(...linkedAt)).toBeGreaterThan(healedAt);

    // What the two did meanwhile counts no more, and they know it. What they asked of GitHub may still be under way.
    const attemptsEnded = (peer: PeerProcess) => peer.events().filter(({ event }) => event === 'attempt-ended');
    await waitFor('both have ended their attempt', () => cut.every((peer) => attemptsEnded(peer).length > 0), 60_000);
    await expectNothingLeft(hosts.mesh);
    for (const [index, peer] of cut.entries()) {
      const { attempts, ...task } = await peer.done(begun[index]?.id ?? '');
      expect(task).toMatchObject({ worker: done[index]?.worker, result: done[index]?.result });
      // Both may have been offered to the same slot.
      const outcomes = attempts.map(({ outcome }) => outcome).filter((outcome) => outcome !== 'refused');
      expect(outcomes).toEqual(['lapsed', 'done']);
      expect(attemptsEnded(peer)).toHaveLength(1);
    }
    expect(
      github
        .pulls()
        .map(({ head }) => head)
        .toSorted(),
    ).toEqual(['peer/issue-7', 'peer/issue-8']);
    for (const branch of ['peer/issue-7', 'peer/issue-8']) {
      expect(git(bare, 'reflog', '--format=%gs', branch).split('\n')).toEqual(['push']);
    }
    expect(Object.keys(branchesOf(bare)).toSorted()).toEqual(['main', 'peer/issue-7', 'peer/issue-8']);
  }, 150_000);

  it('that do not reach each other work through the one between them', async () => {
    await using hosts = await Hosts.create();
    const bare = makeBareRepository(join(hosts.mesh.folder, 'sample.git'), { 'README.md': 'A sample.\n' });
    const specialties = { left: 'frontend', middle: 'frontend', right: 'backend' };
    const peers = Object.entries(specialties).map(([name, specialty]) =>
      hosts.add(
        { name, args: ['--specialties', specialty, ...executor('echo done > done.txt')] },
        { LOG_LEVEL: 'debug' },
      ),
    );
    hosts.isolate(['left', 'right']);
    await hosts.mesh.makeWhole();
    const relayed = peers.flatMap((peer) => peer.events().filter(({ event }) => event === 'relayed'));
    expect(relayed.map(({ through }) => through)).toContain(hosts.mesh.peer('middle').id);

    const submit = ['submit', '--repo', bare, '--requires', 'backend', '--prompt', 'For the one far away', '--follow'];
    const followed = await hosts.mesh.peer('left').cli(submit);
    expect(followed, followed.stderr).toMatchObject({ code: 0 });
    const [task] = (await hosts.mesh.peer('left').status()).tasks;
    expect(task).toMatchObject({ state: 'done', worker: hosts.mesh.peer('right').id, attempt: 1 });
  }, 90_000);
});
