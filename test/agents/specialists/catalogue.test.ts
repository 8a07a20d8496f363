import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { chooseSpecialist, readCatalogue } from '../../../src/agents/specialists/catalogue.ts';
import { nobodySpecial } from '../../../src/agents/specialists/specialist.ts';
import { taskFor, useFolder } from '../support.ts';
import { specialistFile, writeFiles } from './files.ts';

const folder = useFolder();
const home = (): string => join(folder.path, 'home');
const repository = (): string => join(folder.path, 'repository');
const own = (files: Readonly<Record<string, string>>): void => writeFiles(join(home(), 'agents'), files);
const ofRepository = (files: Readonly<Record<string, string>>): void =>
  writeFiles(join(repository(), '.claude', 'agents'), files);

async function choose(...specialties: readonly string[]) {
  const task = taskFor('/r', { requires: { specialties: [...specialties], explicit: false, reason: '' } });
  return chooseSpecialist(task, await readCatalogue(home()), repository());
}

describe('a task', () => {
  it('is for the specialist of what it asks for', async () => {
    const { specialist, notes } = await choose('frontend');
    expect(specialist).toMatchObject({ name: 'frontend', model: 'claude-haiku-5-5' });
    expect(notes).toEqual(['specialist frontend (built in)']);
  });

  it('that asks for several is for the first that there is', async () => {
    expect((await choose('mobile', 'testing', 'backend')).specialist.name).toBe('testing');
  });

  it('that asks for nothing, or for what nobody knows, is for the generalist', async () => {
    expect((await choose()).specialist.name).toBe('general');
    expect(await choose('mobile')).toMatchObject({
      specialist: { name: 'general' },
      notes: ['specialist general (built in)'],
    });
  });

  it('is for nobody special where there is no specialist at all', async () => {
    const none = { specialists: [], problems: [] };
    expect(await chooseSpecialist(taskFor('/r'), none, repository())).toEqual({
      specialist: nobodySpecial,
      notes: ['no specialist'],
    });
  });
});

describe('of one name', () => {
  it("a person's own counts more than the one of the package", async () => {
    own({ 'mine.md': specialistFile('backend', 'Mine.'), 'mobile.md': specialistFile('mobile') });
    expect((await choose('backend')).specialist.prompt).toBe('Mine.');
    expect((await choose('backend')).notes).toEqual([`specialist backend (${join(home(), 'agents', 'mine.md')})`]);
    expect((await choose('mobile')).specialist.prompt).toBe('You are mobile.');
  });

  it("the repository's counts more than both", async () => {
    own({ 'mine.md': specialistFile('backend', 'Mine.') });
    ofRepository({ 'api.md': specialistFile('backend', 'Theirs.'), 'g.md': specialistFile('general', 'All theirs.') });
    expect(await choose('backend')).toMatchObject({
      specialist: { prompt: 'Theirs.' },
      notes: ['specialist backend (.claude/agents/api.md)'],
    });
    expect((await choose()).specialist.prompt).toBe('All theirs.');
    expect((await choose('testing')).notes).toEqual(['specialist testing (built in)']);
  });

  it("a slip in the chosen one's file is noted, and in no other's", async () => {
    ofRepository({
      'backend.md': specialistFile('backend', 'Theirs.', 'tools: Raed\n'),
      'testing.md': specialistFile('testing', 'Theirs.', 'model: sonet\n'),
    });
    expect((await choose('backend')).notes).toEqual([
      '.claude/agents/backend.md:4: tools: Raed is no tool that is known, and gives nothing',
      'specialist backend (.claude/agents/backend.md)',
    ]);
  });

  it("a malformed one of the repository's is left out, with a note", async () => {
    ofRepository({ 'backend.md': '---\nname: backend\n---\n', 'ok.md': specialistFile('testing', 'Theirs.') });
    expect(await choose('backend')).toMatchObject({
      specialist: { name: 'backend', origin: 'built-in' },
      notes: ['left out: .claude/agents/backend.md:1: description is missing', 'specialist backend (built in)'],
    });
    expect((await choose('testing')).specialist.prompt).toBe('Theirs.');
  });
});
