import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { streamSSE } from 'hono/streaming';
import { z } from 'zod';
import type { TaskId } from '../../protocol/ids.ts';
import { type Draft, draftSchema } from '../../protocol/record.ts';
import { isTerminal } from '../../protocol/state.ts';
import type { PeerEvent, Reply, TaskView } from '../core/io.ts';
import type { PeerService } from '../service.ts';
import type { ControlErrorCode } from './errors.ts';
import { Feed } from './feed.ts';
import { knownJson, nodeJson, statusJson, tasksJson } from './json.ts';
import { describeCandidates, type FoundTask, findTask, taskOf } from './lookup.ts';
import { type ErrorJson, submissionSchema } from './shapes.ts';

/** A prompt of 64 KiB may be several times as long once it is escaped. */
const maxBodyBytes = 1024 * 1024;
const logPieceBytes = 256 * 1024;
/** A reader that hears nothing for longer may take the peer for dead. */
const quietMs = 10_000;

const knownMs = 5_000;

const Status = {
  'bad-request': 400,
  'not-found': 404,
  ambiguous: 409,
  conflict: 409,
  stopping: 503,
} as const satisfies Partial<Record<ControlErrorCode, number>>;

const logQuerySchema = z.object({
  attempt: z.coerce.number().int().positive().nullable().default(null),
  offset: z.coerce.number().int().nonnegative().default(0),
});

/** The control API: what it answers is in shapes.ts. `onStop` is called once, and must return at once. */
export function controlApp(service: PeerService, onStop: () => void): Hono {
  const app = new Hono();
  let isStopping = false;

  app.use(bodyLimit({ maxSize: maxBodyBytes, onError: (c) => failure(c, 'bad-request', 'the body is too large') }));
  app.use('/api/tasks/*', async (c, next) =>
    isStopping && c.req.method === 'POST' ? failure(c, 'stopping', 'the peer on this PC is stopping') : next(),
  );
  app.notFound((c) => failure(c, 'not-found', `there is no ${c.req.method} ${c.req.path}`));

  app.get('/health', (c) => c.json({ status: isStopping ? 'stopping' : 'ok', peer: service.self }));
  app.get('/api/cluster/status', (c) => c.json(statusJson(service)));
  app.get('/api/node/info', (c) => c.json(nodeJson(service)));
  app.get('/api/tasks', (c) => c.json(tasksJson(service)));
  app.get('/api/tasks/:id', (c) => withTask(c, service, (task) => c.json(knownJson(service, task))));
  app.get('/api/tasks/:id/log', (c) => withTask(c, service, (task) => logPiece(c, service, idOf(task))));
  app.get('/api/events', (c) => events(c, service));

  app.post('/api/tasks', async (c) => {
    const body = submissionSchema.safeParse(await c.req.json().catch(() => undefined));
    if (!body.success) return failure(c, 'bad-request', firstProblem(body.error));
    return submitted(c, service, await service.command({ type: 'submit', ...body.data }));
  });
  app.post('/api/tasks/:id/cancel', (c) =>
    withTask(c, service, async (found) => {
      const task = idOf(found);
      const reply = await service.command({ type: 'cancel', task, reason: 'cancelled by a person' });
      return c.json({ ...reply, task });
    }),
  );
  app.post('/api/tasks/:id/adopt', (c) =>
    withTask(c, service, async (found) => {
      const task = idOf(found);
      const reply = await service.command({ type: 'adopt', task });
      return c.json({ ...reply, task });
    }),
  );
  /** The next round of a task that has ended: the same draft once more. */
  app.post('/api/tasks/:id/retry', (c) =>
    withTask(c, service, async (task) => {
      if (task.type === 'buried')
        return failure(c, 'conflict', 'it ended too long ago, what was asked is forgotten: submit it with --again');
      const { view } = task;
      if (!isTerminal(view.state)) return failure(c, 'conflict', 'the task has not ended: there is nothing to retry');
      return submitted(c, service, await service.command({ type: 'submit', draft: draftOf(view), again: true }));
    }),
  );
  app.post('/api/stop', (c) => {
    if (!isStopping) setImmediate(onStop);
    isStopping = true;
    return c.json({ type: 'stopping', pid: process.pid }, 202);
  });
  return app;
}

function failure(c: Context, code: keyof typeof Status, message: string, candidates?: readonly string[]): Response {
  const body: ErrorJson = { error: { code, message, ...(candidates && { candidates: [...candidates] }) } };
  return c.json(body, Status[code]);
}

type Answer = Response | Promise<Response>;

const idOf = (task: FoundTask): TaskId => (task.type === 'found' ? task.view.task.id : task.tombstone.task);

function withTask(c: Context, service: PeerService, then: (task: FoundTask) => Answer): Answer {
  const text = c.req.param('id') ?? '';
  const found = findTask(service, text);
  switch (found.type) {
    case 'found':
    case 'buried':
      return then(found);
    case 'none':
      return failure(c, 'not-found', `no task ${text.slice(0, 64)} is known here: see \`peer tasks\``);
    case 'several': {
      const which = describeCandidates(found.candidates, text);
      return failure(c, 'ambiguous', `${text} may be ${which}: give more of it`, found.candidates);
    }
  }
}

async function submitted(c: Context, service: PeerService, reply: Reply): Promise<Response> {
  const task = 'task' in reply ? await known(service, reply.task) : null;
  const body = task === null ? reply : { ...reply, view: knownJson(service, task) };
  return c.json(body, reply.type === 'submitted' ? 201 : 200);
}

/** Where another peer has submitted it, for a client, its record may be on its way here still. */
async function known(service: PeerService, id: TaskId): Promise<FoundTask | null> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const unsubscribe = service.subscribe((event) => {
    if (event.type === 'task' && event.task === id) resolve();
  });
  const timer = setTimeout(resolve, knownMs);
  if (taskOf(service, id) === null) await promise;
  clearTimeout(timer);
  unsubscribe();
  return taskOf(service, id);
}

async function logPiece(c: Context, service: PeerService, task: TaskId): Promise<Response> {
  const query = logQuerySchema.safeParse(c.req.query());
  if (!query.success) return failure(c, 'bad-request', firstProblem(query.error));
  return c.json(await service.log({ task, ...query.data, limitBytes: logPieceBytes }));
}

/** `hello` says that nothing is missed from here on; `task` carries the whole task, the others what the event says. */
function events(c: Context, service: PeerService): Response {
  return streamSSE(c, async (stream) => {
    const feed = new Feed();
    const unsubscribe = service.subscribe((event) => feed.put(event));
    stream.onAbort(() => feed.end());
    try {
      await stream.writeSSE({ event: 'hello', data: JSON.stringify({ peer: service.self }) });
      for (let event = await feed.next(quietMs); event !== null; event = await feed.next(quietMs)) {
        if (event === 'quiet') await stream.write(': quiet\n\n');
        else await stream.writeSSE({ event: event.type, data: JSON.stringify(eventJson(service, event)) });
      }
    } finally {
      unsubscribe();
    }
  });
}

function eventJson(service: PeerService, event: PeerEvent): unknown {
  switch (event.type) {
    case 'task': {
      const task = taskOf(service, event.task);
      return task && knownJson(service, task);
    }
    case 'story':
      return { task: event.task, ...event.story, at: new Date(event.story.at).toISOString() };
    case 'peer-up':
    case 'peer-down':
    case 'lease':
    case 'generation':
    case 'fork-met':
    case 'never-begun':
    case 'attempt-started':
    case 'attempt-ended':
      return event;
  }
}

/** What was asked for, without what the mesh had added to it. */
function draftOf({ task }: TaskView): Draft {
  const { format, round, submitter, createdAt, nonce, electorate, ...draft } = task.body;
  return draftSchema.parse(draft);
}

function firstProblem(error: z.ZodError): string {
  const [issue] = error.issues;
  const field = issue === undefined || issue.path.length === 0 ? 'the body' : issue.path.join('.');
  return `${field}: ${(issue?.message ?? 'malformed').replace(/\s+/g, ' ')}`;
}
