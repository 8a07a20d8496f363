import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    readonly claudePath: string;
    /** Without a shell's settings, which may do anything when the CLI's shell reads them, and without a login. */
    readonly emptyHome: string;
  }
}

/** What these tests were written against; the last of its line may behave otherwise, which is worth knowing as well. */
const version = process.env.CLAUDE_CODE_VERSION ?? '2.1.332';

let folder = '';

/** The CLI is nobody's dependency here, and too large to be: it is fetched for this one purpose and removed. */
export async function setup(project: TestProject): Promise<void> {
  folder = await mkdtemp(join(tmpdir(), 'claude-code-cli-'));
  await mkdir(join(folder, 'home'));
  project.provide('emptyHome', join(folder, 'home'));
  project.provide('claudePath', process.env.CLAUDE_CODE_PATH || (await installCli()));
}

export const teardown = (): Promise<void> => rm(folder, { recursive: true, force: true });

async function installCli(): Promise<string> {
  const name = '@anthropic-ai/claude-code';
  // Its script puts the binary for this system in its place; a strict npm asks for leave.
  const manifest = { private: true, dependencies: { [name]: version }, allowScripts: { [name]: true } };
  await writeFile(join(folder, 'package.json'), JSON.stringify(manifest));
  await execa('npm', ['install', '--no-audit', '--no-fund'], { cwd: folder });
  return join(folder, 'node_modules', '.bin', 'claude');
}
