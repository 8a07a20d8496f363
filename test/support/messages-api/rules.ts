import { blocksOf, type Call, type RequestMessage } from './call.ts';

const maxCacheControls = 4;

/** What the API itself would refuse the call for; null where it would take it. */
export function objectionTo(call: Call): string | null {
  if (call.cacheControls > maxCacheControls) {
    return `A maximum of ${maxCacheControls} blocks with cache_control may be provided. Found ${call.cacheControls}.`;
  }
  const dialogue = call.messages.filter(({ role }) => role !== 'system');
  if (dialogue[0]?.role !== 'user') return 'messages: first message must use the "user" role';
  if (new Set(call.tools).size < call.tools.length) return 'tools: Tool names must be unique.';
  return emptyText(dialogue) ?? unpairedTools(merged(dialogue));
}

function emptyText(messages: readonly RequestMessage[]): string | null {
  const isEmpty = messages.some(
    (message) =>
      blocksOf(message).length === 0 ||
      blocksOf(message).some(({ type, text }) => type === 'text' && String(text ?? '').trim() === ''),
  );
  return isEmpty ? 'messages: text content blocks must be non-empty' : null;
}

/** Neighbours of one role count as one message. */
function merged(messages: readonly RequestMessage[]): readonly RequestMessage[] {
  const all: RequestMessage[] = [];
  for (const message of messages) {
    const last = all.at(-1);
    if (last?.role === message.role) last.content = [...blocksOf(last), ...blocksOf(message)];
    else all.push({ ...message });
  }
  return all;
}

/** Every use of a tool is answered in the very next message, once, and nothing else is answered. */
function unpairedTools(messages: readonly RequestMessage[]): string | null {
  const seen = new Set<string>();
  for (const [i, message] of messages.entries()) {
    const used = idsIn(message, 'tool_use', 'id');
    const answered = idsIn(messages[i + 1], 'tool_result', 'tool_use_id');
    const unanswered = used.filter((id) => !answered.includes(id));
    if (unanswered.length > 0) {
      return `messages.${i}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${unanswered.join(', ')}`;
    }
    if (used.some((id) => seen.has(id)) || new Set(used).size < used.length) {
      return `messages.${i}: \`tool_use\` ids must be unique`;
    }
    for (const id of used) seen.add(id);
    const before = idsIn(messages[i - 1], 'tool_use', 'id');
    const own = idsIn(message, 'tool_result', 'tool_use_id');
    if (own.some((id) => !before.includes(id)) || new Set(own).size < own.length) {
      return `messages.${i}: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${own.join(', ')}`;
    }
  }
  return null;
}

const idsIn = (message: RequestMessage | undefined, type: string, field: string): readonly string[] =>
  message === undefined
    ? []
    : blocksOf(message).flatMap((block) => (block.type === type ? [String(block[field] ?? '')] : []));
