import { expect, test } from 'vitest';
import type { Executor } from '../../../src/agents/executors/executor.ts';
import { readCatalogue } from '../../../src/agents/specialists/catalogue.ts';
import type { Specialist } from '../../../src/agents/specialists/specialist.ts';
import { usePc } from '../pc.ts';
import { jobFor } from '../support.ts';
import { specialistFile } from './files.ts';

const pc = usePc();

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
  if (path !== null) {
    pc.personPushes({
      'packages/web/a.txt': 'a',
      '.claude/agents/t.md': specialistFile('testing', 'Our way.', 'model: opus\n'),
      '.claude/agents/bad.md': 'no front matter\n',
    });
  }
  const seen: Specialist[] = [];
  const requires = { specialties: ['testing'], explicit: false, reason: '' };
  const specialists = await readCatalogue(pc.home);
  const { reports, log } = pc.start(seeing(seen), jobFor(pc.task({ requires, path })), { specialists });
  await reports.wait('failed');
  expect(seen).toMatchObject([{ name: 'testing', model }]);
  expect(await log()).toMatch(said);
});
