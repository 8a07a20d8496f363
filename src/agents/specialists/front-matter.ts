import { isMap, isScalar, LineCounter, parseDocument } from 'yaml';
import { oneLine } from '../lines.ts';

/** In characters: it may be a stranger's, and YAML with thousands of keys takes its time. */
const longest = 16 * 1024;
/** Enough aliases for people, too few for one that stands for a million others. */
const aliasCount = 20;

/** What is wrong, and on which line of the file, from 1. */
export interface ParseProblem {
  readonly line: number;
  readonly message: string;
}

export interface FrontMatter {
  readonly values: Readonly<Record<string, unknown>>;
  /** The line of the file that a field begins on; null where there is no such field. */
  readonly lineOf: (field: string) => number | null;
  /** What comes after it. */
  readonly body: string;
}

/** The YAML between the two lines `---` that a Markdown file may begin with, and the rest of the file. */
export function readFrontMatter(file: string): FrontMatter | ParseProblem {
  const [first, ...rest] = file.split(/\r?\n/);
  if (first?.trimEnd() !== '---') return { line: 1, message: 'the first line must be ---, with the name below it' };
  const end = rest.findIndex((line) => line.trimEnd() === '---');
  if (end < 0) return { line: 1, message: 'the front matter is not closed: a line --- must end it' };
  const yaml = rest.slice(0, end).join('\n');
  if (yaml.length > longest) return { line: 1, message: `the front matter is longer than ${longest} characters` };
  const fields = parseFields(yaml);
  return 'message' in fields ? fields : { ...fields, body: rest.slice(end + 1).join('\n') };
}

type Fields = Omit<FrontMatter, 'body'>;

/** Claude Code takes a description with a colon in it, as people write it, though it is no YAML. */
function parseFields(yaml: string): Fields | ParseProblem {
  const strict = parseYaml(yaml);
  const quoted = yaml.replace(/^(description:[ \t]+)([^\s"'|>&*!%@`[{#].*)$/m, (_, key: string, value: string) => {
    return `${key}'${value.trimEnd().replaceAll("'", "''")}'`;
  });
  if (!('message' in strict) || quoted === yaml) return strict;
  const lenient = parseYaml(quoted);
  return 'message' in lenient ? strict : lenient;
}

function parseYaml(yaml: string): Fields | ParseProblem {
  const counter = new LineCounter();
  // One more for the line `---` above it.
  const lineAt = (offset: number): number => counter.linePos(offset).line + 1;
  const document = parseDocument(yaml, { lineCounter: counter, prettyErrors: false, logLevel: 'error' });
  const { contents, errors } = document;
  const [error] = errors;
  if (error !== undefined) return { line: lineAt(error.pos[0]), message: `no valid YAML: ${yamlMessage(error)}` };
  if (!isMap(contents)) return { line: 2, message: 'no valid YAML: fields such as `name: backend` expected' };
  const lines = new Map(
    contents.items.flatMap(({ key }) =>
      isScalar(key) && key.range ? [[String(key.value), lineAt(key.range[0])]] : [],
    ),
  );
  const values = valuesOf(() => document.toJS({ maxAliasCount: aliasCount }));
  if (values === null) return { line: 2, message: 'no valid YAML: its aliases stand for too much' };
  return { values, lineOf: (field) => lines.get(field) ?? null };
}

function valuesOf(read: () => Record<string, unknown>): Record<string, unknown> | null {
  try {
    return read();
  } catch {
    return null;
  }
}

const yamlMessage = ({ message }: Error): string =>
  /call stack/.test(message) ? 'nested too deeply' : oneLine(message, 200).replace(/^./, (one) => one.toLowerCase());
