import { describe, expect, it } from 'vitest';
import { draftOf, type SubmitFlags, wantedBy } from '../../src/cli/draft.ts';
import { logLevel } from '../../src/cli/log.ts';
import { ago, clipped, printable, table } from '../../src/cli/output.ts';
import { type StartFlags, startOptions } from '../../src/cli/start-options.ts';
import { duration, folderWithin, money, specialties } from '../../src/cli/values.ts';
import { draftSchema } from '../../src/protocol/record.ts';
import { makeBareRepository } from '../support/repository.ts';
import { World } from './world.ts';

describe('values', () => {
  it.each([
    ['90s', 90_000],
    ['30m', 1_800_000],
    ['1.5h', 5_400_000],
    ['168h', 604_800_000],
  ])('the duration %s', (text, ms) => {
    expect(duration(text)).toBe(ms);
  });

  it('the others', () => {
    expect(specialties(' backend, testing,backend,')).toEqual(['backend', 'testing']);
    expect(money('2.50')).toBe(2.5);
    expect(folderWithin('./packages//web/')).toBe('packages/web');
    expect(logLevel(undefined)).toBe('info');
    expect(logLevel('DEBUG')).toBe('debug');
  });
});

describe('the options of a peer', () => {
  const flags: StartFlags = { mdns: true, logFormat: 'text' };

  it('are the defaults where nobody says anything', () => {
    expect(startOptions(flags, {})).toEqual({
      name: expect.any(String),
      specialties: ['general'],
      capacity: 1,
      executor: 'auto',
      command: null,
      budgets: { dailyUsd: null, meshDailyUsd: null },
      checkpointEveryMs: 60_000,
      verify: { commands: {}, rounds: 2 },
      sandbox: 'auto',
      allowHosts: [],
      listen: null,
      peers: [],
      mdns: true,
      logFormat: 'text',
    });
  });

  it('come from the flags first, then from config.json', () => {
    const config = {
      name: 'kept',
      specialties: ['backend'],
      capacity: 4,
      executor: 'command',
      command: 'agent',
      dailyBudgetUsd: 5,
      meshDailyBudgetUsd: 20,
      checkpointEvery: '5m',
      sandbox: 'require',
      allowHosts: ['*.example.org'],
      listen: ['/ip4/0.0.0.0/tcp/1'],
      peers: ['/ip4/10.0.0.1/tcp/1'],
      mdns: false,
    } as const;
    const asConfig = {
      ...config,
      specialties: [...config.specialties],
      allowHosts: [...config.allowHosts],
      listen: [...config.listen],
      peers: [...config.peers],
    };
    const { checkpointEvery, dailyBudgetUsd: dailyUsd, meshDailyBudgetUsd: meshDailyUsd, ...others } = config;
    const budgets = { dailyUsd, meshDailyUsd };
    expect(checkpointEvery).toBe('5m');
    const verify = { commands: { 'acme/widgets': 'make check' }, rounds: 0 };
    expect(startOptions(flags, { ...asConfig, verify: verify.commands, verifyRounds: 0 })).toEqual({
      ...others,
      budgets,
      checkpointEveryMs: 300_000,
      verify,
      logFormat: 'text',
    });
    expect(() => startOptions(flags, { checkpointEvery: '0.1s' })).toThrow(
      'config.json: "checkpointEvery": "0.1s" is no good: a duration',
    );
    const given = {
      name: 'given',
      capacity: 0,
      dailyBudgetUsd: 1.5,
      sandbox: 'off',
      peer: ['/ip4/10.0.0.2/tcp/1'],
      mdns: false,
      logFormat: 'json',
    } as const;
    expect(startOptions(given, asConfig)).toMatchObject({
      name: 'given',
      capacity: 0,
      budgets: { dailyUsd: 1.5, meshDailyUsd: 20 },
      sandbox: 'off',
      peers: ['/ip4/10.0.0.2/tcp/1'],
      command: 'agent',
      mdns: false,
      logFormat: 'json',
    });
  });
});

describe('a command that no executor would run', () => {
  const flags: StartFlags = { mdns: true, logFormat: 'text', command: 'agent' };

  it('is refused', () => {
    const trouble = /^--command is run by --executor command, and (?:you ask|config\.json asks) for anthropic: leave/;
    expect(() => startOptions({ ...flags, executor: 'anthropic' }, {})).toThrow(trouble);
    expect(() => startOptions(flags, { executor: 'anthropic' })).toThrow(trouble);
  });

  it('is a default where another executor is named for once', () => {
    const config = { executor: 'command', command: 'agent' } as const;
    expect(startOptions({ mdns: true, logFormat: 'text', executor: 'anthropic' }, config)).toMatchObject({
      executor: 'anthropic',
    });
    expect(startOptions(flags, {})).toMatchObject({ executor: 'auto', command: 'agent' });
  });
});

describe('a draft', () => {
  const draft = async (world: World, flags: Partial<SubmitFlags>) => {
    const context = world.context();
    const all: SubmitFlags = { priority: 'normal', ...flags };
    return draftOf(context, all, await wantedBy(context, all));
  };

  it('of a prompt has its defaults and a key of its own', async () => {
    using world = new World();
    const path = makeBareRepository(`${world.folder}/r.git`, { a: 'a' });
    const one = await draft(world, { prompt: 'Fix the\u001b[31m greeting\nIt says "helo".', repo: path });
    expect(draftSchema.parse(one)).toMatchObject({
      title: 'Fix the greeting',
      prompt: 'Fix the\u001b[31m greeting\nIt says "helo".',
      source: { type: 'prompt' },
      repository: { type: 'path', path },
      base: null,
      path: null,
      verify: null,
      requires: { specialties: [], explicit: false },
      priority: 'normal',
      limits: { wallMs: 3_600_000, idleMs: 600_000, budgetUsd: null },
    });
    const again = await draft(world, { prompt: 'Fix the greeting', repo: path });
    expect(one.key).toMatch(/^prompt:[0-9a-f-]{36}$/);
    expect(again.key).not.toBe(one.key);
  });

  it('of a prompt is told by its words what it takes, unless a person says', async () => {
    using world = new World();
    const said = { prompt: 'Make the sidebar collapse\nBelow 600 px, by CSS alone.', repo: 'acme/widgets' };
    expect((await draft(world, said)).requires).toEqual({
      specialties: ['frontend'],
      explicit: false,
      reason: 'title and text: sidebar, css',
    });
    expect((await draft(world, { ...said, requires: ['mobile'] })).requires).toMatchObject({ specialties: ['mobile'] });
  });

  it('takes over what was said', async () => {
    using world = new World();
    const said = { requires: ['testing'], base: 'next', path: 'web', verify: 'make', budgetUsd: 2, timeout: 60_000 };
    expect(await draft(world, { prompt: 'x'.repeat(300), repo: 'acme/widgets', ...said })).toMatchObject({
      title: `${'x'.repeat(99)}…`,
      repository: { type: 'github', owner: 'acme', name: 'widgets' },
      requires: { specialties: ['testing'], explicit: true },
      base: 'next',
      path: 'web',
      verify: 'make',
      limits: { wallMs: 60_000, budgetUsd: 2 },
    });
  });
});

describe('output', () => {
  it('aligns columns and leaves no blanks at the end', () => {
    expect(
      table(
        ['A', 'BB', ''],
        [
          ['long one', 'x', 'tail'],
          ['b', 'yyy', ''],
        ],
      ),
    ).toBe('A         BB\nlong one  x    tail\nb         yyy');
  });

  it('lets nothing from elsewhere steer the terminal', () => {
    expect(printable('a\u001b]0;title\u0007b\u001b[2Jc\nd\u202ee\tf')).toBe('abc d e\tf');
  });

  it('writes times and lengths for people', () => {
    expect([4_000, 180_000, 3 * 3_600_000, 50 * 3_600_000].map(ago)).toEqual(['4 s', '3 min', '3 h', '2 d']);
    expect(clipped('12345', 4)).toBe('123…');
  });
});
