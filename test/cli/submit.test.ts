import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ControlServer, serveControl } from '../../src/peer/control/server.ts';
import { socketPath } from '../../src/peer/home/socket.ts';
import { FakeService, makeView } from '../peer/control/fake-service.ts';
import { type FakeGitHub, startFakeGitHub } from '../support/fake-github/server.ts';
import { startGitServer } from '../support/git-server.ts';
import { makeBareRepository } from '../support/repository.ts';
import { World } from './world.ts';

const view = makeView('Fix it');
let world: World;
let service: FakeService;
let server: ControlServer;
let github: FakeGitHub;

beforeEach(async () => {
  world = new World();
  mkdirSync(world.home);
  service = new FakeService(view);
  service.reply = () => ({ type: 'submitted', task: view.task.id });
  server = await serveControl(service, socketPath({ folder: world.home }), () => {});
  const gitDir = makeBareRepository(join(world.folder, 'r.git'), { 'web/a.txt': 'a' });
  const issues = [{ number: 7, title: 'Fix it' }];
  github = await startFakeGitHub({ repositories: [{ owner: 'acme', name: 'widgets', gitDir, issues }], tokens: ['t'] });
});
afterEach(async () => {
  await server.close();
  await github.close();
  world[Symbol.dispose]();
});

const submit = (line: string, env = {}) =>
  world.run(['submit', ...line.split(' ')], { GITHUB_API_URL: github.apiUrl, GITHUB_TOKEN: 't', ...env });

describe('a place that is not there is told before anything is submitted', () => {
  it.each([
    ['--prompt x --repo ./r.git --base next', /r\.git has no branch next: check --base$/],
    ['--prompt x --repo ./r.git --path app', /r\.git has no folder app: check --path$/],
    ['--prompt x --repo acme/widgets --base next', /acme\/widgets has no branch next: check --base$/],
    ['--issue 7 --repo acme/widgets --base next', /acme\/widgets has no branch next: check --base$/],
    ['--issue 7 --repo acme/widgets --path app', /acme\/widgets has no folder app: check --path$/],
  ])('peer submit %s', async (line, message) => {
    expect(await submit(line)).toBe(2);
    expect(world.stderr).toEqual([expect.stringMatching(message)]);
    expect([world.stdout, service.commands]).toEqual([[], []]);
  });
});

describe('a submission goes out', () => {
  it('with a budget that nobody counts: said once', async () => {
    expect(await submit('--prompt x --repo ./r.git --budget-usd 2')).toBe(0);
    expect(world.stderr).toEqual([
      expect.stringMatching(/^note: only `command` agents are in sight, .* is not counted/),
      expect.stringMatching(/^submitted: /),
    ]);
  });

  it.each(['--prompt x --repo ./r.git --base main --path web', '--issue 7 --repo acme/widgets --base main --path web'])(
    'to a place that is there: %s',
    async (line) => {
      expect(await submit(line)).toBe(0);
      expect(world.stderr).toEqual([expect.stringMatching(/^submitted: /)]);
      expect(service.commands).toHaveLength(1);
    },
  );

  it('and so it does where nobody can be asked, with a word on it', async () => {
    expect(await submit('--prompt x --repo acme/widgets', { GITHUB_API_URL: 'http://127.0.0.1:1' })).toBe(0);
    expect(world.stderr).toEqual([
      expect.stringMatching(/^note: the repository cannot be looked up: GitHub cannot be reached/),
      expect.stringMatching(/^submitted: /),
    ]);
    expect(service.commands).toHaveLength(1);
  });

  it.each([
    [
      'acme/gadgets',
      /^(?:note|peer): GitHub shows no acme\/gadgets \(404\): check its name, and that the token may read it/,
    ],
    ['GIT/s.git', /^(?:note|peer): http.*s\.git shows no repository: check --repo/],
  ])('for whoever may see %s, with a word on it, unless there is nobody else', async (repo, reason) => {
    await using git = await startGitServer({ root: world.folder });
    const line = `--prompt x --repo ${repo.replace('GIT', git.origin)}`;
    expect(await submit(line)).toBe(0);
    expect(world.stderr).toEqual([expect.stringMatching(reason), expect.stringMatching(/^submitted: /)]);
    expect(world.stderr[0]).toMatch(/; it is submitted all the same, for a peer that may see it$/);
    const [self] = service.peers();
    service.peers = () => (self === undefined ? [] : [self]);
    expect(await submit(line)).toBe(2);
    expect(world.stderr.slice(2)).toEqual([expect.stringMatching(reason)]);
    expect(service.commands).toHaveLength(1);
  });

  it('asks GitHub no more than it has to', async () => {
    expect(await submit('--issue 7 --repo acme/widgets')).toBe(0);
    expect(github.requests.map(({ operation }) => operation)).toEqual(['issues/get']);
  });

  it('with a note where no peer in sight has what it requires', async () => {
    expect(await submit('--prompt x --repo ./r.git --requires rust,general')).toBe(0);
    expect(world.stderr).toEqual([
      expect.stringMatching(
        /^note: no peer in sight has the specialties rust, general: .*`peer start --specialties rust/,
      ),
      expect.stringMatching(/^submitted: /),
    ]);
    expect(service.commands).toHaveLength(1);
    world.stderr.length = 0;
    expect(await submit('--prompt x --repo ./r.git --requires general')).toBe(0);
    expect(world.stderr).toEqual([expect.stringMatching(/^submitted: /)]);
  });
});
