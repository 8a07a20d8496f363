import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, request, type Server } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AllowList } from '../../../src/agents/sandbox/allow-list.ts';
import { dialer, isPublic, type Lookup } from '../../../src/agents/sandbox/dial.ts';
import { ForwardProxy } from '../../../src/agents/sandbox/proxy.ts';
import { useFolder } from '../support.ts';

interface Seen {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

const folder = useFolder();
let server: Server;
let port: number;
let seen: Seen[];
let denied: string[];
let proxy: ForwardProxy;

/** A server that says `reached`, on the loopback alone. */
beforeEach(async () => {
  seen = [];
  denied = [];
  server = createServer(async (asked, answer) => {
    seen.push({ method: asked.method, url: asked.url, headers: asked.headers, body: await text(asked) });
    answer.setHeader('set-cookie', ['a=1', 'b=2']).end('reached');
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  ({ port } = server.address() as AddressInfo);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await proxy.close();
  server.close();
  server.closeAllConnections();
});

const toLoopback: Lookup = async () => [{ address: '127.0.0.1', family: 4 }];

async function allow(entries: readonly string[], lookup: Lookup = toLoopback): Promise<void> {
  proxy = await ForwardProxy.listen({
    folder: folder.path,
    name: 'proxy',
    dial: dialer(new AllowList(entries), lookup),
    onDenied: ({ host, port: to }, { message, entry }) => denied.push(`${host}:${to} ${message} ${entry}`),
  });
}

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

async function plain(url: string, options: { method?: string; headers?: Record<string, string>; body?: string } = {}) {
  const { body, ...others } = options;
  const asked = request({ socketPath: proxy.path, path: url, agent: false, ...others });
  asked.end(body);
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  return { status: answer.statusCode, headers: answer.headers, body: await text(answer) } satisfies Answer;
}

/** What a tunnel to there says to a GET; the status where it was refused. */
async function tunnel(authority: string): Promise<string | number> {
  const asked = request({ socketPath: proxy.path, method: 'CONNECT', path: authority, agent: false });
  asked.end();
  const [answer, socket] = (await once(asked, 'connect')) as [IncomingMessage, Socket];
  if (answer.statusCode !== 200) {
    socket.destroy();
    return answer.statusCode ?? 0;
  }
  socket.write('GET /through HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  return text(socket);
}

async function raw(message: string): Promise<string> {
  const socket = connect(proxy.path);
  socket.write(message);
  return text(socket);
}

describe('what was named with its port', () => {
  it('is reached by a plain request, with headers that are about this connection left out', async () => {
    await allow([`service.test:${port}`]);
    const headers = {
      host: 'elsewhere.test',
      'x-kept': '1',
      connection: 'x-mine',
      'x-mine': '2',
      'proxy-authorization': 'z',
    };
    const answer = await plain(`http://service.test:${port}/a?b=c`, { method: 'POST', headers, body: 'hello' });
    expect(answer).toMatchObject({ status: 200, body: 'reached', headers: { 'set-cookie': ['a=1', 'b=2'] } });
    expect(seen).toMatchObject([{ method: 'POST', url: '/a?b=c', body: 'hello' }]);
    const got = seen[0]?.headers ?? {};
    expect(got).toMatchObject({ host: `service.test:${port}`, 'x-kept': '1', connection: 'close' });
    expect(Object.keys(got)).not.toEqual(expect.arrayContaining(['x-mine']));
    expect(got['proxy-authorization']).toBeUndefined();
  });

  it('is reached by a tunnel', async () => {
    await allow([`service.test:${port}`]);
    expect(await tunnel(`service.test:${port}`)).toContain('reached');
    expect(seen).toMatchObject([{ url: '/through' }]);
  });

  it('is reached by its address, however that is written', async () => {
    await allow([`127.0.0.1:${port}`]);
    expect(await tunnel(`0x7f000001:${port}`)).toContain('reached');
  });
});

describe('what is not for an agent is refused, told of, and not connected to', () => {
  it.each([
    ['a tunnel', () => tunnel(`127.0.0.1:${port}`)],
    ['a plain request', async () => (await plain(`http://127.0.0.1:${port}/`)).status],
  ])('an address that nobody allowed, by %s', async (_, attack) => {
    await allow(['service.test']);
    expect(await attack()).toBe(403);
    expect(denied).toEqual([`127.0.0.1:${port} it is not on the allow-list 127.0.0.1:${port}`]);
    expect(seen).toEqual([]);
  });

  // The port is allowed by a wildcard, so that the address is all that there is against it.
  it.each([
    ['a tunnel', () => tunnel(`a.service.test:${port}`)],
    ['a plain request', async () => (await plain(`http://a.service.test:${port}/`)).status],
  ])('an allowed name that leads to this PC, by %s', async (_, attack) => {
    await allow([`*.service.test:${port}`]);
    expect(await attack()).toBe(403);
    expect(denied).toEqual([
      `a.service.test:${port} its address is one of this PC or its network a.service.test:${port}`,
    ]);
    expect(seen).toEqual([]);
    // The same by a name that a person means: it is the rule that stood in the way.
    await proxy.close();
    await allow([`*.service.test:${port}`, `a.service.test:${port}`]);
    expect([200, 'reached']).toContainEqual(await attack().then((got) => (typeof got === 'string' ? 'reached' : got)));
    expect(seen).toHaveLength(1);
  });

  it('a name is looked up once: what was looked at is what is connected to', async () => {
    let asked = 0;
    await allow([`service.test:${port}`], async () => {
      asked += 1;
      return [{ address: asked === 1 ? '127.0.0.1' : '127.0.0.2', family: 4 }];
    });
    expect(await tunnel(`service.test:${port}`)).toContain('reached');
    expect(asked).toBe(1);
  });

  it('a name that is not there is another matter', async () => {
    await allow(['service.test'], async () => {
      throw new Error('ENOTFOUND');
    });
    expect(await tunnel('service.test:443')).toBe(502);
    expect(denied).toEqual([]);
  });
});

describe('what is no request of a proxy', () => {
  it.each([
    ['a path', 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', '400'],
    ['https in the clear', 'GET https://a/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', '400'],
    ['a tunnel to nowhere', 'CONNECT a HTTP/1.1\r\nHost: a\r\n\r\n', '400'],
  ])('%s', async (_, message, status) => {
    await allow([]);
    expect(await raw(message)).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  });

  it('two lengths in one', async () => {
    await allow([`service.test:${port}`]);
    const lines = [
      `POST http://service.test:${port}/ HTTP/1.1`,
      'Host: service.test',
      'Content-Length: 4',
      'Transfer-Encoding: chunked',
    ];
    expect(await raw(`${lines.join('\r\n')}\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n`)).toBe('');
    expect(seen).toEqual([]);
  });

  it('a body without a length stays one, whatever the method', async () => {
    await allow([`service.test:${port}`]);
    const lines = [`DELETE http://service.test:${port}/x HTTP/1.1`, 'Host: service.test', 'Transfer-Encoding: chunked'];
    await raw(`${lines.join('\r\n')}\r\nConnection: close\r\n\r\n5\r\nhello\r\n0\r\n\r\n`);
    expect(seen).toMatchObject([{ method: 'DELETE', body: 'hello' }]);
  });
});

it.each([
  'HTTP/1.1 001 Odd\r\nContent-Length: 0\r\n\r\n',
  'HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n',
  'no HTTP',
])('a server that answers %j ends its own request and nothing else', async (answer) => {
  const odd = createTcpServer((socket) => {
    socket.on('error', () => {}).once('data', () => socket.end(answer));
  });
  await once(odd.listen(0, '127.0.0.1'), 'listening');
  const oddPort = (odd.address() as AddressInfo).port;
  await allow([`service.test:${oddPort}`, `service.test:${port}`]);
  const asked = plain(`http://service.test:${oddPort}/`).then(
    ({ status }) => status,
    () => 'cut',
  );
  expect(['cut', 502]).toContain(await asked);
  expect(await plain(`http://service.test:${port}/`)).toMatchObject({ status: 200 });
  odd.close();
});

describe('behind a proxy of this network', () => {
  it('names are that one’s to resolve', async () => {
    const asked: string[] = [];
    const upstream = createServer();
    upstream.on('connect', ({ url = '', headers }: IncomingMessage, client: Socket) => {
      asked.push(`${url} ${headers['proxy-authorization']}`);
      const there = connect(port, '127.0.0.1', () => client.write('HTTP/1.1 200 OK\r\n\r\n'));
      there.pipe(client).pipe(there);
      there.on('error', () => client.destroy());
      client.on('error', () => there.destroy());
    });
    await once(upstream.listen(0, '127.0.0.1'), 'listening');
    const proxyUrl = `http://me:secret@127.0.0.1:${(upstream.address() as AddressInfo).port}`;
    vi.stubEnv('HTTPS_PROXY', proxyUrl);
    vi.stubEnv('HTTP_PROXY', proxyUrl);
    await allow(['service.test'], () => Promise.reject(new Error('nobody is to be asked')));
    expect(await tunnel('service.test:443')).toContain('reached');
    expect(await plain('http://service.test/x')).toMatchObject({ status: 200, body: 'reached' });
    const login = `Basic ${Buffer.from('me:secret').toString('base64')}`;
    expect(asked).toEqual([`service.test:443 ${login}`, `service.test:80 ${login}`]);
    expect(await tunnel('elsewhere.test:443')).toBe(403);
    upstream.close();
    upstream.closeAllConnections();
  });
});

it('closing ends tunnels that are open', async () => {
  await allow([`service.test:${port}`]);
  const asked = request({ socketPath: proxy.path, method: 'CONNECT', path: `service.test:${port}`, agent: false });
  asked.end();
  const [, socket] = (await once(asked, 'connect')) as [IncomingMessage, Socket];
  const closed = once(socket, 'close');
  socket.resume();
  await proxy.close();
  await closed;
  await allow([]);
});

it.each(['8.8.8.8', '2606:4700::1111'])('%s is public', (address) => {
  expect(isPublic(address)).toBe(true);
});

it.each([
  ...['127.0.0.1', '10.1.2.3', '172.16.0.1', '192.168.0.1', '169.254.169.254', '100.64.0.1', '0.0.0.0', '224.0.0.1'],
  ...['255.255.255.255', '::1', '::', 'fe80::1', 'fd00::1', '::ffff:10.0.0.1', '64:ff9b::a00:1', 'a name'],
])('%s is not', (address) => {
  expect(isPublic(address)).toBe(false);
});
