/** Compiles src/ to dist/: what the packed tarball ships, and what the end-to-end tests run. */
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
rmSync(`${root}dist`, { recursive: true, force: true });
const tsc = spawnSync(
  process.execPath,
  [`${root}node_modules/typescript/bin/tsc`, '-p', `${root}tsconfig.build.json`],
  {
    stdio: 'inherit',
  },
);
if (tsc.status !== 0) process.exit(tsc.status ?? 1);
// The compiler leaves behind what is no code.
const prompts = 'agents/specialists/builtin';
cpSync(`${root}src/${prompts}`, `${root}dist/${prompts}`, { recursive: true });
chmodSync(`${root}dist/cli.js`, 0o755);
