import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { notForEverybody } from '../../../src/agents/sandbox/system.ts';
import { useFolder } from '../support.ts';

const folder = useFolder();

function file(path: string, mode: number): string {
  const whole = join(folder.path, path);
  mkdirSync(dirname(whole), { recursive: true });
  writeFileSync(whole, 'secret');
  chmodSync(whole, mode);
  return whole;
}

it('what only root or a group may read is hidden, as deep as was asked for', async () => {
  file('app/run', 0o755);
  const [key, group, deep] = [file('app/.env', 0o600), file('app/etc/group', 0o640), file('app/a/b/c/key', 0o600)];
  file('private/a', 0o644);
  const closed = join(folder.path, 'private');
  chmodSync(closed, 0o700);
  symlinkSync(key, join(folder.path, 'link'));
  const hidden = async (levels?: number) => (await notForEverybody(folder.path, levels)).map(({ path }) => path);
  expect((await hidden(3)).toSorted()).toEqual([key, group, closed]);
  expect((await hidden()).toSorted()).toEqual([deep, key, group, closed].toSorted());
  expect(await notForEverybody(folder.path, 1)).toEqual([{ type: 'empty', path: closed }]);
});
