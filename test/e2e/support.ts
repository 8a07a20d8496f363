import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type FakeGitHub, startFakeGitHub } from '../support/fake-github/server.ts';
import { Mesh, type PeerProcess, type PeerStart, type StatusJson, type TaskJson } from '../support/mesh.ts';
import { branchesOf, makeBareRepository } from '../support/repository.ts';

export const names = ['alpha', 'beta', 'gamma', 'delta', 'epsilon'] as const;
export const slug = 'acme/widgets';
const token = 'e2e-token';

/** A mesh beside a fake GitHub with one repository and the issues 7 (labelled backend) and 8. */
export class Scene implements AsyncDisposable {
  readonly mesh: Mesh;
  readonly github: FakeGitHub;
  readonly bare: string;

  private constructor(mesh: Mesh, github: FakeGitHub, bare: string) {
    this.mesh = mesh;
    this.github = github;
    this.bare = bare;
  }

  /** What works on the issues: a command, which is to change a file, or other flags of `peer start`. */
  static async start(starts: readonly PeerStart[], agent: string | readonly string[]): Promise<Scene> {
    const mesh = Mesh.empty();
    mkdirSync(join(mesh.folder, 'server', 'acme'), { recursive: true });
    const bare = makeBareRepository(join(mesh.folder, 'server', 'acme', 'widgets.git'), { 'greeting.txt': 'helo\n' });
    const issues = [
      { number: 7, title: 'Fix the greeting', body: 'It says helo.', labels: ['backend'] },
      { number: 8, title: 'Fix it again', body: 'It still says helo.', labels: [] },
    ];
    const github = await startFakeGitHub({
      repositories: [{ owner: 'acme', name: 'widgets', gitDir: bare, issues }],
      tokens: [token],
    });
    const scene = new Scene(mesh, github, bare);
    const env = { GITHUB_TOKEN: token, GITHUB_API_URL: github.apiUrl, GITHUB_SERVER_URL: github.serverUrl };
    try {
      for (const start of starts) {
        const flags = typeof agent === 'string' ? ['--executor', 'command', '--command', agent] : agent;
        mesh.add({ ...start, args: [...(start.args ?? []), ...flags] }, env);
      }
      await mesh.makeWhole();
      return scene;
    } catch (error) {
      await scene[Symbol.asyncDispose]();
      throw error;
    }
  }

  peer(nameOrId: string): PeerProcess {
    return this.mesh.peer(nameOrId);
  }

  /** Submits the issue and gives the task's id once it was acknowledged. */
  async submit(name: string, issue = 7): Promise<string> {
    const { id } = await this.peer(name).json<{ id: string }>(['submit', '--issue', String(issue), '--repo', slug]);
    return id;
  }

  /** The task as some peer sees it, as soon as the condition holds. */
  task(
    name: string,
    id: string,
    what: string,
    is: (task: TaskJson) => boolean,
    deadlineMs?: number,
  ): Promise<TaskJson> {
    return this.peer(name).taskWhere(id, what, is, deadlineMs);
  }

  done(name: string, id: string, deadlineMs?: number): Promise<TaskJson> {
    return this.peer(name).done(id, deadlineMs);
  }

  async status(name: string): Promise<StatusJson> {
    return this.peer(name).status();
  }

  /** Every pull request for the issue, closed and merged ones counted. */
  pullsFor(issue: number): number {
    return this.github.pulls().filter(({ head }) => head.startsWith(`peer/issue-${issue}`)).length;
  }

  /** The files of a commit, sorted. */
  filesAt(commit: string): readonly string[] {
    return execFileSync('git', ['ls-tree', '-r', '--name-only', commit], { cwd: this.bare, encoding: 'utf8' })
      .trim()
      .split('\n');
  }

  fileAt(commit: string, path: string): string {
    return execFileSync('git', ['show', `${commit}:${path}`], { cwd: this.bare, encoding: 'utf8' });
  }

  branches(): Readonly<Record<string, string>> {
    return branchesOf(this.bare);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.mesh[Symbol.asyncDispose]();
    await this.github[Symbol.asyncDispose]();
  }
}

export const generalists: readonly PeerStart[] = names.map((name) => ({ name }));
