import { open, realpath, stat } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { execa } from 'execa';
import { isProgram, programIn } from '../../processes/search-path.ts';
import type { Usable } from '../executor.ts';
import type { ClaudeCodeSettings } from './settings.ts';

/** The CLI as it is installed here. */
export interface Program {
  /** Absolute, without links on the way. */
  readonly file: string;
  /** What it needs to run: itself, and for a script its package and its Node. Absolute. */
  readonly readable: readonly string[];
}

const versionMs = 30_000;

export async function findProgram({ path, searchPath }: ClaudeCodeSettings): Promise<Program | null> {
  const found = path ?? (await programIn(searchPath.split(delimiter), 'claude'));
  const file = found === null ? null : await realpath(found).catch(() => null);
  if (file === null || !(await isProgram(file))) return null;
  return { file, readable: [dirname(file), ...(await scriptPlaces(file, searchPath))] };
}

/** Whether it runs; the reason says the mend. */
export async function tryProgram(program: Program | null, settings: ClaudeCodeSettings): Promise<Usable> {
  if (program === null) {
    const where =
      settings.path === null ? 'no `claude` on the PATH' : `no program at CLAUDE_CODE_PATH=${settings.path}`;
    return { usable: false, reason: `${where}: install Claude Code (npm install -g @anthropic-ai/claude-code)` };
  }
  const options = { env: settings.own.env, extendEnv: false, timeout: versionMs, reject: false } as const;
  const { failed, stdout, stderr } = await execa(program.file, ['--version'], options);
  if (!failed && /^\d+\.\d+\.\d+/.test(stdout)) return { usable: true };
  const said = (stderr || stdout).trim().split('\n').at(-1) ?? '';
  return {
    usable: false,
    reason: `\`${program.file} --version\` fails (${said.slice(0, 200)}): install Claude Code anew`,
  };
}

/** Most installations are one binary. A script needs the rest of its package, and whatever runs it. */
async function scriptPlaces(file: string, searchPath: string): Promise<readonly string[]> {
  const [, interpreter] = /^#!\S*?([\w.-]+)(?:\s+([\w.-]+))?\s*\n/.exec(await beginning(file)) ?? [];
  if (interpreter === undefined) return [];
  const node = await programIn(searchPath.split(delimiter), 'node');
  const places = [await packageOf(dirname(file)), node, node === null ? null : await realpath(node)];
  return places.filter((place) => place !== null);
}

async function beginning(file: string): Promise<string> {
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read({ buffer: Buffer.alloc(256), position: 0 });
    return buffer.toString('latin1', 0, bytesRead);
  } finally {
    await handle.close();
  }
}

async function packageOf(folder: string): Promise<string | null> {
  const isThere = await stat(join(folder, 'package.json')).catch(() => null);
  if (isThere !== null) return folder;
  return dirname(folder) === folder ? null : packageOf(dirname(folder));
}
