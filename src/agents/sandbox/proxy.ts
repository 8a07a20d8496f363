import { once } from 'node:events';
import { type FileHandle, open } from 'node:fs/promises';
import {
  type ClientRequest,
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http';
import type { Socket } from 'node:net';
import { join as joinPath } from 'node:path';
import { type Duplex, pipeline } from 'node:stream';
import { hostOf, type Target, targetOf } from './allow-list.ts';
import { DeniedError, type Dial } from './dial.ts';

/** Of one attempt. */
const mostConnections = 256;

export interface ProxyOptions {
  /** The socket is made here; its path may be longer than a socket's may. */
  readonly folder: string;
  readonly name: string;
  readonly dial: Dial;
  readonly onDenied: (target: Target, denied: DeniedError) => void;
}

/**
 * The way out of a sandbox: an HTTP proxy on a Unix socket, with tunnels (CONNECT) and plain requests. Where to it
 * connects is for `dial` to decide.
 */
export class ForwardProxy {
  readonly path: string;
  readonly #options: ProxyOptions;
  /**
   * The socket is made, and removed, by its folder's descriptor, which stays open as long: a socket's path has room for
   * about a hundred characters.
   */
  readonly #folder: FileHandle;
  readonly #server = createServer();
  readonly #sockets = new Set<Duplex>();

  private constructor(options: ProxyOptions, folder: FileHandle) {
    this.#options = options;
    this.#folder = folder;
    this.path = joinPath(options.folder, options.name);
    this.#server.maxConnections = mostConnections;
    // An upload takes as long as it takes; the attempt's own limits end it.
    this.#server.requestTimeout = 0;
    this.#server.on('connection', (socket) => this.#keep(socket));
    // What comes from either side may be odd in ways that nobody thought of: it costs its own connection.
    this.#server.on('connect', (asked, client, head) => {
      this.#tunnel(asked, client, head).catch(() => client.destroy());
    });
    this.#server.on('request', (asked, answer) => {
      this.#forward(asked, answer).catch(() => answer.destroy());
    });
    this.#server.on('clientError', (_error, client) => client.destroy());
  }

  static async listen(options: ProxyOptions): Promise<ForwardProxy> {
    const folder = await open(options.folder);
    const proxy = new ForwardProxy(options, folder);
    try {
      proxy.#server.listen(`/proc/self/fd/${folder.fd}/${options.name}`);
      await once(proxy.#server, 'listening');
      return proxy;
    } catch (error) {
      await folder.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
    await this.#folder.close();
  }

  async #tunnel({ url = '' }: IncomingMessage, client: Duplex, head: Buffer): Promise<void> {
    client.on('error', () => client.destroy());
    const target = targetOf(url);
    if (target === null) return refuse(client, 400, 'host:port expected');
    try {
      const server = await this.#dial(target, client);
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      server.write(head);
      join(client, server);
    } catch (error) {
      refuse(client, ...this.#explain(target, error));
    }
  }

  /** Node's parser has read the request, and writes another: what does not survive that does not go out. */
  async #forward(asked: IncomingMessage, answer: ServerResponse): Promise<void> {
    const url = URL.parse(asked.url ?? '');
    const host = url?.protocol === 'http:' ? hostOf(url.host.replace(/:\d+$/, '')) : null;
    if (url === null || host === null)
      return say(answer, 400, 'this is a proxy: an http:// address or CONNECT expected');
    const target = { host, port: Number(url.port || 80) };
    try {
      const socket = await this.#dial(target, answer);
      const { method = 'GET' } = asked;
      const headers = { ...endToEnd(asked.headers), ...framing(asked.headers), host: url.host, connection: 'close' };
      const sent = request({ method, path: `${url.pathname}${url.search}`, headers, createConnection: () => socket });
      pipeline(asked, sent, () => {});
      const got = await answerTo(sent);
      answer.writeHead(got.statusCode ?? 502, got.statusMessage, endToEnd(got.headers));
      pipeline(got, answer, () => {});
    } catch (error) {
      say(answer, ...this.#explain(target, error));
    }
  }

  /** A connection that ends with the proxy, and that nobody waits for in vain. */
  async #dial(target: Target, client: Duplex | ServerResponse): Promise<Socket> {
    const socket = this.#keep(await this.#options.dial(target));
    client.once('close', () => socket.destroy());
    if (client.destroyed) socket.destroy();
    return socket;
  }

  #keep<T extends Duplex>(socket: T): T {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket)).on('error', () => socket.destroy());
    return socket;
  }

  #explain(target: Target, error: unknown): readonly [status: number, reason: string] {
    const reason = error instanceof Error ? error.message : String(error);
    if (!(error instanceof DeniedError)) return [502, `no connection to ${target.host}:${target.port}: ${reason}`];
    this.#options.onDenied(target, error);
    return [403, `the sandbox lets nothing through to ${target.host}:${target.port}: ${reason}`];
  }
}

/** Rejects where none comes: a server may also switch to another protocol, or just go. */
function answerTo(sent: ClientRequest): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  sent.once('response', resolve);
  sent.on('error', reject);
  sent.once('close', () => reject(new Error('it does not answer')));
  return promise;
}

function join(a: Duplex, b: Duplex): void {
  a.pipe(b).pipe(a);
  a.once('close', () => b.destroy());
  b.once('close', () => a.destroy());
}

const perConnection: readonly string[] = [
  ...['connection', 'keep-alive', 'proxy-connection', 'proxy-authenticate', 'proxy-authorization'],
  ...['te', 'trailer', 'transfer-encoding', 'upgrade', 'expect', 'host'],
];

/** The headers without those that are about one connection. */
function endToEnd(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const named = (headers.connection ?? '').split(',').map((name) => name.trim().toLowerCase());
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => !perConnection.includes(name) && !named.includes(name)),
  );
}

/** A body of unknown length stays one, whatever the method: node would send that of a DELETE without a frame. */
const framing = (headers: IncomingHttpHeaders): IncomingHttpHeaders =>
  headers['transfer-encoding'] === undefined ? {} : { 'transfer-encoding': 'chunked' };

function say(answer: ServerResponse, status: number, reason: string): void {
  answer.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', connection: 'close' });
  answer.end(`${reason}\n`);
}

function refuse(client: Duplex, status: number, reason: string): void {
  const body = `${reason}\n`;
  client.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: text/plain; charset=utf-8\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
