import { describe, expect, it } from 'vitest';
import { controlApp } from '../../../src/peer/control/app.ts';
import { taskJsonSchema } from '../../../src/peer/control/shapes.ts';
import type { CommitId } from '../../../src/protocol/ids.ts';
import type { Tombstone } from '../../../src/protocol/tombstone.ts';
import { messages } from '../../protocol/samples.ts';
import { draft, FakeService, makeView } from './fake-service.ts';

const pullRequest = { number: 7, url: 'https://forge.test/ann/greeter/pull/7', state: 'merged' } as const;
const result = { branch: 'peer/issue-7-2', commit: 'c'.repeat(40) as CommitId, pullRequest };
const tombstone: Tombstone = { ...messages.tombstone.tombstone, end: { name: 'done', result } };
const { task } = tombstone;

function served(): { readonly service: FakeService; ask(path: string, body?: unknown): Promise<Response> } {
  const service = new FakeService();
  service.buried.set(task, tombstone);
  const app = controlApp(service, () => {});
  const ask = async (path: string, body?: unknown): Promise<Response> =>
    app.request(
      path,
      body === undefined
        ? {}
        : { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } },
    );
  return { service, ask };
}

describe('a task that was pruned', () => {
  it('is told by its id, as any task, with what came of it', async () => {
    const { ask } = served();
    const answer = taskJsonSchema.parse(await (await ask(`/api/tasks/${task.slice(0, 8)}`)).json());
    expect(answer).toMatchObject({ id: task, round: 2, state: 'done', attempt: 3, costUsd: 1.5, pruned: true, result });
  });

  it('is told with the round that came of it', async () => {
    const { service, ask } = served();
    const next = makeView('once more', {}, { key: tombstone.key, round: tombstone.round + 1 });
    service.views.set(next.task.id, next);
    expect(await (await ask(`/api/tasks/${task}`)).json()).toMatchObject({ retriedAs: next.task.id });
    expect(await (await ask(`/api/tasks/${next.task.id}`)).json()).toMatchObject({ retryOf: task });
  });

  it('is not listed', async () => {
    const { ask } = served();
    expect(await (await ask('/api/tasks')).json()).toEqual([]);
  });

  it('is what a submission of its key is answered with', async () => {
    const { service, ask } = served();
    service.reply = () => ({ type: 'existing', task, ended: true });
    const answer = await (await ask('/api/tasks', { draft })).json();
    expect(answer).toMatchObject({ type: 'existing', ended: true, view: { id: task, state: 'done', pruned: true } });
  });

  it('can be had again by a submission alone: what was asked is forgotten', async () => {
    const { ask } = served();
    const answer = await ask(`/api/tasks/${task}/retry`, {});
    expect(answer.status).toBe(409);
    expect(await answer.json()).toMatchObject({ error: { message: expect.stringContaining('--again') } });
  });
});
