import { clip } from '../../lines.ts';
import type { Block, ClaudeEvent } from './events.ts';
import { describeInput } from './tool-uses.ts';

/** Of what a tool has answered: enough to see how it went. What the model was told in full is in its session. */
const mostLines = 40;
const mostCharacters = 4_000;

/** An event as a person reads it: what was said, each use of a tool, and what came of it. */
export function logLines(event: ClaudeEvent, cwd: string): readonly string[] {
  switch (event.type) {
    case 'assistant':
      return event.message.content.flatMap((block) => saidIn(block, cwd));
    case 'user':
      return typeof event.message.content === 'string' ? [] : event.message.content.flatMap(answeredIn);
    case 'system':
      return event.subtype === 'init' ? [`session ${event.session_id ?? '?'} (${event.model ?? 'some model'})`] : [];
    case 'result':
      return event.is_error ? [...event.errors, event.result ?? ''].flatMap((text) => text.split('\n')) : [];
    case 'stream_event':
    case 'rate_limit_event':
      return [];
  }
}

function saidIn({ type, text = '', name, input = {} }: Block, cwd: string): readonly string[] {
  if (type === 'text') return text.split('\n');
  return type === 'tool_use' && name !== undefined ? [`> ${name} ${describeInput(input, cwd)}`.trimEnd()] : [];
}

function answeredIn({ type, content }: Block): readonly string[] {
  if (type !== 'tool_result') return [];
  const lines = clip(textOf(content), mostCharacters).trimEnd().split('\n');
  const left = lines.length - mostLines;
  const shown = lines.slice(0, mostLines).map((line) => `  ${line}`);
  return left > 0 ? [...shown, `  (${left} more lines)`] : shown;
}

/** A text, or blocks of which some are texts. */
function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content
    .map((block: unknown) =>
      typeof block === 'object' && block !== null && 'text' in block && typeof block.text === 'string'
        ? block.text
        : '',
    )
    .join('\n');
}
