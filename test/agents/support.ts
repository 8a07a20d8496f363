import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { listProcesses } from '../../src/agents/processes.ts';
import type { AgentReport, Job } from '../../src/protocol/agent.ts';
import { type HostId, type PeerId, runIdOf, wallMs } from '../../src/protocol/ids.ts';
import { promptKey, signTask, type Task, type TaskBody } from '../../src/protocol/record.ts';
import { waitFor } from '../support/wait.ts';

/** A folder for each test, removed after it. */
export function useFolder(): { readonly path: string } {
  let path = '';
  beforeEach(async () => {
    path = await mkdtemp(join(tmpdir(), 'agents-'));
  });
  afterEach(() => rm(path, { recursive: true, force: true }));
  return {
    get path() {
      return path;
    },
  };
}

const gitEnv = {
  PATH: process.env.PATH,
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_AUTHOR_NAME: 'a person',
  GIT_AUTHOR_EMAIL: 'person@example.org',
  GIT_COMMITTER_NAME: 'a person',
  GIT_COMMITTER_EMAIL: 'person@example.org',
};

/** git as a person would run it, in a folder. */
export const person = (cwd: string, ...args: string[]): string =>
  execFileSync('git', args, { cwd, env: gitEnv, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();

/** A bare repository with one commit on `main` that has these files. */
export function makeRepository(folder: string, files: Readonly<Record<string, string>> = { 'a.txt': 'a\n' }): string {
  const bare = join(folder, 'origin.git');
  const checkout = join(folder, 'checkout');
  person(folder, 'init', '--quiet', '--bare', '--initial-branch=main', bare);
  person(folder, 'clone', '--quiet', bare, checkout);
  person(checkout, 'checkout', '--quiet', '-B', 'main');
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(checkout, path)), { recursive: true });
    writeFileSync(join(checkout, path), text);
  }
  person(checkout, 'add', '--all');
  person(checkout, 'commit', '--quiet', '-m', 'first');
  person(checkout, 'push', '--quiet', 'origin', 'main');
  return bare;
}

export const thisHost = 'host-1' as HostId;
const submitter = '12D3KooWTester' as PeerId;

export function taskFor(path: string, changes: Partial<TaskBody> = {}): Task {
  const body: TaskBody = {
    format: 1,
    round: 1,
    submitter,
    createdAt: wallMs(1_000),
    nonce: '0123456789abcdef',
    electorate: [submitter],
    key: promptKey('one'),
    title: 'Add a file',
    prompt: 'Please add b.txt.',
    source: { type: 'prompt' },
    repository: { type: 'path', path, host: thisHost },
    base: null,
    path: null,
    verify: null,
    requires: { specialties: [], explicit: false, reason: '' },
    priority: 'normal',
    limits: { wallMs: 60_000, idleMs: 30_000, budgetUsd: null },
    ...changes,
  };
  return signTask(body, () => new Uint8Array(64));
}

export const jobFor = (task: Task, attempt = 1, publication: Job['publication'] = null): Job => ({
  run: runIdOf(task.id, attempt),
  task,
  attempt,
  publication,
  checkpoint: null,
  holders: [],
});

export type ReportOf<T extends AgentReport['type']> = Extract<AgentReport, { type: T }>;

/** Collects a job's reports. */
export class Reports {
  readonly all: AgentReport[] = [];
  readonly take = (report: AgentReport): void => void this.all.push(report);

  of<T extends AgentReport['type']>(type: T): readonly ReportOf<T>[] {
    return this.all.filter((report): report is ReportOf<T> => report.type === type);
  }

  /** The nth report of a type, counted from 1. */
  wait<T extends AgentReport['type']>(type: T, nth = 1): Promise<ReportOf<T>> {
    return waitFor(
      `report ${nth} \`${type}\``,
      () => this.of(type)[nth - 1],
      20_000,
      () => this.all,
    );
  }
}

/** Living processes whose environment has the mark. */
export const alive = (mark: string): number => listProcesses(mark).filter(({ marked }) => marked).length;
