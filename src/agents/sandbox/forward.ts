/**
 * Runs a command inside a sandbox, whose only way out is the peer's proxy on a Unix socket: gives it that proxy at a
 * port of the sandbox's own loopback, and each named service of the person's PC at its usual port. Arguments: the
 * socket, `host:port` of each service, `--`, the command. It is mounted alone, as one file, and so imports node alone.
 */
import { spawn } from 'node:child_process';
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { request } from 'node:http';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { constants } from 'node:os';

const [socketPath = '', ...rest] = process.argv.slice(2);
const services = rest.slice(0, rest.indexOf('--'));
const [file = '', ...args] = rest.slice(rest.indexOf('--') + 1);

async function listen(host: string, port: number, onConnection: (client: Socket) => void): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, (client) => {
    client.on('error', () => client.destroy());
    onConnection(client);
  }).listen(port, host);
  await once(server, 'listening');
  return server;
}

function join(client: Socket, server: Socket): void {
  client.pipe(server).pipe(client);
  client.once('close', () => server.destroy());
  server.once('close', () => client.destroy()).on('error', () => server.destroy());
}

const toProxy = (client: Socket): void => join(client, connect({ path: socketPath, allowHalfOpen: true }));

const toService =
  (service: string) =>
  (client: Socket): void => {
    const tunnel = request({ socketPath, method: 'CONNECT', path: service, headers: { host: service }, agent: false });
    tunnel.once('error', () => client.destroy());
    tunnel.once('connect', ({ statusCode }, server: Socket) => {
      if (statusCode === 200) return join(client, server);
      client.destroy();
      server.destroy();
    });
    tunnel.end();
  };

/** By address and port: `localhost` and `127.0.0.1` are one place. */
const listeners = new Map<string, Promise<Server>>();

function listenOnce(address: string, port: number, service: string): Promise<Server> {
  const key = `${address} ${port}`;
  const listener = listeners.get(key) ?? listen(address, port, toService(service));
  listeners.set(key, listener);
  return listener;
}

/** What cannot be had, a port below 1024 perhaps, is told of: whoever asks the proxy still reaches the service. */
async function offer(service: string): Promise<void> {
  try {
    const { hostname, port } = new URL(`tcp://${service}`);
    const found = await lookup(hostname.replace(/^\[(.*)\]$/, '$1'), { all: true });
    const tries = await Promise.allSettled(found.map(({ address }) => listenOnce(address, Number(port), service)));
    const failed = tries.filter((one) => one.status === 'rejected');
    if (failed.length === tries.length) throw failed[0]?.reason;
  } catch (error) {
    const why = error instanceof Error ? error.message : 'it has no address';
    console.error(`${service} is not there in the sandbox, but through the proxy alone: ${why}`);
  }
}

/** For every tool the variable that it knows. What is of the sandbox itself needs no proxy. */
function proxyVariables(port: number): Record<string, string> {
  const proxy = `http://127.0.0.1:${port}`;
  const inside = 'localhost,127.0.0.1,::1';
  const java = ['http', 'https'].flatMap((scheme) => [
    `-D${scheme}.proxyHost=127.0.0.1`,
    `-D${scheme}.proxyPort=${port}`,
  ]);
  return {
    HTTP_PROXY: proxy,
    HTTPS_PROXY: proxy,
    ALL_PROXY: proxy,
    NO_PROXY: inside,
    http_proxy: proxy,
    https_proxy: proxy,
    all_proxy: proxy,
    no_proxy: inside,
    NODE_USE_ENV_PROXY: '1',
    MAVEN_OPTS: java.join(' '),
    GRADLE_OPTS: java.join(' '),
  };
}

async function run(): Promise<void> {
  for (const service of services) await offer(service);
  const proxy = await listen('127.0.0.1', 0, toProxy);
  const { port } = proxy.address() as AddressInfo;
  const command = spawn(file, args, { stdio: 'inherit', env: { ...process.env, ...proxyVariables(port) } });
  command.once('error', (error) => {
    console.error(`not to be started in the sandbox: ${error.message}`);
    process.exit(127);
  });
  command.once('exit', (code, signal) => process.exit(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
}

await run();
