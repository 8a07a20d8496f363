import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { type ClosableAgentRunner, createAgentRunner } from '../../../src/agents/attempt/runner.ts';
import { CommandExecutor } from '../../../src/agents/executors/command.ts';
import { PathForge } from '../path-forge.ts';
import {
  CheckpointFolderFiles,
  jobFor,
  makeRepository,
  person,
  Reports,
  taskFor,
  thisHost,
  useFolder,
} from '../support.ts';

const folder = useFolder();
let runner: ClosableAgentRunner | null = null;
afterEach(() => runner?.close());

/**
 * Has a folder for git to list, and a link in its place by the time that git reads it: while git is busy with a large file that
 * comes before.
 */
const attack = (secret: string): string => `
  import { mkdirSync, readdirSync, readlinkSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
  import { randomBytes } from 'node:crypto';
  writeFileSync('large.bin', randomBytes(40_000_000));
  mkdirSync('zz');
  writeFileSync('zz/id', 'mine');
  const links = (pid) => {
    try {
      return readdirSync('/proc/' + pid + '/fd').map((fd) => {
        try { return readlinkSync('/proc/' + pid + '/fd/' + fd); } catch { return ''; }
      });
    } catch { return []; }
  };
  const isRead = () => readdirSync('/proc').some((pid) =>
    /^[0-9]+$/.test(pid) && Number(pid) !== process.pid && links(pid).some((link) => link.endsWith('/large.bin')));
  for (;;) {
    if (!isRead()) continue;
    renameSync('zz', 'old');
    symlinkSync(${JSON.stringify(secret)}, 'zz');
    break;
  }
  setInterval(() => {}, 1000);
`;

test('a checkpoint has no file from outside, whatever the agent puts in its place while it is made', async ({
  skip,
}) => {
  skip(process.platform !== 'linux', 'the attack sees by /proc when git reads');
  const secret = join(folder.path, 'person');
  mkdirSync(secret);
  writeFileSync(join(secret, 'id'), 'the person’s own');
  const script = join(folder.path, 'attack.mjs');
  writeFileSync(script, attack(secret));
  const origin = makeRepository(folder.path);
  const checkpoints = join(folder.path, 'checkpoints');
  runner = createAgentRunner({
    home: join(folder.path, 'home'),
    host: thisHost,
    executor: new CommandExecutor(`exec ${process.execPath} ${script}`),
    forgeFor: () => new PathForge(origin),
    files: new CheckpointFolderFiles(checkpoints),
    specialists: { specialists: [], problems: [] },
    checkpointEveryMs: 1_500,
  });
  const reports = new Reports();
  runner.start(jobFor(taskFor(origin)), reports.take);
  const { checkpoint } = await reports.wait('checkpoint');
  execFileSync('git', ['fetch', '--quiet', join(checkpoints, checkpoint.blob), 'refs/mesh/work'], { cwd: origin });
  const files = person(origin, 'ls-tree', '-r', '--name-only', checkpoint.commit).split('\n');
  const told = files
    .filter((path) => path.startsWith('zz'))
    .map((path) => person(origin, 'show', `${checkpoint.commit}:${path}`));
  expect(told).not.toContain('the person’s own');
  expect(files).toContain('large.bin');
});
