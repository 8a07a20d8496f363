import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { ExitCodes } from '../../src/cli/errors.ts';
import { World } from './world.ts';

const commands = [
  ...['init', 'invite', 'join', 'start', 'submit', 'status', 'tasks'],
  ...['task', 'logs', 'cancel', 'retry', 'adopt', 'stop', 'doctor', 'agents'],
];

describe('a mistake on the command line is one line with the mend, and exit 2', () => {
  it.each<readonly [string, RegExp]>([
    ['foo', /^peer: unknown command 'foo': see `peer --help`$/],
    ['bogus', /^peer: unknown command 'bogus': see `peer --help`$/],
    ['foo --help', /unknown command 'foo'/],
    ['foo -h --json', /unknown command 'foo'/],
    ['help foo', /unknown command 'foo'/],
    ['statu --help', /unknown command 'statu' \(Did you mean status\?\): see `peer --help`$/],
    ['help cancle', /unknown command 'cancle' \(Did you mean cancel\?\)/],
    ['status --jsn', /unknown option '--jsn' \(Did you mean --json\?\): see `peer status --help`$/],
    ['--foo', /unknown option '--foo'/],
    ['status --foo', /unknown option '--foo': see `peer status --help`/],
    ['status extra', /^peer: too many arguments \(extra\), this takes none: see `peer status --help`$/],
    ['task ab cd', /^peer: too many arguments \(ab, cd\), this takes 1: see `peer task --help`$/],
    ['start --capacity -1', /^peer: --capacity '-1' is no good: a whole number from 0 to 1000 expected$/],
    ['start --capacity 1.5', /a whole number/],
    ['start --capacity 1001', /a whole number/],
    ['start --capacity', /^peer: --capacity needs a value, <n>: see `peer start --help`$/],
    ['start --specialties Back_End', /^peer: --specialties 'Back_End' is no good: names of up to 40 small letters/],
    ['start --specialties one,Two', /'one,Two' is no good: 'Two' among them is no specialty: names of/],
    ['start --specialties ,', /small letters, digits and dashes/],
    [`start --specialties ${Array.from({ length: 17 }, (_, index) => `s${index}`).join(',')}`, /16 names at most/],
    ['start --executor gpt', /one of auto, claude-code, anthropic, command expected/],
    ['start --executor command', /--executor command needs --command CMD/],
    [
      'start --listen 0.0.0.0:4001',
      /^peer: --listen '0\.0\.0\.0:4001' is no good: a multiaddr with a TCP port expected/,
    ],
    ['start --listen /ip4/999.0.0.1/tcp/1', /a multiaddr with a TCP port/],
    ['start --listen /ip4/127.0.0.1/udp/1', /a multiaddr with a TCP port/],
    ['start --peer host', /a multiaddr with a TCP port/],
    ['start --peer /ip4/10.0.0.1', /a multiaddr with a TCP port/],
    ['start --checkpoint-every 5', /^peer: --checkpoint-every '5' is no good: a duration from 1s to 7 days/],
    ['start --sandbox on', /one of auto, require, off expected/],
    ['start --log-format xml', /one of text, json expected/],
    [
      `start --name ${'n'.repeat(101)}`,
      /'n{59}…' is no good: it has 101 characters, and 1 to 100 characters expected$/,
    ],
    [`start --command ${'c'.repeat(10_001)}`, /^peer: --command 'c{59}…' is no good: it has 10001 characters/],
    ['submit', /one of --issue, --prompt and --file, and one only/],
    ['submit --issue 7 --prompt x', /and one only/],
    ['submit --prompt x --file y', /and one only/],
    ['submit --issue 0 --repo a/b', /no issue/],
    ['submit --issue seven --repo a/b', /no issue/],
    ['submit --issue https://github.com/acme/widgets/pull/7', /pull request/],
    ['submit --issue https://github.com/acme/widgets/issues/7 --repo acme/other', /leave --repo out/],
    ['submit --issue 7 --repo .', /--repo/],
    ['submit --prompt x --repo ./missing', /there is no folder/],
    ['submit --prompt x', /--repo/],
    ['submit --file missing.md', /cannot read missing\.md/],
    ['submit --prompt x --requires Test!', /small letters/],
    ['submit --prompt x --priority urgent', /one of low, normal, high/],
    ['submit --prompt x --timeout 30', /a duration .* such as 90s, 30m or 2h/],
    ['submit --prompt x --timeout 0m', /a duration/],
    ['submit --prompt x --timeout 200h', /a duration/],
    ['submit --prompt x --budget-usd -2', /US dollars/],
    ['submit --prompt x --budget-usd free', /US dollars/],
    ['submit --prompt x --budget-usd 1,50', /^peer: --budget-usd '1,50' is no good: an amount in US dollars above 0/],
    ['submit --prompt x --budget-usd 0x10', /US dollars/],
    ['submit --prompt x --budget-usd 1e300', /US dollars/],
    [`submit --prompt x --base ${'b'.repeat(251)}`, /it has 251 characters/],
    [`submit --prompt x --verify ${'v'.repeat(2_001)}`, /it has 2001 characters/],
    ['submit --prompt', /^peer: --prompt needs a value, <text>/],
    ['start --daily-budget-usd 0', /US dollars/],
    ['submit --prompt x --path ../up', /within the repository/],
    ['submit --prompt x --path /etc', /within the repository/],
    ['task', /^peer: the task id is missing: see `peer task --help`$/],
    ['task zz', /^peer: the task id 'zz' is no good: the first digits of an id expected, .*`peer tasks` lists them$/],
    ...['logs', 'cancel', 'retry', 'adopt'].map(
      (one) => [`${one} ../x`, /^peer: the task id '\.\.\/x' is no good/] as const,
    ),
    ...['logs', 'cancel', 'retry', 'adopt'].map((one) => [one, /^peer: the task id is missing/] as const),
    ['logs ab --attempt 0', /^peer: --attempt '0' is no good: the number of an attempt expected, from 1$/],
    ['logs ab --attempt 99999999999999999999', /the number of an attempt/],
    ['join', /^peer: the join code is missing: see `peer join --help`$/],
    ['join im1-abc', /mistyped or cut short/],
    ['join hello', /begins with im1-/],
    ['invite', /`peer init`/],
    ['agents --repo', /^peer: --repo needs a value, <path>/],
    ['agents --repo ./missing', /is in no checkout/],
    ['agents backend', /too many arguments/],
    [`init --name ${'n'.repeat(101)}`, /1 to 100 characters/],
  ])('peer %s', async (line, message) => {
    using world = new World();
    expect(await world.run(line.split(' ')), world.stderr.join('\n')).toBe(2);
    expect(world.stdout).toEqual([]);
    expect(world.stderr).toHaveLength(1);
    expect(world.stderr[0]).toMatch(/^peer: [^\n]+$/);
    expect(world.stderr[0]).toMatch(message);
  });

  it.each([
    [['task', ''], /^peer: the task id '' is no good/],
    [['task', "it's 'a b'\n\u001b[2J"], /^peer: the task id 'it's 'a b' +' is no good/],
    [['submit', '--prompt', 'x', '--verify', ''], /^peer: --verify '' is no good: 1 to 2000 characters expected$/],
    [['submit', '--prompt', 'x', '--base', ''], /^peer: --base '' is no good: 1 to 250 characters expected$/],
    [['submit', '--prompt', 'x', '--repo', ''], /^peer: "" is no repository/],
    [['start', '--command', ' '], /^peer: --command ' ' is no good: 1 to 10000 characters expected$/],
    [['init', '--name', 'a\u0007'], /^peer: --name 'a ' is no good: a name without control characters expected$/],
    [['init', '--name', ''], /^peer: --name '' is no good: 1 to 100 characters expected$/],
    [['join', ''], /^peer: the join code is no good/],
    [[''], /^peer: unknown command ''/],
  ])('%j', async (args, message) => {
    using world = new World();
    expect(await world.run(args)).toBe(2);
    expect([world.stdout, world.stderr]).toEqual([[], [expect.stringMatching(message)]]);
  });

  it('an empty prompt', async () => {
    using world = new World();
    expect(await world.run(['submit', '--prompt', ' '])).toBe(2);
    expect(world.stderr).toEqual(['peer: the prompt is empty: say what is to be done']);
  });

  it('a prompt that is no text', async () => {
    using world = new World();
    writeFileSync(join(world.folder, 'program'), 'ELF\0\u0001');
    expect(await world.run(['submit', '--file', 'program', '--repo', 'a/b'])).toBe(2);
    expect(world.stderr).toEqual(['peer: program is no text (it holds NUL characters): give --file a text file']);
  });

  it('a prompt that is too long', async () => {
    using world = new World();
    writeFileSync(join(world.folder, 'long.md'), 'x'.repeat(65_537));
    expect(await world.run(['submit', '--file', 'long.md'])).toBe(2);
    expect(world.stderr).toEqual(['peer: the prompt is longer than 64 KiB: shorten it']);
  });

  it.each([
    [{ LOG_LEVEL: 'loud' }, /LOG_LEVEL is loud/],
    [{ PEER_MESH_KEY: 'abc' }, /PEER_MESH_KEY must be 64 hex digits, and there are 3: /],
  ])('%j', async (env, message) => {
    using world = new World();
    expect(await world.run(['start'], env)).toBe(2);
    expect(world.stderr.join('\n')).toMatch(message);
  });

  it.each([
    ['{"capacity":-1}', /config\.json: "capacity": -1 is no good: a whole number from 0 to 1000 expected; correct it/],
    [
      '{"specialties":["Back End"]}',
      /config\.json: "specialties": "Back End" is no good: a name of up to 40 small letters, digits and dashes/,
    ],
    ['{"executor":"command"}', /--executor command needs --command/],
    [
      '{"allowHosts":["https://example.org/"]}',
      /config\.json: "allowHosts": "https:.+" is no good: a host such as example\.org/,
    ],
    ['{', /config\.json is not JSON/],
  ])('config.json with %s', async (text, message) => {
    using world = new World();
    mkdirSync(world.home);
    writeFileSync(join(world.home, 'config.json'), text);
    expect(await world.run(['start'])).toBe(2);
    expect(world.stderr).toHaveLength(1);
    expect(world.stderr[0]).toMatch(message);
  });

  it('a peer that must confine its agents and cannot does not start', async () => {
    using world = new World();
    vi.stubEnv('PATH', world.folder);
    expect(await world.run(['start', '--no-mdns', '--sandbox', 'require'])).toBe(2);
    vi.unstubAllEnvs();
    expect(world.stderr).toEqual([expect.stringMatching(/no sandbox: bubblewrap is not installed: .*--sandbox auto$/)]);
  });

  it.each([
    [['--executor', 'anthropic'], /^peer: anthropic: no key: set ANTHROPIC_API_KEY; or start with --executor auto$/],
    [['--executor', 'claude-code'], /^peer: claude-code: no program at CLAUDE_CODE_PATH=\S+: install Claude Code/],
    [['--executor', 'anthropic', '--command', 'x'], /^peer: --command is run by --executor command, and you ask for/],
  ])('an executor that is named and cannot run: %j', async (args, message) => {
    using world = new World();
    expect(await world.run(['start', ...args], { CLAUDE_CODE_PATH: '/no/such/claude' })).toBe(2);
    expect(world.stderr).toEqual([expect.stringMatching(message)]);
  });

  it('shows where it comes from only with LOG_LEVEL=debug', async () => {
    using world = new World();
    await world.run(['status', '--foo'], { LOG_LEVEL: 'debug' });
    expect(world.stderr.join('\n')).toMatch(/\n\s+at /);
  });
});

describe('help', () => {
  it.each(commands)('peer %s --help has an example and fits 80 columns', async (command) => {
    using world = new World();
    expect(await world.run([command, '--help'])).toBe(0);
    const text = world.stdout.join('\n');
    expect(text).toMatch(new RegExp(`^Usage: peer ${command}`));
    expect(text).toMatch(new RegExp(`Examples?:\\n  peer ${command}`));
    expect(text.split('\n').filter((line) => line.length > 80)).toEqual([]);
    expect(world.stderr).toEqual([]);
  });

  it('lists every command, and says the version', async () => {
    using world = new World();
    expect(await world.run(['--help'])).toBe(0);
    for (const command of commands) expect(world.stdout.join('\n')).toMatch(new RegExp(`^  ${command}\\b`, 'm'));
    expect(await world.run(['--version'])).toBe(0);
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    expect(world.stdout.at(-1)).toBe(version);
  });

  it('says what each exit code means, as the README does', async () => {
    using world = new World();
    await world.run(['--help']);
    const [, inHelp = ''] = world.stdout.join('\n').split('Exit codes:');
    const [, inReadme = ''] = readFileSync('README.md', 'utf8').split('### Exit codes');
    for (const code of Object.values(ExitCodes)) {
      expect(inHelp).toMatch(new RegExp(`\\b${code} \\w`));
      expect(inReadme).toContain(`\n| ${code} | `);
    }
  });

  it('goes to stderr, with exit 2, where nothing was asked', async () => {
    using world = new World();
    expect(await world.run([])).toBe(2);
    expect(world.stdout).toEqual([]);
    expect(world.stderr.join('\n')).toMatch(/^Usage: peer/);
  });
});

describe('without a peer', () => {
  it.each(['status', 'tasks', 'task ab', 'logs ab', 'cancel ab', 'retry ab', 'adopt ab', 'stop', 'status --json'])(
    'peer %s ends with 4 and the mend',
    async (line) => {
      using world = new World();
      expect(await world.run(line.split(' '))).toBe(4);
      expect(world.stdout).toEqual([]);
      expect(world.stderr).toEqual(['peer: no peer is running here: start one with `peer start`']);
      expect(existsSync(world.home)).toBe(false);
    },
  );

  it.each(['status', 'tasks', 'stop', 'submit --prompt x --repo a/b', 'start', 'init'])(
    'peer %s ends with 2 where PEER_HOME is a file',
    async (line) => {
      using world = new World();
      writeFileSync(world.home, '');
      expect(await world.run(line.split(' '))).toBe(2);
      expect(world.stderr).toEqual([expect.stringMatching(/^peer: \S+home is not a folder: .*PEER_HOME/)]);
    },
  );

  it('and without a mesh, a submission ends with 4 at once', async () => {
    using world = new World();
    expect(await world.run(['submit', '--issue', '7', '--repo', 'acme/widgets'])).toBe(4);
    expect(world.stderr).toHaveLength(1);
    expect(world.stderr[0]).toMatch(/`peer start`.*`peer join CODE`/);
  });
});

describe('a mesh', () => {
  it('is made, told and entered', async () => {
    using one = new World();
    using other = new World();
    expect(await one.run(['init', '--name', 'home', '--json'])).toBe(0);
    expect(JSON.parse(one.stdout.pop() ?? '')).toEqual({ mesh: 'home', peer: expect.stringMatching(/^12D3/) });
    expect(await one.run(['init'])).toBe(2);
    expect(await one.run(['invite', '--json'])).toBe(0);
    const { code } = JSON.parse(one.stdout.pop() ?? '') as { code: string };
    expect(await one.run(['invite', '--addresses'])).toBe(4);
    expect(await other.run(['join', code])).toBe(0);
    expect(other.stdout.pop()).toMatch(/joined the mesh home/);
    expect(await other.run(['join', code, '--json'])).toBe(0);
    expect(JSON.parse(other.stdout.pop() ?? '')).toEqual({ mesh: 'home', already: true });
    const keyOf = (world: World) => JSON.parse(readFileSync(join(world.home, 'mesh.json'), 'utf8')).key as string;
    expect(keyOf(other)).toBe(keyOf(one));
  });
});
