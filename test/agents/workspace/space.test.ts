import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { checkSpace, historyBytes } from '../../../src/agents/workspace/space.ts';
import { useFolder } from '../support.ts';

const folder = useFolder();
const gib = 1024 ** 3;

test('a long history wants more room than a short one', async () => {
  const check = (history: number, free: number) => checkSpace(folder.path, history, async () => free);
  await check(gib, 2 * gib);
  await expect(check(gib, 2 * gib - 1)).rejects.toMatchObject({
    code: 'no-space',
    message: expect.stringContaining('2.0 GiB needed'),
  });
});

test('a repository’s history is what its packs take', async () => {
  mkdirSync(join(folder.path, 'objects/pack'), { recursive: true });
  for (const name of ['a.pack', 'a.idx']) writeFileSync(join(folder.path, 'objects/pack', name), 'x'.repeat(100));
  expect(await historyBytes(folder.path)).toBe(200);
  expect(await historyBytes(join(folder.path, 'none'))).toBe(0);
});
