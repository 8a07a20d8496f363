import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { usePc } from '../pc.ts';
import { person } from '../support.ts';

const pc = usePc();

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
  const secret = join(pc.folder, 'person');
  mkdirSync(secret);
  writeFileSync(join(secret, 'id'), 'the person’s own');
  const script = join(pc.folder, 'attack.mjs');
  writeFileSync(script, attack(secret));
  const attacks = `exec ${process.execPath} ${script}`;
  const { reports } = pc.start(attacks, undefined, { checkpointEveryMs: 1_500 });
  const { checkpoint } = await reports.wait('checkpoint');
  const files = pc.filesSaved(checkpoint);
  const told = files
    .filter((path) => path.startsWith('zz'))
    .map((path) => person(pc.origin, 'show', `${checkpoint.commit}:${path}`));
  expect(told).not.toContain('the person’s own');
  expect(files).toContain('large.bin');
});
