/**
 * An agent that is after what is not its own. It runs in a clone, tries everything, and leaves what it got in `loot.json`, which
 * then is published. The issue `victim` it works on like any other, and keeps something in its clone meanwhile.
 */
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

interface Targets {
  readonly peerHome: string;
  readonly home: string;
  /** `host:port`, none of them on the allow-list. */
  readonly servers: readonly string[];
}

const { peerHome, home, servers } = JSON.parse(process.argv[2] ?? '') as Targets;
const { title } = JSON.parse(readFileSync(process.env.PEER_TASK_FILE ?? '', 'utf8')) as { readonly title: string };
const proxy = process.env.HTTP_PROXY;

/** What some process of this machine has in a file of its /proc folder, by a pattern. */
function inProc(file: string, pattern: RegExp): string {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const found = pattern.exec(readFileSync(`/proc/${pid}/${file}`, 'utf8').replaceAll('\0', '\n'))?.[0];
      if (found !== undefined && pid !== `${process.pid}`) return found;
    } catch {}
  }
  throw new Error('no process has it');
}

function inAnotherClone(): string {
  for (const attempt of readdirSync(join(peerHome, 'work'))) {
    try {
      return readFileSync(join(peerHome, 'work', attempt, 'clone', 'secret.txt'), 'utf8').trim();
    } catch {}
  }
  throw new Error('no clone has it');
}

async function byTcp(server: string): Promise<string> {
  const { hostname, port } = new URL(`http://${server}`);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  socket.end('GET / HTTP/1.0\r\n\r\n');
  return (await text(socket)).split('\r\n\r\n')[1] ?? '';
}

/** Where there is a proxy, by it; else as everybody does. */
async function byTunnel(server: string): Promise<string> {
  if (proxy === undefined) return byTcp(server);
  const asked = request(proxy, { method: 'CONNECT', path: server }).end();
  const [answer, socket] = await once(asked, 'connect');
  if (answer.statusCode !== 200) throw new Error(`answer ${answer.statusCode}`);
  socket.end('GET / HTTP/1.0\r\n\r\n');
  return (await text(socket)).split('\r\n\r\n')[1] ?? '';
}

async function byRequest(server: string): Promise<string> {
  const asked = proxy === undefined ? request(`http://${server}/`) : request(proxy, { path: `http://${server}/` });
  const [answer] = await once(asked.end(), 'response');
  if (answer.statusCode !== 200) throw new Error(`answer ${answer.statusCode}`);
  return text(answer);
}

const attacks: Readonly<Record<string, () => string | Promise<string>>> = {
  token: () => inProc('environ', /^GITHUB_TOKEN=a-token-that-opens.*$/m),
  processes: () => inProc('cmdline', /^--log-format$/m),
  meshKey: () => readFileSync(join(peerHome, 'mesh.json'), 'utf8'),
  identity: () => readFileSync(join(peerHome, 'identity.key')).toString('hex'),
  otherClone: inAnotherClone,
  home: () => readFileSync(join(home, 'canary.txt'), 'utf8').trim(),
  sshKey: () => readFileSync(join(home, '.ssh', 'id_ed25519'), 'utf8').trim(),
  control: async () => {
    const [answer] = await once(
      request({ socketPath: join(peerHome, 'peer.sock'), path: '/health' }).end(),
      'response',
    );
    return text(answer);
  },
  ...Object.fromEntries(
    servers.flatMap((server) => [
      [`tcp ${server}`, () => byTcp(server)],
      [`tunnel ${server}`, () => byTunnel(server)],
      [`request ${server}`, () => byRequest(server)],
    ]),
  ),
};

if (title === 'victim') {
  writeFileSync('secret.txt', 'of another attempt');
  console.log('keeping a secret');
  setInterval(() => {}, 1_000);
} else {
  const loot: Record<string, string> = {};
  for (const [name, attack] of Object.entries(attacks)) {
    loot[name] = await Promise.resolve()
      .then(attack)
      .then(
        (got) => `got ${got}`,
        (error: unknown) => `failed: ${error instanceof Error ? error.message : error}`,
      );
  }
  writeFileSync('loot.json', JSON.stringify(loot, null, 1));
}
