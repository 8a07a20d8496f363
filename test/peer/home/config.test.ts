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
    ['{"capacity": 1,}', ' is not JSON (line 1 column'],
    ['', ' is not JSON'],
    ['[]', ': Invalid input: expected object'],
    ['{"capacity": -1}', ', capacity: '],
    ['{"capacity": "2"}', ', capacity: '],
    ['{"specialties": ["Back End"]}', ', specialties.0: '],
    ['{"executor": "codex"}', ', executor: '],
    ['{"listen": ["0.0.0.0:4001"]}', ', listen.0: a multiaddr such as /ip4/'],
    ['{"dailyBudgetUsd": 0}', ', dailyBudgetUsd: '],
    ['{"verify": {"acme/widgets": true}}', ', verify.acme/widgets: '],
    ['{"mdns": "no"}', ', mdns: '],
    ['{"allowHosts": ["*"]}', ', allowHosts.0: a host such as '],
    ['{"specialities": []}', ': Unrecognized key: "specialities"'],
  ])('%s: one line with the file, the field and the mend', async (text, part) => {
    const message = expect.stringMatching(
      /^[^\n]+; correct it, or remove the line$|^[^\n]+: correct it, or remove the line$/,
    );
    const loading = load(text);
    await expect(loading).rejects.toMatchObject({ code: 'bad-config', subject: temporary.home.config, message });
    await expect(loading).rejects.toThrow(`${temporary.home.config}${part}`);
  });

  test('a folder of that name is named', async () => {
    await mkdir(temporary.home.config);
    await expect(loadConfig(temporary.home)).rejects.toMatchObject({
      code: 'not-readable',
      subject: temporary.home.config,
    });
  });
});
