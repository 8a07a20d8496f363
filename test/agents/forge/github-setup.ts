import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PullRequestDraft } from '../../../src/agents/forge/forge.ts';
import { GitHub } from '../../../src/agents/forge/github.ts';
import { GitHubForge } from '../../../src/agents/forge/github-forge.ts';
import { type Environment, gitHubSettings } from '../../../src/agents/forge/settings.ts';
import type { CommitId } from '../../../src/protocol/ids.ts';
import type { FakeRepository } from '../../support/fake-github/model.ts';
import { type FakeGitHub, startFakeGitHub } from '../../support/fake-github/server.ts';
import { makeBareRepository } from '../../support/repository.ts';
import { Publisher } from './commits.ts';

export const branch = 'peer/issue-7';
export const name = { owner: 'Acme', name: 'Widgets' };

/** A fake GitHub with one repository, and a peer's means to reach it. */
export class Setup implements AsyncDisposable {
  readonly bare: string;
  readonly publisher: Publisher;
  readonly github: FakeGitHub;
  readonly #folder: string;

  private constructor(folder: string, bare: string, github: FakeGitHub) {
    this.#folder = folder;
    this.bare = bare;
    this.publisher = new Publisher(bare, folder);
    this.github = github;
  }

  static async start(repository: Partial<FakeRepository> = {}): Promise<Setup> {
    const folder = mkdtempSync(join(tmpdir(), 'github-'));
    const bare = makeBareRepository(join(folder, 'origin.git'), { 'a.txt': 'a\n' });
    const tokens = ['good-token', { token: 'reader-token', login: 'reader', rights: 'read' } as const];
    const github = await startFakeGitHub({ repositories: [{ ...name, gitDir: bare, ...repository }], tokens });
    return new Setup(folder, bare, github);
  }

  env(token: string | null = 'good-token'): Environment {
    const { apiUrl, serverUrl } = this.github;
    return { GITHUB_API_URL: apiUrl, GITHUB_SERVER_URL: serverUrl, GITHUB_TOKEN: token ?? undefined };
  }

  /** Its pauses are too short to be noticed. */
  api(token: string | null = 'good-token'): GitHub {
    return new GitHub(gitHubSettings(this.env(token)), { pausesMs: [1, 1] });
  }

  forge(token: string | null = 'good-token', asked = name): GitHubForge {
    return new GitHubForge(this.api(token), asked);
  }

  /** Pushes a commit and gives the pull request to open for it. */
  async pushed(commit: CommitId, expectedTip: CommitId | null = null): Promise<PullRequestDraft> {
    const pushed = await this.forge().push({ gitDir: this.publisher.gitDir, commit, branch, expectedTip });
    if (pushed.type !== 'pushed') throw new Error('the branch has moved');
    return { branch, base: null, title: 'Mend it', body: 'Closes #7.', draft: false, commit };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.github.close();
    } finally {
      rmSync(this.#folder, { recursive: true });
    }
  }
}
