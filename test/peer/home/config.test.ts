import { mkdir, writeFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { type Config, loadConfig } from '../../../src/peer/home/config.ts';
import { useTemporaryHome } from './temporary.ts';

describe('config.json', () => {
  const temporary = useTemporaryHome();
  const load = async (text: string): Promise<Config> => {
    await writeFile(temporary.home.config, text);
    return loadConfig(temporary.home);
  };

  test('is optional, and so is all in it', async () => {
    expect(await loadConfig(temporary.home)).toEqual({});
    expect(await load('{}')).toEqual({});
  });

  test('every default is read as it was written', async () => {
    const config: Config = {
      name: 'desk',
      specialties: ['backend', 'my-own'],
      capacity: 2,
      executor: 'command',
      command: 'make it so',
      dailyBudgetUsd: 5,
      meshDailyBudgetUsd: 20.5,
      listen: ['/ip4/0.0.0.0/tcp/4001'],
      peers: ['/dns4/desk.lan/tcp/4001'],
      mdns: false,
      verify: { 'acme/widgets': 'make check', 'acme/gears': false },
      verifyRounds: 1,
      sandbox: 'require',
      allowHosts: ['example.org', '*.example.org', 'nas.lan:8080', '[fd00::1]:11434', '192.168.1.20'],
    };
    expect(await load(JSON.stringify(config))).toEqual(config);
  });

  test.each([
    ['{"capacity": 1,}', ' is not JSON (line 1 column 16): correct it'],
    ['', ' is not JSON: correct it'],
    ['[]', ': an object of settings such as {"capacity": 2} expected; correct it'],
    ['null', ': an object of settings such as {"capacity": 2} expected; correct it'],
    ['{"capacity": -1}', ': "capacity": -1 is no good: a whole number from 0 to 1000 expected; correct it'],
    ['{"capacity": "2"}', ': "capacity": "2" is no good: a whole number from 0 to 1000 expected; correct it'],
    [
      '{"name": ""}',
      ': "name": "" is no good: a name of 1 to 100 characters, none of them a control character, expected',
    ],
    ['{"specialties": "backend"}', ': "specialties": "backend" is no good: a list of 1 to 16 names such as ["backend"'],
    ['{"specialties": []}', ': "specialties": [] is no good: a list of 1 to 16 names'],
    [
      '{"specialties": ["Back End"]}',
      ': "specialties": "Back End" is no good: a name of up to 40 small letters, digits',
    ],
    [
      '{"executor": "codex"}',
      ': "executor": "codex" is no good: one of auto, claude-code, anthropic, command expected',
    ],
    ['{"command": 7}', ': "command": 7 is no good: a command line of 1 to 10000 characters expected'],
    ['{"listen": ["0.0.0.0:4001"]}', ': "listen": "0.0.0.0:4001" is no good: a multiaddr such as /ip4/192'],
    [
      '{"peers": "/ip4/10.0.0.1/tcp/1"}',
      ': "peers": "/ip4/10.0.0.1/tcp/1" is no good: a list of multiaddrs such as ["/ip4/',
    ],
    [
      '{"dailyBudgetUsd": 0}',
      ': "dailyBudgetUsd": 0 is no good: an amount in US dollars above 0, such as 2.5, expected',
    ],
    ['{"meshDailyBudgetUsd": 1e300}', ': "meshDailyBudgetUsd": 1e+300 is no good: an amount in US dollars'],
    ['{"checkpointEvery": "5"}', ': "checkpointEvery": "5" is no good: a duration from 1s to 7 days, such as "90s"'],
    [
      '{"verify": "make check"}',
      ': "verify": "make check" is no good: an object such as {"owner/name": "make check"} exp',
    ],
    [
      '{"verify": {"acme/widgets": true}}',
      ': "verify", "acme/widgets": true is no good: a command of 1 to 2000 characters, or',
    ],
    ['{"verifyRounds": 11}', ': "verifyRounds": 11 is no good: a whole number from 0 to 10 expected'],
    ['{"mdns": "no"}', ': "mdns": "no" is no good: true or false expected'],
    ['{"sandbox": true}', ': "sandbox": true is no good: one of auto, require, off expected'],
    [
      '{"allowHosts": ["*"]}',
      ': "allowHosts": "*" is no good: a host such as example.org, *.example.org or nas.lan:8080 exp',
    ],
    [`{"sandbox": "${'x'.repeat(300)}"}`, `: "sandbox": "${'x'.repeat(58)}… is no good: one of`],
    ['{"nme": "desk"}', ': "nme" is no setting: did you mean "name"?; correct it'],
    ['{"specialities": []}', ': "specialities" is no setting: did you mean "specialties"?'],
    ['{"daily-budget-usd": 1}', ': "daily-budget-usd" is no setting: did you mean "dailyBudgetUsd"?'],
    ['{"colour\\n": "red"}', ': "colour\\n" is no setting: there are name, specialties, capacity, executor, '],
  ])('%s: one line with the file, the setting, what is right, and the mend', async (text, part) => {
    const message = expect.stringMatching(/^[^\n]+[;:] correct it, or remove the line$/);
    const loading = load(text);
    await expect(loading).rejects.toMatchObject({ code: 'bad-config', subject: temporary.home.config, message });
    await expect(loading).rejects.toThrow(`${temporary.home.config}${part}`);
    await expect(loading).rejects.not.toThrow(/Invalid|Too |Unrecognized|undefined/);
  });

  test('a folder of that name is named', async () => {
    await mkdir(temporary.home.config);
    await expect(loadConfig(temporary.home)).rejects.toMatchObject({
      code: 'not-readable',
      subject: temporary.home.config,
    });
  });
});
