import { realpath, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, sep } from 'node:path';

/** What the agent program imports that is not ours. */
const packages = ['@anthropic-ai/sdk', 'undici', 'zod'] as const;

/** What a confined agent program must be able to read: node itself, our code, and the packages it uses. Absolute, existing. */
export async function codePlaces(agentPath: string): Promise<readonly string[]> {
  const root = await packageRoot(dirname(agentPath));
  const [below = ''] = agentPath.slice(root.length + 1).split(sep);
  const require = createRequire(agentPath);
  const named = [
    dirname(process.execPath),
    join(root, below),
    // Says that the code is made of modules.
    join(root, 'package.json'),
    ...packages.map((name) => modulesFolder(require.resolve(name))),
  ];
  const real = await Promise.all(named.map((path) => realpath(path)));
  return [...new Set([...named, ...real])];
}

async function packageRoot(folder: string): Promise<string> {
  const isThere = await stat(join(folder, 'package.json')).catch(() => null);
  return isThere !== null || dirname(folder) === folder ? folder : packageRoot(dirname(folder));
}

/** The outermost `node_modules` of a file's path: packages have packages beside and below them. */
function modulesFolder(path: string): string {
  const name = `${sep}node_modules`;
  return path.slice(0, path.indexOf(`${name}${sep}`) + name.length);
}
