import { z } from 'zod';
import { specialtySchema } from '../../protocol/record.ts';
import { oneLine } from '../lines.ts';
import { type FrontMatter, type ParseProblem, readFrontMatter } from './front-matter.ts';
import { doubtAboutModel, doubtAboutTool } from './known.ts';
import type { Specialist } from './specialist.ts';

const nameExpected = 'small letters, digits and dashes expected, at most 40: code-review';
const toolsExpected = "tools' names expected, separated by commas or as a list: Read, Grep";
const modelExpected = "sonnet, opus, haiku, inherit or a model's id expected";

/** `Read`, `mcp__server__search`, `Bash(npm test:*)`. Never what an executor's program could take for an option. */
const toolSchema = z.string().regex(/^[A-Za-z][\w.:-]{0,199}(?:\([^()\n]{0,500}\))?$/, toolsExpected);

const toolsSchema = z
  .union([z.string(), z.array(z.string())], toolsExpected)
  .transform((given) => (typeof given === 'string' ? listed(given) : given.map((tool) => tool.trim())))
  .transform((tools) => (tools.join() === '*' ? null : [...new Set(tools)]))
  .pipe(z.array(toolSchema).max(200, 'at most 200 tools expected').nullable());

const modelSchema = z
  .string(modelExpected)
  .regex(/^[A-Za-z][\w.:@/[\]-]{0,199}$/, modelExpected)
  .transform((model) => (model === 'inherit' ? null : model));

/** Claude Code knows more fields (color, hooks, permissionMode, …). They may stand there, and have no effect. */
const fieldsSchema = z.object({
  name: z.string(nameExpected).refine((name) => specialtySchema.safeParse(name).success, nameExpected),
  description: z
    .string('text expected')
    .trim()
    .min(1, 'text expected')
    .max(10_000, 'at most 10000 characters expected'),
  tools: toolsSchema.nullish(),
  model: modelSchema.nullish(),
});

export interface Parsed {
  readonly specialist: Specialist;
  readonly nameLine: number;
  /** What is well formed, and likely a slip all the same. */
  readonly doubts: readonly ParseProblem[];
}

/** What the file of a specialist says: Markdown with YAML front matter, as Claude Code's subagents have it. */
export function parseSpecialist(file: string): Parsed | ParseProblem {
  if (file.includes('\0')) return { line: 1, message: 'this is no text' };
  const front = readFrontMatter(file);
  if ('message' in front) return front;
  const parsed = fieldsSchema.safeParse(front.values);
  if (!parsed.success) return problemOf(parsed.error, front);
  const { name, description, tools = null, model = null } = parsed.data;
  const specialist = { name, description, prompt: front.body.trim(), model, tools };
  return { specialist, nameLine: front.lineOf('name') ?? 1, doubts: doubtsOf(specialist, front) };
}

function doubtsOf({ prompt, tools, model }: Specialist, { lineOf }: FrontMatter): readonly ParseProblem[] {
  const found = [
    ...(tools ?? []).map((tool) => ['tools', doubtAboutTool(tool)] as const),
    ['model', model === null ? null : doubtAboutModel(model)] as const,
  ];
  const empty = { line: 1, message: 'there is no text below the front matter: its agents get no prompt of its own' };
  return [
    ...(prompt === '' ? [empty] : []),
    ...found.flatMap(([field, doubt]) =>
      doubt === null ? [] : [{ line: lineOf(field) ?? 1, message: `${field}: ${doubt}` }],
    ),
  ];
}

function problemOf({ issues: [issue] }: z.ZodError, { values, lineOf }: FrontMatter): ParseProblem {
  const field = String(issue?.path[0] ?? '');
  const line = lineOf(field);
  if (line === null || values[field] === null) return { line: line ?? 1, message: `${field} is missing` };
  return { line, message: `${field}: ${oneLine(issue?.message ?? 'malformed', 200)}` };
}

/** A comma within parentheses belongs to the tool: `Bash(git add:*, git diff:*)`. */
const listed = (text: string): readonly string[] =>
  (text.match(/(?:[^,(]|\([^)]*\)?)+/g) ?? []).map((tool) => tool.trim()).filter((tool) => tool !== '');
