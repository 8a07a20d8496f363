#!/usr/bin/env node
// Nothing else may be imported before the check: an older Node could not even parse it.
const needed = [22, 18] as const;
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

if (major < needed[0] || (major === needed[0] && minor < needed[1])) {
  console.error(
    `peer: this is Node ${process.versions.node}, and ${needed.join('.')} or later is needed: install a current one from https://nodejs.org`,
  );
  process.exitCode = 2;
} else {
  import('./cli/main.ts').then(({ main }) => main(process.argv.slice(2)));
}

export {};
