import type { BetaRunnableTool } from '@anthropic-ai/sdk/lib/tools/BetaRunnableTool';
import { ToolError } from '@anthropic-ai/sdk/lib/tools/ToolError';
import { betaAgentToolset20260401 } from '@anthropic-ai/sdk/tools/agent-toolset/node';
import { oneLine } from '../../lines.ts';

/** Of one result, in characters: what is kept of its beginning, and of its end. */
const keptHalf = 32 * 1024;
const detailLength = 200;

export interface Toolset {
  readonly tools: readonly BetaRunnableTool[];
  isAllowed(name: string): boolean;
  close(): Promise<void>;
}

/**
 * The SDK's own tools for agents, as far as they are allowed, by their names in Claude Code's spelling. A name with more to it
 * (`Bash(git:*)`) asks for a restriction that nothing here would keep, and so gives nothing.
 */
export function toolsFor(cwd: string, allowed: readonly string[] | null, commandMs: number): Toolset {
  const names = allowed === null ? null : new Set(allowed.map((name) => name.toLowerCase()));
  const tools = betaAgentToolset20260401({ workdir: cwd })
    .filter((tool) => names === null || names.has(nameOf(tool)))
    .map((tool) => bounded(tool, commandMs));
  return {
    tools,
    isAllowed: (name) => tools.some((tool) => nameOf(tool) === name),
    close: async () => {
      for (const tool of tools) await tool.close?.();
    },
  };
}

const nameOf = (tool: BetaRunnableTool): string => ('name' in tool ? tool.name : '');

/** A command that hangs is to cost the model that command, not the run; and no result is too long to be kept. */
function bounded(tool: BetaRunnableTool, commandMs: number): BetaRunnableTool {
  const run: BetaRunnableTool['run'] = async (input, context) => {
    try {
      return clipped(await tool.run(nameOf(tool) === 'bash' ? inTime(input, commandMs) : input, context));
    } catch (error) {
      throw error instanceof ToolError ? new ToolError(clipped(error.content)) : error;
    }
  };
  return { ...tool, run };
}

const inTime = (input: { readonly timeout_ms?: unknown }, commandMs: number) =>
  typeof input.timeout_ms === 'number' && input.timeout_ms > commandMs ? { ...input, timeout_ms: commandMs } : input;

function clipped<Content>(content: Content): Content | string {
  if (typeof content !== 'string' || content.length <= 2 * keptHalf) return content;
  const left = content.length - 2 * keptHalf;
  return `${content.slice(0, keptHalf)}\n[… ${left} characters are left out …]\n${content.slice(-keptHalf)}`;
}

/** For people: `Bash: npm test`. */
export function describeUse({ name, input }: { readonly name: string; readonly input: unknown }): string {
  const detail = detailOf(input);
  return `${name.charAt(0).toUpperCase()}${name.slice(1)}${detail === '' ? '' : `: ${detail}`}`;
}

/** The one thing of a call that tells what it is about. */
export function detailOf(input: unknown): string {
  const fields = typeof input === 'object' && input !== null ? (input as Readonly<Record<string, unknown>>) : {};
  const { command, file_path: path, pattern } = fields;
  const told = [command, path, pattern].find((one) => typeof one === 'string') ?? JSON.stringify(input) ?? '';
  return oneLine(String(told), detailLength);
}
