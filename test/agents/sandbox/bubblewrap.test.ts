import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Supervised, supervise } from '../../../src/agents/processes/supervised.ts';
import type { Needs, Places, Sandbox } from '../../../src/agents/sandbox/sandbox.ts';
import { waitFor } from '../../support/wait.ts';
import { alive, useFolder } from '../support.ts';
import { placesIn, sandboxesFor, whyNoSandbox } from './support.ts';

const reason = await whyNoSandbox();
if (reason !== null) console.log(`the sandbox is not tested: ${reason}`);

const nothing: Needs = { readable: [], writable: [], hosts: [] };

describe.skipIf(reason !== null)('a command in a sandbox', () => {
  const folder = useFolder();
  let sandbox: Sandbox;
  let places: ReturnType<typeof placesIn>;
  let denied: string[];
  let mark: string;

  beforeEach(async () => {
    denied = [];
    mark = `sandbox.${crypto.randomUUID()}`;
    places = placesIn(join(folder.path, 'peer'));
    sandbox = (await sandboxesFor(join(folder.path, 'peer'))).open((detail) => denied.push(detail));
  });
  afterEach(() => sandbox.close());

  async function start(
    script: string,
    lines: string[],
    needs: Partial<Needs> = {},
    at: Places = places,
  ): Promise<Supervised> {
    const command = {
      file: '/bin/sh',
      args: ['-c', script],
      cwd: places.clone,
      env: { PATH: `${dirname(process.execPath)}:${process.env.PATH}`, HOME: homedir() },
      mark,
      stdin: '/dev/null',
      folder: places.folder,
    };
    return supervise(await sandbox.confine(command, { ...nothing, ...needs }, at), (line) => lines.push(line));
  }

  /** What it says, and `exit N` where that is not 0. */
  async function say(script: string, needs: Partial<Needs> = {}, at: Places = places): Promise<readonly string[]> {
    const lines: string[] = [];
    const exit = await (await start(script, lines, needs, at)).done;
    const code = exit.type === 'exited' ? exit.code : exit.reason;
    return code === 0 ? lines : [...lines, `exit ${code}`];
  }

  it('writes its own places, and of the rest nothing that stays', async () => {
    expect(await say('echo a > a.txt && touch ~/b /tmp/c && ls ~ && touch /usr/d')).toEqual([
      'b',
      expect.stringContaining('Read-only file system'),
      'exit 1',
    ]);
    expect(readFileSync(join(places.clone, 'a.txt'), 'utf8')).toBe('a\n');
    expect([join(homedir(), 'b'), '/tmp/c'].map((path) => existsSync(path))).toEqual([false, false]);
    expect(await say('ls ~ /tmp')).toEqual(expect.arrayContaining(['b']));
  });

  it('has the programs of the person, node and git among them', async () => {
    expect(await say('node -p 1+1 && git init -q . && git status --short && id -un')).toHaveLength(2);
  });

  it('sees no process but its own, has no capability and no interface but the loopback', async () => {
    const script = `ls /proc | grep -c '^[0-9]' ; grep CapEff /proc/self/status; tail -n +3 /proc/net/dev | cut -d: -f1`;
    const [processes, capabilities, ...interfaces] = await say(script);
    expect(Number(processes)).toBeLessThan(10);
    expect(capabilities).toMatch(/0000000000000000$/);
    expect(interfaces.map((name) => name.trim())).toEqual(['lo']);
  });

  it('does not see what only root may read, though the peer may be root', async () => {
    const hidden = ['/etc/shadow', '/etc/gshadow'].filter((path) => existsSync(path));
    expect(await say(`cat ${hidden.join(' ')} || true; cat /etc/passwd > /dev/null`)).toHaveLength(hidden.length);
  });

  it('sees what it was given, and says what is missing', async () => {
    const [readable, writable] = [join(folder.path, 'to read'), join(folder.path, 'to write')];
    for (const path of [readable, writable]) mkdirSync(path);
    writeFileSync(join(readable, 'a'), 'from outside\n');
    const script = `cat '${readable}/a'; echo x > '${writable}/b'; echo y > '${readable}/c'`;
    expect(await say(script, { readable: [readable], writable: [writable] })).toEqual([
      'from outside',
      expect.stringContaining('Read-only file system'),
      expect.stringMatching(/^exit /),
    ]);
    expect(existsSync(join(writable, 'b'))).toBe(true);
    const missing = join(folder.path, 'nowhere');
    await expect(say('true', { readable: [missing] })).rejects.toMatchObject({
      code: 'no-sandbox',
      message: expect.stringContaining(`${missing} is needed in the sandbox`),
    });
  });

  it('finds what was given by a link under both names', async () => {
    mkdirSync(join(folder.path, 'real'));
    writeFileSync(join(folder.path, 'real', 'a'), 'here\n');
    symlinkSync(join(folder.path, 'real'), join(folder.path, 'link'));
    const [real, link] = ['real', 'link'].map((name) => join(folder.path, name, 'a'));
    expect(await say(`cat ${link} ${real}`, { readable: [join(folder.path, 'link')] })).toEqual(['here', 'here']);
  });

  it('sees nothing of the state folder but its own, whatever that lies in', async () => {
    writeFileSync(join(folder.path, 'peer', 'identity.key'), 'secret');
    placesIn(join(folder.path, 'peer'), 'two');
    const script = `find ${join(folder.path, 'peer')} -not -type d; ls ${join(folder.path, 'peer', 'work')}`;
    expect(await say(script)).toEqual(['one']);
    expect(await say(script, { readable: [folder.path] })).toEqual(['one']);
  });

  it('cannot choose what the next command is given for a home', async () => {
    const attack = `rm -rf ${places.own} 2>/dev/null; rmdir ~ 2>/dev/null; ln -s ${folder.path} ${places.own}; ls -A ~`;
    await say(attack);
    expect(await say('touch ~/mine')).toEqual([]);
    expect(existsSync(join(folder.path, 'mine'))).toBe(false);
  });

  it('cannot have anything mounted by a link that it leaves behind', async () => {
    const session = join(places.folder, 'session');
    mkdirSync(session);
    writeFileSync(join(folder.path, 'canary.txt'), 'secret');
    expect(await say(`rmdir ${session}; ln -s ${folder.path} ${session}`)).toEqual([]);
    const script = `cat ${session}/canary.txt ${folder.path}/canary.txt 2>/dev/null; echo nothing`;
    expect(await say(script, { readable: [session], writable: [session] })).toEqual(['nothing']);
  });

  it('reports its end as it was', async () => {
    expect(await say('exit 7')).toEqual(['exit 7']);
    expect(await say('kill -KILL $$')).toEqual(['exit 137']);
    const none = await sandbox.confine(
      { file: '/nowhere', args: [], cwd: places.clone, env: {}, mark, stdin: '/dev/null', folder: places.folder },
      nothing,
      places,
    );
    const lines: string[] = [];
    expect(await (await supervise(none, (line) => lines.push(line))).done).toMatchObject({ code: 127 });
    expect(lines).toEqual([expect.stringContaining('ENOENT')]);
  });

  it('is known by its mark from outside, and ends with its supervisor’s kill, whatever it has done to hide', async () => {
    const lines: string[] = [];
    const hide = 'env -i setsid sh -c "(sleep 600 &) ; sleep 600" & ';
    const run = await start(`${hide} echo up; sleep 600`, lines);
    await waitFor('it is up', () => lines.includes('up'));
    expect(alive(mark)).toBeGreaterThan(2);
    await run.kill();
    expect(alive(mark)).toBe(0);
  });

  it('leaves nothing running behind its end', async () => {
    // No other test run on this machine sleeps as long.
    const nap = `601.${process.pid}`;
    expect(await say(`env -i setsid sleep ${nap} & echo done`)).toEqual(['done']);
    await waitFor('it has ended', () => !commandLines().includes(`sleep\x00${nap}\x00`));
  });

  describe('and the network', () => {
    let server: Server;
    let port: number;
    let reached: number;

    beforeEach(async () => {
      reached = 0;
      server = createServer((_, answer) => {
        reached += 1;
        answer.end('reached');
      });
      await once(server.listen(0, '127.0.0.1'), 'listening');
      ({ port } = server.address() as AddressInfo);
    });
    afterEach(() => {
      server.close();
      server.closeAllConnections();
    });

    const fetching = (url: string): string =>
      `node -e 'fetch("${url}").then((a) => a.text()).then(console.log, (e) => console.log(e.cause.code ?? e.cause.message))'`;

    it('a service of this PC that was named is there under its usual address', async () => {
      const url = `http://127.0.0.1:${port}/`;
      expect(await say(fetching(url))).toEqual(['ECONNREFUSED']);
      expect(reached).toBe(0);
      expect(await say(fetching(url), { hosts: [`127.0.0.1:${port}`] })).toEqual(['reached']);
    });

    it('a service that was named twice is there under both names', async () => {
      const hosts = [`localhost:${port}`, `127.0.0.1:${port}`];
      const script = `${fetching(`http://127.0.0.1:${port}/`)}; ${fetching(`http://localhost:${port}/`)}`;
      expect(await say(script, { hosts })).toEqual(['reached', 'reached']);
    });

    it('a port that cannot be had is told of, and ends nothing', async () => {
      expect(
        await say(fetching(`http://127.0.0.1:${port}/`), { hosts: ['localhost:80', `127.0.0.1:${port}`] }),
      ).toEqual([expect.stringMatching(/^localhost:80 .*EACCES/), 'reached']);
    });

    it('what is not allowed is told of once, with the mend', async () => {
      const twice = `${fetching('https://example.org/')}; ${fetching('https://example.org/')}`;
      expect(await say(twice)).toHaveLength(2);
      expect(denied).toEqual([
        'example.org:443: it is not on the allow-list; to allow it, add "example.org" to allowHosts in config.json',
      ]);
    });

    it('an allowed name that leads to this PC is refused, and was in the way of something', async () => {
      const get = `node -e 'require("node:http").get(process.env.HTTP_PROXY, { path: "http://a.canary.test:${port}/" }, (a) => a.pipe(process.stdout))'`;
      const within = async (allowHosts: readonly string[]): Promise<readonly string[]> => {
        await sandbox.close();
        const lookup = async () => [{ address: '127.0.0.1', family: 4 }];
        const sandboxes = await sandboxesFor(join(folder.path, 'peer'), { allowHosts, lookup });
        sandbox = sandboxes.open((detail) => denied.push(detail));
        return say(get);
      };
      expect(await within([`*.canary.test:${port}`])).toEqual([expect.stringContaining('of this PC or its network')]);
      expect(denied).toEqual([expect.stringContaining(`add "a.canary.test:${port}" to allowHosts`)]);
      expect(reached).toBe(0);
      expect(await within([`a.canary.test:${port}`])).toEqual(['reached']);
    });

    it('a server of its own is reached without the proxy', async () => {
      const script = `node -e '
        const server = require("node:http").createServer((_, answer) => answer.end("own")).listen(0, "127.0.0.1", async () => {
          console.log(await (await fetch("http://127.0.0.1:" + server.address().port)).text());
          process.exit();
        });'`;
      expect(await say(script)).toEqual(['own']);
      expect(denied).toEqual([]);
    });

    it('a state folder with a long name is no hindrance', async () => {
      const long = join(folder.path, 'x'.repeat(120));
      const own = (await sandboxesFor(long)).open((detail) => denied.push(detail));
      places = placesIn(long);
      await sandbox.close();
      sandbox = own;
      await say(fetching('http://example.org/'));
      expect(denied).toHaveLength(1);
    });
  });
});

const commandLines = (): readonly string[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'latin1');
      } catch {
        return '';
      }
    });
