import Anthropic from '@anthropic-ai/sdk';
import { afterEach, describe, expect, test } from 'vitest';
import { waitFor } from '../wait.ts';
import {
  badKey,
  conversation,
  cutStream,
  first,
  overloaded,
  rateLimited,
  type Script,
  says,
  stalledStream,
  turn,
  uses,
} from './script.ts';
import { MessagesApi } from './server.ts';

let api: MessagesApi;
afterEach(() => api.close());

async function clientOf(script: Script, keys?: readonly string[]): Promise<Anthropic> {
  api = await new MessagesApi(script, keys).start();
  return new Anthropic({ apiKey: 'a key', baseURL: api.url, maxRetries: 0 });
}

const tools = [{ name: 'bash', input_schema: { type: 'object' as const } }];
const ask = (content: string) => [{ role: 'user' as const, content }];
const request = { model: 'claude-sonnet-5-5', max_tokens: 100, tools, messages: ask('Do it.') };
const script = conversation([
  turn([says('I shall have a look at all that is here.'), uses('bash', { command: 'ls -l "a b"' })], {
    usage: { input: 10, output: 7, cacheWrite: 3, cacheRead: 2 },
  }),
  turn([says('Done.')]),
]);

describe('the SDK', () => {
  test('reads a stream to the message that it tells of', async () => {
    const client = await clientOf(script);
    const message = await client.messages.stream(request).finalMessage();
    expect(message).toMatchObject({
      model: 'claude-sonnet-5-5',
      stop_reason: 'tool_use',
      content: [
        { type: 'text', text: 'I shall have a look at all that is here.' },
        { type: 'tool_use', name: 'bash', input: { command: 'ls -l "a b"' } },
      ],
      usage: { input_tokens: 10, output_tokens: 7, cache_creation_input_tokens: 3, cache_read_input_tokens: 2 },
    });
    expect(api.calls).toMatchObject([{ key: 'a key', model: 'claude-sonnet-5-5', tools: ['bash'], stream: true }]);
  });

  test('reads a whole message, and the next turn is the one that its history asks for', async () => {
    const client = await clientOf(script);
    const { content } = await client.messages.create(request);
    const use = content.find(({ type }) => type === 'tool_use') as Anthropic.ToolUseBlock;
    const messages: Anthropic.MessageParam[] = [
      ...ask('Do it.'),
      { role: 'assistant', content },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: use.id, content: 'a b' }] },
    ];
    const next = await client.messages.create({ ...request, messages });
    expect(next).toMatchObject({ stop_reason: 'end_turn', content: [{ text: 'Done.' }] });
    expect(api.objections).toEqual([]);
  });

  test('sees a refusal as what it is', async () => {
    const client = await clientOf(first([badKey(), rateLimited(7), overloaded()], script));
    await expect(client.messages.create(request)).rejects.toBeInstanceOf(Anthropic.AuthenticationError);
    const limited = await client.messages.create(request).then(
      () => null,
      (error: InstanceType<typeof Anthropic.RateLimitError>) => error,
    );
    expect(limited).toBeInstanceOf(Anthropic.RateLimitError);
    expect(limited?.headers.get('retry-after')).toBe('7');
    await expect(client.messages.create(request)).rejects.toMatchObject({ status: 529 });
    await expect(client.messages.create(request)).resolves.toMatchObject({ stop_reason: 'tool_use' });
  });

  test('is let in by a known key alone', async () => {
    const client = await clientOf(script, ['another key']);
    await expect(client.messages.create(request)).rejects.toBeInstanceOf(Anthropic.AuthenticationError);
    expect(api.requests).toHaveLength(1);
    expect(api.calls).toEqual([]);
  });

  test('sees a stream that is cut in the middle of an event, after those before it', async () => {
    const client = await clientOf(first([cutStream()], script));
    let text = '';
    const stream = client.messages.stream(request).on('text', (piece) => {
      text += piece;
    });
    await expect(stream.finalMessage()).rejects.toThrow();
    expect(text).toBe('Let me have a look at th');
  });

  test('hears no more of a stream that is stalled, and closing does not wait for it', async () => {
    const client = await clientOf(first([stalledStream()], script));
    let text = '';
    const stream = client.messages.stream(request).on('text', (piece) => {
      text += piece;
    });
    const ended = stream.finalMessage().then(
      () => 'whole',
      () => 'broken off',
    );
    await waitFor('the first deltas', () => text.length > 20);
    await api.close();
    expect(await ended).toBe('broken off');
  });

  test('counts tokens, and is told of what is not there', async () => {
    const client = await clientOf(script);
    const { model, messages } = request;
    expect((await client.messages.countTokens({ model, messages })).input_tokens).toBeGreaterThan(0);
    await expect(client.models.list()).rejects.toMatchObject({ status: 404 });
    expect(api.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'POST /v1/messages/count_tokens',
      'GET /v1/models',
    ]);
  });
});

describe('what the API itself refuses is refused', () => {
  const used = { role: 'assistant' as const, content: [{ type: 'tool_use' as const, id: 't1', name: 'b', input: {} }] };
  const result = (id: string) => ({ type: 'tool_result' as const, tool_use_id: id, content: 'x' });
  const cached = { type: 'text' as const, text: 'x', cache_control: { type: 'ephemeral' as const } };

  test.each<[string, Anthropic.MessageParam[]]>([
    ['the use of a tool without a result', [...ask('a'), used, ...ask('b')]],
    ['the use of a tool at the end', [...ask('a'), used]],
    ['a result of nothing', [{ role: 'user', content: [result('t1')] }]],
    ['a result given twice', [...ask('a'), used, { role: 'user', content: [result('t1'), result('t1')] }]],
    ['a history that begins with the model', [used, { role: 'user', content: [result('t1')] }]],
    ['an empty text', ask('')],
    ['too much to cache', [{ role: 'user', content: [cached, cached, cached, cached, cached] }]],
  ])('%s', async (_, messages) => {
    const client = await clientOf(script);
    await expect(client.messages.create({ ...request, messages })).rejects.toMatchObject({ status: 400 });
    expect(api.objections).toHaveLength(1);
    expect(api.calls).toEqual([]);
  });
});
