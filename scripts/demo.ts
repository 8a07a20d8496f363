/**
 * The main job, on this machine: five peers in five processes, a GitHub that is faked over real HTTP with a real git
 * server behind it, three issues, and one worker killed in the middle of its work. Everything lives in one temporary
 * folder and ends with the script. `--json` adds one JSON line at the end; people's lines then go to stderr.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startFakeGitHub } from '../test/support/fake-github/server.ts';
import { Mesh, type PeerProcess, type TaskJson } from '../test/support/mesh.ts';
import { branchesOf, git, makeBareRepository } from '../test/support/repository.ts';
import { waitFor } from '../test/support/wait.ts';
import { realAgentHint } from './demo/hint.ts';
import { type SampleIssue, sampleFiles, sampleIssues } from './demo/sample.ts';

const { values: flags } = parseArgs({ options: { json: { type: 'boolean' } } });
const say = (text = ''): void => void (flags.json === true ? process.stderr : process.stdout).write(`${text}\n`);

const owner = 'acme';
const repository = 'widgets';
const slug = `${owner}/${repository}`;
const token = 'demo-token';
const specialties = ['backend', 'frontend', 'testing', 'devops', 'general'];
const agentPath = fileURLToPath(new URL('demo/agent.ts', import.meta.url));

interface Finished {
  readonly issue: SampleIssue;
  readonly task: TaskJson;
}

async function main(): Promise<void> {
  const begun = performance.now();
  say('issue-mesh: five peers, no coordinator, three issues of a sample repository.');
  say(
    `The agent is a script that knows these issues (scripts/demo/agent.ts), not a model. ${realAgentHint(process.env)}`,
  );

  await using mesh = Mesh.empty();
  mkdirSync(join(mesh.folder, 'server', owner), { recursive: true });
  const bare = makeBareRepository(join(mesh.folder, 'server', owner, `${repository}.git`), sampleFiles);
  await using github = await startFakeGitHub({
    repositories: [{ owner, name: repository, gitDir: bare, issues: sampleIssues }],
    tokens: [token],
  });
  const env = { GITHUB_TOKEN: token, GITHUB_API_URL: github.apiUrl, GITHUB_SERVER_URL: github.serverUrl };
  const command = ['--executor', 'command', '--command', `"${process.execPath}" "${agentPath}" 900`];
  for (const specialty of specialties) {
    mesh.add({ name: `${specialty}-pc`, args: ['--specialties', specialty, ...command] }, env);
  }
  say('\n── Peers ──');
  await mesh.makeWhole();
  for (const peer of mesh.peers) say(`${peer.name.padEnd(12)} ${peer.id}`);
  say('They found each other over mDNS; each knows the other four.');

  const finished: Finished[] = [];
  for (const issue of sampleIssues) {
    const isLast = issue === sampleIssues.at(-1);
    finished.push({ issue, task: await solve(mesh, bare, issue, isLast) });
  }

  say('\n── Pull requests ──');
  const pulls = github.pulls();
  for (const pull of pulls) say(`#${pull.number} ${pull.title}  (${pull.head} → ${pull.base})`);
  const perIssue = Object.fromEntries(
    sampleIssues.map(({ number }) => [number, pulls.filter(({ head }) => head === `peer/issue-${number}`).length]),
  );
  say(`\nDone in ${((performance.now() - begun) / 1_000).toFixed(1)} s: one pull request for each issue.`);
  const wrong = Object.entries(perIssue).filter(([, count]) => count !== 1);
  if (wrong.length > 0) throw new Error(`expected one pull request per issue, found ${JSON.stringify(perIssue)}`);
  if (flags.json === true) console.log(JSON.stringify(summary(mesh, finished, perIssue)));
}

/** Submits one issue, shows its life, and, where asked, kills the worker in the middle of it. */
async function solve(mesh: Mesh, bare: string, issue: SampleIssue, killWorker: boolean): Promise<TaskJson> {
  say(`\n── Issue #${issue.number}: ${issue.title} [${issue.labels.join(', ')}] ──`);
  const submitter = mesh.peer('devops-pc');
  const { id } = await submitter.json<{ id: string }>(['submit', '--issue', String(issue.number), '--repo', slug]);
  say(`submitted on ${submitter.name} as task ${id.slice(0, 8)}`);
  const assigned = await waitFor('a worker', async () => withWorker(await submitter.task(id)));
  showBids(mesh, assigned);
  if (killWorker) await kill(mesh, submitter, assigned);
  const done = await waitFor(
    'the end of the task',
    async () => {
      const task = await submitter.task(id);
      return ['done', 'failed', 'cancelled'].includes(task.state) && task;
    },
    30_000,
  );
  if (done.state !== 'done') throw new Error(`task ${id.slice(0, 8)} ended ${done.state}`);
  showResult(mesh, bare, done);
  return done;
}

const withWorker = (task: TaskJson): TaskJson | null => (task.worker === null ? null : task);

function showBids(mesh: Mesh, task: TaskJson): void {
  for (const { peer, score, declined } of task.bids) {
    say(
      `  ${mesh.peer(peer).name.padEnd(12)} ${declined === null ? `bids ${score.toFixed(2)}` : `declines: ${declined}`}`,
    );
  }
  say(`  leader ${nameOf(mesh, task.leader)}, worker ${nameOf(mesh, task.worker)}`);
}

async function kill(mesh: Mesh, submitter: PeerProcess, task: TaskJson): Promise<void> {
  const worker = mesh.peer(task.worker ?? '');
  await waitFor('its agent to start', async () =>
    /changing|reading/.test((await submitter.cli(['logs', task.id])).stdout),
  );
  say(`  kill -9 ${worker.name} (process ${worker.pid}) in the middle of its work`);
  await worker.end('SIGKILL');
  const begun = performance.now();
  const next = await waitFor(
    'another worker',
    async () => {
      const now = await submitter.task(task.id);
      return now.attempt > task.attempt && now;
    },
    20_000,
  );
  say(
    `  attempt ${next.attempt} on ${nameOf(mesh, next.worker)} after ${((performance.now() - begun) / 1_000).toFixed(1)} s`,
  );
}

function showResult(mesh: Mesh, bare: string, task: TaskJson): void {
  const { branch, pullRequest } = task.result ?? { branch: '', pullRequest: null };
  say(
    `  done by ${nameOf(mesh, task.worker)} in ${task.attempt} ${task.attempt === 1 ? 'attempt' : 'attempts'}: ${pullRequest?.url ?? branch}`,
  );
  const main = branchesOf(bare).main ?? '';
  const diff = git(bare, 'diff', '--unified=0', '--no-color', main, branch).split('\n');
  for (const line of diff.filter((text) => /^[-+]/.test(text))) say(`    ${line}`);
}

const nameOf = (mesh: Mesh, peer: string | null): string => (peer === null ? 'nobody' : mesh.peer(peer).name);

const summary = (
  mesh: Mesh,
  finished: readonly Finished[],
  pullRequestsPerIssue: Readonly<Record<string, number>>,
) => ({
  peers: mesh.peers.length,
  tasks: finished.map(({ task }) => ({
    id: task.id,
    key: task.key,
    worker: nameOf(mesh, task.worker),
    attempts: task.attempt,
    pullRequest: task.result?.pullRequest?.url ?? null,
  })),
  pullRequestsPerIssue,
});

await main();
