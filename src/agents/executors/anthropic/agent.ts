/**
 * The agent of the `anthropic` executor: a program of its own, so that its whole tree can be confined and killed. It reads an
 * order on standard input, and says on standard output what it does, one JSON text to a line (`wire.ts`).
 */
import { readFileSync, writeSync } from 'node:fs';
import { Anthropic } from '@anthropic-ai/sdk';
import { EnvHttpProxyAgent, fetch } from 'undici';
import { Conversation } from './conversation.ts';
import { systemPrompt } from './guidance.ts';
import { AgentLoop } from './loop.ts';
import { toolsFor } from './tools.ts';
import { type Ended, type Line, type Order, orderSchema } from './wire.ts';

const stdin = 0;
const stdout = 1;

const tell = (line: Line): void => void writeSync(stdout, `${JSON.stringify(line)}\n`);

/** In a sandbox the only way out is the proxy that the environment names, to 127.0.0.1 as well. */
function clientFor({ baseUrl, pass }: Order): Anthropic {
  return new Anthropic({
    apiKey: pass,
    authToken: null,
    baseURL: baseUrl,
    // One place decides what is tried again: `loop.ts`, which says what it waits for.
    maxRetries: 0,
    // Of the same package as the dispatcher: node's own is of another version of it.
    fetch: fetch as unknown as typeof globalThis.fetch,
    fetchOptions: { dispatcher: new EnvHttpProxyAgent({ noProxy: '' }) as never },
  });
}

async function work(order: Order): Promise<Ended> {
  const conversation = await Conversation.open(order.sessionDir, order);
  const how = conversation.isResumed ? 'goes on' : 'begins';
  tell({ type: 'progress', text: `session ${conversation.id} ${how} (${order.model})` });
  const toolset = toolsFor(order.cwd, order.tools, order.commandMs);
  const loop = new AgentLoop({
    order,
    client: clientFor(order),
    system: await systemPrompt(order.specialist, order.cwd),
    toolset,
    conversation,
    tell,
  });
  try {
    return await loop.run();
  } finally {
    await toolset.close();
  }
}

tell({ type: 'ended', outcome: await work(orderSchema.parse(JSON.parse(readFileSync(stdin, 'utf8')))) });
// Its own pool of connections, and whatever a command has left in the background, would keep it.
process.exit(0);
