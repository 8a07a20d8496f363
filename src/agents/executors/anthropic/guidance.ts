import { lstat, readFile, realpath, stat } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';

const fileName = 'CLAUDE.md';
const maxBytes = 64 * 1024;

const manner = [
  'You are a software engineer who works alone on one task in a repository, with the tools that you are given. Nobody answers',
  'questions. Paths are relative to the current folder. When the task is done, end with a short summary and no further call.',
].join('\n');

/** What the model is told before all else: who it is, and what the repository says of itself. */
export async function systemPrompt(specialist: string, cwd: string): Promise<string> {
  const guidance = await repositoryGuidance(cwd);
  const own = guidance.map(
    ({ path, text }) => `## The repository's own guidance for whoever works on it (${path})\n\n${text}`,
  );
  return [specialist.trim(), manner, ...own].filter((part) => part !== '').join('\n\n');
}

interface Guidance {
  readonly path: string;
  readonly text: string;
}

/** From the clone's root down to the folder of the task. */
async function repositoryGuidance(cwd: string): Promise<readonly Guidance[]> {
  const folders = await foldersFromRoot(await realpath(cwd));
  const [root = cwd] = folders;
  const found = await Promise.all(folders.map((folder) => readInside(root, join(folder, fileName))));
  return found.filter((one) => one !== null);
}

async function foldersFromRoot(cwd: string): Promise<readonly string[]> {
  const folders = [cwd];
  for (let folder = cwd; ; ) {
    if ((await lstat(join(folder, '.git')).catch(() => null)) !== null) return folders;
    const parent = dirname(folder);
    // No repository at all: then nothing above is any of its guidance.
    if (parent === folder) return [cwd];
    folder = parent;
    folders.unshift(folder);
  }
}

/** A link that leads out of the clone would have a file of this PC read to the model. */
async function readInside(root: string, path: string): Promise<Guidance | null> {
  try {
    const real = await realpath(path);
    const { size } = await stat(real);
    if (!real.startsWith(root + sep) || size > maxBytes) return null;
    const text = (await readFile(real, 'utf8')).trim();
    return text === '' ? null : { path: path.slice(root.length + 1), text };
  } catch {
    return null;
  }
}
