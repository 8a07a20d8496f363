import { randomUUID } from 'node:crypto';
import type { Messages } from '@anthropic-ai/sdk/resources/messages';
import type { Block, Turn, TurnUsage } from './script.ts';

type StreamEvent = Messages.RawMessageStreamEvent | { readonly type: 'ping' };

/** Characters to a delta. */
const pieceLength = 12;

/** A turn as one whole message. */
export function messageOf({ blocks, usage, moreUsage, stopReason }: Turn, model: string): Messages.Message {
  return {
    id: `msg_${randomUUID().replaceAll('-', '')}`,
    type: 'message',
    role: 'assistant',
    model,
    content: blocks.map(contentOf),
    container: null,
    diagnostics: null,
    stop_details: null,
    stop_reason: stopReason ?? (blocks.some(({ type }) => type === 'tool_use') ? 'tool_use' : 'end_turn'),
    stop_sequence: null,
    usage: { ...usageOf({ input: 100, output: 20, cacheWrite: 0, cacheRead: 0, ...usage }), ...moreUsage },
  };
}

/** The events that make up the message, in their order. */
export function eventsOf(message: Messages.Message): readonly StreamEvent[] {
  const { stop_reason, stop_sequence, usage } = message;
  return [
    {
      type: 'message_start',
      message: { ...message, content: [], stop_reason: null, usage: { ...usage, output_tokens: 1 } },
    },
    ...message.content.flatMap((block, index) => [
      ...blockEvents(block, index),
      ...(index === 0 ? [{ type: 'ping' } as const] : []),
    ]),
    {
      type: 'message_delta',
      delta: { stop_reason, stop_sequence, container: null, stop_details: null },
      usage: {
        input_tokens: usage.input_tokens,
        output_tokens: usage.output_tokens,
        cache_creation_input_tokens: usage.cache_creation_input_tokens,
        cache_read_input_tokens: usage.cache_read_input_tokens,
        output_tokens_details: null,
        server_tool_use: usage.server_tool_use,
      },
    },
    { type: 'message_stop' },
  ];
}

/** As it goes over the wire. */
export const sse = (event: StreamEvent): string => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;

function contentOf(block: Block): Messages.ContentBlock {
  switch (block.type) {
    case 'text':
      return { type: 'text', text: block.text, citations: null };
    case 'tool_use': {
      const id = `toolu_${randomUUID().replaceAll('-', '').slice(0, 24)}`;
      return { type: 'tool_use', id, name: block.name, input: block.input, caller: { type: 'direct' } };
    }
  }
}

function blockEvents(block: Messages.ContentBlock, index: number): readonly StreamEvent[] {
  const delta = (delta: Messages.RawContentBlockDelta): StreamEvent => ({ type: 'content_block_delta', index, delta });
  switch (block.type) {
    case 'text':
      return [
        { type: 'content_block_start', index, content_block: { ...block, text: '' } },
        ...pieces(block.text).map((text) => delta({ type: 'text_delta', text })),
        { type: 'content_block_stop', index },
      ];
    case 'tool_use':
      return [
        { type: 'content_block_start', index, content_block: { ...block, input: {} } },
        ...['', ...pieces(JSON.stringify(block.input))].map((partial_json) =>
          delta({ type: 'input_json_delta', partial_json }),
        ),
        { type: 'content_block_stop', index },
      ];
    default:
      throw new Error(`no script has blocks of the type ${block.type}`);
  }
}

const pieces = (text: string): readonly string[] =>
  Array.from({ length: Math.ceil(text.length / pieceLength) }, (_, i) =>
    text.slice(i * pieceLength, (i + 1) * pieceLength),
  );

const usageOf = ({ input, output, cacheWrite, cacheRead }: TurnUsage): Messages.Usage => ({
  input_tokens: input,
  output_tokens: output,
  cache_creation_input_tokens: cacheWrite,
  cache_read_input_tokens: cacheRead,
  cache_creation: { ephemeral_5m_input_tokens: cacheWrite, ephemeral_1h_input_tokens: 0 },
  inference_geo: null,
  output_tokens_details: null,
  server_tool_use: null,
  service_tier: 'standard',
  speed: null,
});
