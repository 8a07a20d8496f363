import { existsSync, lstatSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { prepareSession, savedSession } from '../../../../src/agents/executors/claude-code/session.ts';
import { useFolder } from '../../support.ts';

const folder = useFolder();
const id = '11111111-2222-4333-8444-555555555555';
const keep = (name: string): void => {
  const project = join(folder.path, 'projects', '-home-somebody-clone');
  mkdirSync(project, { recursive: true });
  writeFileSync(join(project, name), '{}\n');
};

test('the conversation that was begun last goes on, in whatever folder it was', async () => {
  await prepareSession(folder.path, '99999999-2222-4333-8444-555555555555');
  await prepareSession(folder.path, id);
  keep(`${id}.jsonl`);
  keep('99999999-2222-4333-8444-555555555555.jsonl');
  expect(await savedSession(folder.path)).toBe(id);
});

test('none goes on where nothing of it is there', async () => {
  expect(await savedSession(folder.path)).toBeNull();
  expect(await savedSession(join(folder.path, 'nowhere'))).toBeNull();
  await prepareSession(folder.path, id);
  expect(await savedSession(folder.path)).toBeNull();
});

test.each(['--settings', '../../x', `${id} --x`, ''])('an id that is none is none: %j', async (text) => {
  writeFileSync(join(folder.path, 'id'), text);
  keep(`${text.replaceAll('/', '')}.jsonl`);
  expect(await savedSession(folder.path)).toBeNull();
});

test('a link that an agent has left is not read, though it lead to a file without end', async () => {
  symlinkSync('/dev/zero', join(folder.path, 'id'));
  expect(await savedSession(folder.path)).toBeNull();
});

test.each(['a file', 'a link'])('%s in place of the conversations gives way to them', async (what) => {
  const projects = join(folder.path, 'projects');
  if (what === 'a file') writeFileSync(projects, '');
  else symlinkSync('/tmp', projects);
  await prepareSession(folder.path, id);
  expect(lstatSync(projects).isDirectory()).toBe(true);
});

test('a link that an agent has left is not written through', async () => {
  const elsewhere = join(folder.path, 'elsewhere');
  symlinkSync(elsewhere, join(folder.path, 'id'));
  await prepareSession(folder.path, id);
  expect(existsSync(elsewhere)).toBe(false);
  expect(readFileSync(join(folder.path, 'id'), 'utf8')).toBe(`${id}\n`);
});
