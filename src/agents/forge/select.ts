import { tmpdir } from 'node:os';
import type { ForgeFor } from './forge.ts';
import { GitForge } from './git-forge.ts';
import { GitHub } from './github.ts';
import { GitHubForge } from './github-forge.ts';
import { type Environment, gitHubSettings } from './settings.ts';

/** The forge of each repository, as this PC may use it. `scratch`: a folder for its temporary files. */
export function createForgeFor(env: Environment, scratch: string = tmpdir()): ForgeFor {
  const settings = gitHubSettings(env);
  const github = new GitHub(settings);
  return (repository) => {
    switch (repository.type) {
      case 'github':
        return settings.token === null
          ? { noAccess: 'GITHUB_TOKEN is not set here: without it no pull request can be opened' }
          : new GitHubForge(github, repository, scratch);
      case 'git':
        return new GitForge(repository.url, scratch);
      case 'path':
        return new GitForge(repository.path, scratch);
    }
  };
}
