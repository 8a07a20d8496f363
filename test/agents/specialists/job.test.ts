import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createAgentRunner } from '../../../src/agents/attempt/runner.ts';
import type { Executor } from '../../../src/agents/executors/executor.ts';
import { readCatalogue } from '../../../src/agents/specialists/catalogue.ts';
import type { Specialist } from '../../../src/agents/specialists/specialist.ts';
import { PathForge } from '../path-forge.ts';
import { CheckpointFolderFiles, jobFor, makeRepository, Reports, taskFor, thisHost, useFolder } from '../support.ts';
import { specialistFile } from './files.ts';

const folder = useFolder();

/** An executor that only looks at who it is to be. */
const seeing = (seen: Specialist[]): Executor => ({
  name: 'seeing',
  session: null,
  usable: async () => ({ usable: true }),
  run: async ({ specialist }) => {
    seen.push(specialist);
    return { type: 'failed', reason: 'it only wanted to see' };
  },
});

test.each([
  ['that comes with the package', null, 'claude-sonnet-5-5', /\[mesh\] specialist testing \(built in\)\n/],
  [
    'of its repository, also in a folder of it',
    'packages/web',
    'opus',
    /\[mesh\] left out: \.claude\/agents\/bad\.md:1: .*\n.*\] specialist testing \(\.claude\/agents\/t\.md\)\n/,
  ],
])('a job is for the specialist %s, and its log says which', async (_, path, model, said) => {
  const theirs = {
    'packages/web/a.txt': 'a',
    '.claude/agents/t.md': specialistFile('testing', 'Our way.', 'model: opus\n'),
    '.claude/agents/bad.md': 'no front matter\n',
  };
  const origin = makeRepository(folder.path, path === null ? { 'a.txt': 'a' } : theirs);
  const home = join(folder.path, 'home');
  const seen: Specialist[] = [];
  const agents = createAgentRunner({
    home,
    host: thisHost,
    executor: seeing(seen),
    forgeFor: () => new PathForge(origin),
    files: new CheckpointFolderFiles(join(folder.path, 'checkpoints')),
    specialists: await readCatalogue(home),
    checkpointEveryMs: 60_000,
  });
  const reports = new Reports();
  const requires = { specialties: ['testing'], explicit: false, reason: '' };
  const job = jobFor(taskFor(origin, { requires, path }));
  agents.start(job, reports.take);
  await reports.wait('failed');
  expect(seen).toMatchObject([{ name: 'testing', model }]);
  const log = await agents.readLog({ task: job.task.id, attempt: null, offset: 0, limitBytes: 10_000 });
  expect(log).toMatchObject({ text: expect.stringMatching(said) });
  await agents.close();
});
