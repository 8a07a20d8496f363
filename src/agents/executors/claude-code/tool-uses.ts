import { isAbsolute, relative } from 'node:path';
import { oneLine } from '../../lines.ts';

const maxDetail = 200;
/** More than any message asks for at once. */
const maxKept = 200;

/** Where a tool's input says what it is about, the first that is there. */
const telling = ['file_path', 'notebook_path', 'path', 'command', 'url', 'query', 'pattern', 'description', 'skill'];
const paths = new Set(['file_path', 'notebook_path', 'path']);

/** In a few words what a tool was asked for: the file, the command. Empty where nobody could tell. */
export function describeInput(input: Readonly<Record<string, unknown>>, cwd: string): string {
  const name = telling.find((field) => typeof input[field] === 'string');
  if (name === undefined) return '';
  const value = String(input[name]).trim();
  return paths.has(name) ? oneLine(shortPath(value, cwd), maxDetail) : firstLine(value, maxDetail);
}

export const firstLine = (text: string, maxLength: number): string => {
  const [line = ''] = text.trimStart().split('\n', 1);
  return oneLine(line, maxLength);
};

function shortPath(path: string, cwd: string): string {
  const within = relative(cwd, path);
  return isAbsolute(path) && within !== '' && !within.startsWith('..') ? within : path;
}

/** Which tools were asked for lately: a denial names the use alone. */
export class ToolUses {
  readonly #details = new Map<string, string>();

  add(id: string, detail: string): void {
    this.#details.set(id, detail);
    const [oldest] = this.#details.keys();
    if (this.#details.size > maxKept && oldest !== undefined) this.#details.delete(oldest);
  }

  detailOf(id: string | undefined): string | undefined {
    return id === undefined ? undefined : this.#details.get(id);
  }
}
