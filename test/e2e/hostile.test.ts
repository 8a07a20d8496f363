import { once } from 'node:events';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { whyNoSandbox } from '../agents/sandbox/support.ts';
import { Mesh, type PeerProcess } from '../support/mesh.ts';
import { git, makeBareRepository } from '../support/repository.ts';
import { waitFor } from '../support/wait.ts';

const reason = await whyNoSandbox();
if (reason !== null) console.log(`hostile agents are not tested: ${reason}`);

const agent = fileURLToPath(new URL('hostile-agent.mts', import.meta.url));
const token = 'a-token-that-opens-the-forge';

/** A server that nobody has allowed, on every address of this machine. */
class Canary implements AsyncDisposable {
  readonly #server = createServer((_, answer) => {
    this.reached += 1;
    answer.end('the canary');
  });
  reached = 0;

  async listen(): Promise<readonly string[]> {
    await once(this.#server.listen(0, '0.0.0.0'), 'listening');
    const { port } = this.#server.address() as AddressInfo;
    const outward = Object.values(networkInterfaces())
      .flatMap((all) => all ?? [])
      .find(({ family, internal }) => family === 'IPv4' && !internal);
    return ['127.0.0.1', ...(outward === undefined ? [] : [outward.address])].map((address) => `${address}:${port}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

/** A peer of its own with a person's home, and what an agent in it has got. */
async function attacked(sandbox: 'require' | 'off', servers: readonly string[]) {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'hostile-')));
  const home = join(folder, 'person');
  mkdirSync(join(home, '.ssh'), { recursive: true });
  writeFileSync(join(home, 'canary.txt'), 'of the person');
  writeFileSync(join(home, '.ssh', 'id_ed25519'), 'a private key');
  const bare = makeBareRepository(join(folder, 'r.git'), { 'a.txt': 'a\n' });
  await using mesh = Mesh.empty();
  const peerHome = join(mesh.folder, 'alpha');
  const command = `'${process.execPath}' '${agent}' '${JSON.stringify({ peerHome, home, servers })}'`;
  const args = ['--no-mdns', '--capacity', '2', '--sandbox', sandbox, '--executor', 'command', '--command', command];
  const peer = mesh.add({ name: 'alpha', args, env: { HOME: home, GITHUB_TOKEN: token, PEER_MESH_KEY: undefined } });
  try {
    await peer.start();
    const victim = await submit(peer, bare, 'victim');
    await waitFor('the victim has its secret', async () => {
      const { stdout } = await peer.cli(['logs', victim]);
      return stdout.includes('keeping a secret');
    });
    const id = await submit(peer, bare, 'hostile');
    const { result } = await peer.done(id);
    const loot = JSON.parse(git(bare, 'show', `${result?.commit}:loot.json`)) as Readonly<Record<string, string>>;
    const [log, status] = [await peer.cli(['logs', id]), await peer.cli(['status'])];
    return { loot, log: log.stdout, status: status.stdout };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function submit(peer: PeerProcess, bare: string, prompt: string): Promise<string> {
  return (await peer.json<{ id: string }>(['submit', '--prompt', prompt, '--repo', bare])).id;
}

describe.skipIf(reason !== null)('a hostile agent', () => {
  it('gets what it is after where nothing confines it: the attacks are real', async () => {
    await using canary = new Canary();
    const servers = await canary.listen();
    const { loot, status } = await attacked('off', servers);
    expect(loot).toMatchObject({
      token: `got GITHUB_TOKEN=${token}`,
      processes: 'got --log-format',
      meshKey: expect.stringMatching(/^got .*"key"/s),
      identity: expect.stringMatching(/^got [0-9a-f]{20}/),
      otherClone: 'got of another attempt',
      home: 'got of the person',
      sshKey: 'got a private key',
      control: expect.stringMatching(/^got /),
    });
    const reached = Object.entries(loot).filter(([name]) => servers.some((server) => name.endsWith(server)));
    expect(reached.map(([, got]) => got)).toEqual(reached.map(() => 'got the canary'));
    expect(canary.reached).toBe(reached.length);
    expect(status).toContain('no sandbox on alpha');
  }, 120_000);

  it('gets nothing of it in a sandbox', async () => {
    await using canary = new Canary();
    const servers = await canary.listen();
    const { loot, log, status } = await attacked('require', servers);
    expect(Object.keys(loot).length).toBeGreaterThan(10);
    expect(Object.entries(loot).filter(([, got]) => !got.startsWith('failed: '))).toEqual([]);
    expect(canary.reached).toBe(0);
    expect(log).toContain(
      `[mesh] not allowed: the network, ${servers[0]}: it is not on the allow-list; to allow it, add`,
    );
    expect(status).not.toContain('no sandbox');
  }, 120_000);
});
