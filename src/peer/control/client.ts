import { type IncomingMessage, request } from 'node:http';
import { dirname } from 'node:path';
import { Readable } from 'node:stream';
import { type EventSourceMessage, EventSourceParserStream } from 'eventsource-parser/stream';
import { z } from 'zod';
import type { LogPiece } from '../../protocol/agent.ts';
import type { HomeError } from '../home/errors.ts';
import { notAFolder } from '../home/home.ts';
import { ControlError } from './errors.ts';
import {
  type AdoptReply,
  adoptReplySchema,
  type CancelReply,
  cancelReplySchema,
  errorJsonSchema,
  logReplySchema,
  type NodeJson,
  nodeJsonSchema,
  type StatusJson,
  type Submission,
  type Submitted,
  statusJsonSchema,
  stoppingSchema,
  submittedSchema,
  type TaskJson,
  taskJsonSchema,
} from './shapes.ts';

export { ControlError } from './errors.ts';
export type { Submitted } from './shapes.ts';

/** Longer than the peer itself takes to give up on a submission or a cancel. */
const answerMs = 30_000;
/** The peer breaks its silence more often than this. */
const silenceMs = 25_000;

interface Asked {
  readonly method?: 'GET' | 'POST';
  readonly body?: unknown;
}

/** `task` comes with the whole task; anything else as the peer tells it. */
export type ControlEvent =
  | { readonly event: 'task'; readonly data: TaskJson }
  | { readonly event: 'other'; readonly name: string; readonly data: unknown };

/**
 * Commands to the peer of this home. Every method throws ControlError, `no-peer` where none runs; HomeError where the
 * home is no folder.
 */
export class ControlClient {
  readonly #socketPath: string;

  constructor(socketPath: string) {
    this.#socketPath = socketPath;
  }

  async isThere(): Promise<boolean> {
    try {
      await this.#ask('/health', z.unknown());
      return true;
    } catch (error) {
      if (error instanceof ControlError && (error.code === 'no-peer' || error.code === 'broken')) return false;
      throw error;
    }
  }

  status(): Promise<StatusJson> {
    return this.#ask('/api/cluster/status', statusJsonSchema);
  }

  node(): Promise<NodeJson> {
    return this.#ask('/api/node/info', nodeJsonSchema);
  }

  tasks(): Promise<readonly TaskJson[]> {
    return this.#ask('/api/tasks', z.array(taskJsonSchema));
  }

  /** `id` may be a prefix that no other task has. */
  task(id: string): Promise<TaskJson> {
    return this.#ask(taskPath(id), taskJsonSchema);
  }

  submit(body: Submission): Promise<Submitted> {
    return this.#ask('/api/tasks', submittedSchema, { method: 'POST', body });
  }

  /** The next round of a task that has ended. */
  retry(id: string): Promise<Submitted> {
    return this.#ask(`${taskPath(id)}/retry`, submittedSchema, { method: 'POST' });
  }

  cancel(id: string): Promise<CancelReply> {
    return this.#ask(`${taskPath(id)}/cancel`, cancelReplySchema, { method: 'POST' });
  }

  /** Starts a new generation without the electors that are gone. */
  adopt(id: string): Promise<AdoptReply> {
    return this.#ask(`${taskPath(id)}/adopt`, adoptReplySchema, { method: 'POST' });
  }

  /** A piece of an attempt's log, from `offset` in bytes; `attempt` null = the latest. */
  log(id: string, attempt: number | null, offset: number): Promise<LogPiece | { readonly unavailable: string }> {
    const query = new URLSearchParams({ offset: `${offset}`, ...(attempt !== null && { attempt: `${attempt}` }) });
    return this.#ask(`${taskPath(id)}/log?${query}`, logReplySchema);
  }

  /** Asks the peer to hand over what it does and to end; it goes on doing so after this has resolved. */
  stop(): Promise<{ readonly pid: number }> {
    return this.#ask('/api/stop', stoppingSchema, { method: 'POST' });
  }

  /** Nothing that happens after the first event, `hello`, is missed. Ends when the peer goes away. */
  async *events(): AsyncGenerator<ControlEvent, void> {
    const response = await this.#open('/api/events', {}, undefined);
    response.setTimeout(silenceMs, () => response.destroy());
    try {
      for await (const { event: name = 'message', data: text } of eventsIn(response)) {
        const data = parseJson(text);
        yield name === 'task' ? { event: 'task', data: taskOf(data) } : { event: 'other', name, data };
      }
    } catch (error) {
      // A peer that was killed cuts its last line short: that is its end, and no other error.
      if (error instanceof ControlError) throw error;
    } finally {
      response.destroy();
    }
  }

  async #ask<T>(path: string, schema: z.ZodType<T>, asked: Asked = {}): Promise<T> {
    const response = await this.#open(path, asked, AbortSignal.timeout(answerMs));
    const answer = parseJson(await textOf(response));
    const failed = errorJsonSchema.safeParse(answer);
    if (failed.success) throw new ControlError(failed.data.error.code, failed.data.error.message);
    const parsed = schema.safeParse(answer);
    if (!parsed.success) throw malformed(parsed.error);
    return parsed.data;
  }

  #open(path: string, { method = 'GET', body }: Asked, signal: AbortSignal | undefined): Promise<IncomingMessage> {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const text = body === undefined ? '' : JSON.stringify(body);
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) };
    const options = { socketPath: this.#socketPath, path, method, agent: false, ...(signal && { signal }) };
    const outgoing = request(text === '' ? options : { ...options, headers }, resolve);
    outgoing.on('error', (error) => reject(connectError(error, this.#socketPath)));
    outgoing.end(text);
    return promise;
  }
}

const eventsIn = (response: IncomingMessage): AsyncIterable<EventSourceMessage> =>
  Readable.toWeb(response).pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream());

const taskPath = (id: string): string => `/api/tasks/${encodeURIComponent(id)}`;

function taskOf(data: unknown): TaskJson {
  const task = taskJsonSchema.safeParse(data);
  if (!task.success) throw malformed(task.error);
  return task.data;
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
  } catch (error) {
    throw broken(error);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const Absent = new Set(['ENOENT', 'ECONNREFUSED']);

function connectError(error: Error, socketPath: string): ControlError | HomeError {
  const code = 'code' in error ? String(error.code) : '';
  if (Absent.has(code)) {
    return new ControlError('no-peer', 'no peer is running here: start one with `peer start`', { cause: error });
  }
  if (code === 'ENOTDIR') return notAFolder(dirname(socketPath), error);
  if (code === 'EACCES') {
    const message = 'the peer of this home belongs to another user: set PEER_HOME to a folder of your own';
    return new ControlError('no-socket', message, { cause: error });
  }
  return broken(error);
}

const broken = (cause: unknown): ControlError =>
  new ControlError('broken', 'the peer on this PC went away, or did not answer in time: see its log', { cause });

const malformed = (cause: z.ZodError): ControlError =>
  new ControlError('malformed', 'the peer on this PC runs another version of this program: restart it', { cause });
