import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';

/** What a login may do with a repository; `hidden` is answered as if there were none. */
export type GitRight = 'write' | 'read' | 'login-needed' | 'hidden';

export interface GitRequest {
  /** From the path: `/<repository>.git/info/refs`. */
  readonly repository: string;
  /** The password of the basic login, which is where git servers take tokens. */
  readonly token: string | null;
}

const backend = join(execFileSync('git', ['--exec-path'], { encoding: 'utf8' }).trim(), 'git-http-backend');

/** Whether `answerGit` knows what to do with the URL. */
export const isGitUrl = (url: string): boolean =>
  /^\/[^?]+\.git\/(?:info\/refs|git-(?:upload|receive)-pack)(?:\?|$)/.test(url);

export function gitRequestOf(request: IncomingMessage): GitRequest {
  const [path = ''] = (request.url ?? '').split('?');
  const repository = decodeURIComponent(path.slice(1, path.lastIndexOf('.git/')));
  const [, encoded] = /^Basic (.+)$/i.exec(request.headers.authorization ?? '') ?? [];
  if (encoded === undefined) return { repository, token: null };
  const login = Buffer.from(encoded, 'base64').toString();
  return { repository, token: login.slice(login.indexOf(':') + 1) };
}

/** Real git behind http: answers clone, fetch and push of the bare repository, as far as the right goes. */
export async function answerGit(
  request: IncomingMessage,
  response: ServerResponse,
  gitDir: string,
  right: GitRight,
): Promise<void> {
  const url = new URL(request.url ?? '', 'http://localhost');
  const isPush = url.pathname.endsWith('/git-receive-pack') || url.searchParams.get('service') === 'git-receive-pack';
  if (right === 'hidden') return refuse(response, 404, 'Repository not found.');
  if (right === 'login-needed') {
    response.setHeader('www-authenticate', 'Basic realm="git"');
    return refuse(response, 401, 'A login is needed.');
  }
  if (isPush && right === 'read') return refuse(response, 403, 'This login may only read.');
  const below = url.pathname.slice(url.pathname.lastIndexOf('.git/') + '.git'.length);
  await runBackend(request, response, {
    GIT_PROJECT_ROOT: dirname(gitDir),
    PATH_INFO: `/${basename(gitDir)}${below}`,
    QUERY_STRING: url.search.slice(1),
    ...(right === 'write' ? { REMOTE_USER: 'somebody' } : {}),
  });
}

function refuse(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain' }).end(`${text}\n`);
}

/** As on the big servers: shallow and partial fetches, by any id; and no collection left running after a push. */
const serverConfig: Readonly<Record<string, string>> = {
  'uploadpack.allowFilter': 'true',
  'uploadpack.allowAnySHA1InWant': 'true',
  'receive.autogc': 'false',
  'gc.auto': '0',
  'maintenance.auto': 'false',
};

const configEnv = Object.fromEntries([
  ['GIT_CONFIG_COUNT', String(Object.keys(serverConfig).length)],
  ...Object.entries(serverConfig).flatMap(([key, value], i) => [
    [`GIT_CONFIG_KEY_${i}`, key],
    [`GIT_CONFIG_VALUE_${i}`, value],
  ]),
]);

const header = (request: IncomingMessage, name: string): string => String(request.headers[name] ?? '');

/** CGI: the request's body goes in, and headers, an empty line and the body come out. */
async function runBackend(
  request: IncomingMessage,
  response: ServerResponse,
  variables: Readonly<Record<string, string>>,
): Promise<void> {
  const length = header(request, 'content-length');
  const child = spawn(backend, {
    env: {
      PATH: process.env.PATH,
      HOME: tmpdir(),
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_HTTP_EXPORT_ALL: '1',
      REQUEST_METHOD: request.method ?? 'GET',
      REMOTE_ADDR: '127.0.0.1',
      CONTENT_TYPE: header(request, 'content-type'),
      HTTP_CONTENT_ENCODING: header(request, 'content-encoding'),
      GIT_PROTOCOL: header(request, 'git-protocol'),
      ...(length === '' ? {} : { CONTENT_LENGTH: length }),
      ...configEnv,
      ...variables,
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  // The backend may end without reading everything.
  child.stdin.on('error', () => {});
  request.pipe(child.stdin);
  request.once('error', () => child.kill());
  await pass(child.stdout, response);
}

async function pass(output: NodeJS.ReadableStream, response: ServerResponse): Promise<void> {
  let head = Buffer.alloc(0);
  for await (const chunk of output) {
    // Whoever asked has gone, and would be waited for in vain.
    if (response.destroyed) return;
    const bytes = Buffer.from(chunk);
    if (response.headersSent) {
      if (!response.write(bytes)) await Promise.race([once(response, 'drain'), once(response, 'close')]);
      continue;
    }
    head = Buffer.concat([head, bytes]);
    const end = head.indexOf('\r\n\r\n');
    if (end < 0) continue;
    writeHead(response, head.subarray(0, end).toString());
    response.write(head.subarray(end + 4));
  }
  if (!response.headersSent) response.writeHead(500);
  response.end();
}

function writeHead(response: ServerResponse, text: string): void {
  const headers = text
    .split('\r\n')
    .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()] as const);
  const status = headers.find(([name]) => name.toLowerCase() === 'status')?.[1];
  for (const [name, value] of headers) if (name.toLowerCase() !== 'status') response.setHeader(name, value);
  response.writeHead(status === undefined ? 200 : Number.parseInt(status, 10));
  response.flushHeaders();
}

export interface LocalServer extends AsyncDisposable {
  readonly origin: string;
  /** Ends every connection; what was being answered has ended too when this resolves. */
  close(): Promise<void>;
}

type Answer = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** Listens on a free port of 127.0.0.1. */
export async function listenLocally(answer: Answer): Promise<LocalServer> {
  const running = new Set<Promise<void>>();
  const server = createServer((request, response) => {
    const answering = answer(request, response)
      .catch((error: unknown) => void response.destroy(error instanceof Error ? error : undefined))
      .finally(() => running.delete(answering));
    running.add(answering);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const close = async (): Promise<void> => {
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await Promise.all([closed, ...running]);
  };
  const { port } = server.address() as AddressInfo;
  return { origin: `http://127.0.0.1:${port}`, close, [Symbol.asyncDispose]: close };
}

/**
 * Serves every bare repository `<root>/….git` as `<origin>/….git`. `tokens` by what each may do; without it, everybody may
 * write. Anybody else has to log in.
 */
export function startGitServer(options: {
  readonly root: string;
  readonly tokens?: Readonly<Record<string, 'read' | 'write'>>;
}): Promise<LocalServer> {
  const { root, tokens } = options;
  return listenLocally((request, response) => {
    if (!isGitUrl(request.url ?? '')) return answerGit(request, response, root, 'hidden');
    const { repository, token } = gitRequestOf(request);
    const isInside = !repository.split('/').includes('..');
    const right = tokens === undefined ? 'write' : (tokens[token ?? ''] ?? 'login-needed');
    return answerGit(request, response, join(root, `${repository}.git`), isInside ? right : 'hidden');
  });
}
