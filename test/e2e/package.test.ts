import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { Mesh, type TaskJson } from '../support/mesh.ts';
import { branchesOf, makeBareRepository } from '../support/repository.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));
/** The Node that runs the tests comes first, as on a machine that has a current one. */
const env = { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH}` };

it('the packed tarball, installed globally into an empty prefix, starts, submits and shows status', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'package-'));
  try {
    await run('npm', ['pack', '--ignore-scripts', '--pack-destination', folder], { cwd: root, env });
    const [tarball = ''] = readdirSync(folder);
    const prefix = join(folder, 'prefix');
    mkdirSync(prefix);
    const install = [
      'install',
      '--global',
      '--prefix',
      prefix,
      '--prefer-offline',
      '--no-audit',
      '--no-fund',
      join(folder, tarball),
    ];
    await run('npm', install, { cwd: folder, env });
    const peerBin = join(prefix, 'bin', 'peer');
    const { stdout: version } = await run(peerBin, ['--version'], { env });
    expect(version).toMatch(/^\d+\.\d+\.\d+\n$/);

    const { stdout: agents } = await run(peerBin, ['agents', '--json'], {
      cwd: folder,
      env: { ...env, PEER_HOME: prefix },
    });
    expect(JSON.parse(agents)).toMatchObject({ agents: { length: 5 }, problems: [] });

    await using mesh = Mesh.empty(peerBin);
    const peer = mesh.add({ name: 'solo', args: ['--executor', 'command', '--command', 'echo done > done.txt'] });
    await peer.start();
    const bare = makeBareRepository(join(mesh.folder, 'sample.git'), { 'README.md': 'A sample.\n' });
    const submitted = await peer.cli(['submit', '--prompt', 'Say that it is done', '--repo', bare, '--follow']);
    expect(submitted, submitted.stderr).toMatchObject({ code: 0 });
    const { tasks, peers } = await peer.status();
    expect(peers).toHaveLength(1);
    const task: TaskJson | undefined = tasks[0];
    expect(task?.state).toBe('done');
    expect(branchesOf(bare)[task?.result?.branch ?? '']).toBe(task?.result?.commit);
    expect(await peer.end('SIGTERM')).toBe(0);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}, 180_000);
