import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import type { CheckpointFiles } from '../../src/agents/checkpoint/files.ts';
import { listProcesses } from '../../src/agents/processes/processes.ts';
import type { AgentReport, Job } from '../../src/protocol/agent.ts';
import {
  type BlobId,
  type CommitId,
  type HostId,
  type PeerId,
  runIdOf,
  type TaskId,
  wallMs,
} from '../../src/protocol/ids.ts';
import { promptKey, signTask, type Task, type TaskBody } from '../../src/protocol/record.ts';
import type { Checkpoint } from '../../src/protocol/state.ts';
import { git } from '../support/repository.ts';
import { patientMs, waitFor } from '../support/wait.ts';

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

/** git as a person would run it, in a folder. */
export const person = git;

export type Files = Readonly<Record<string, string>>;

/** A bare repository with one commit on `main` that has these files; beside it the checkout that it was made in. */
export function makeRepository(folder: string, files: Files = { 'a.txt': 'a\n' }): string {
  const bare = join(folder, 'origin.git');
  const checkout = join(folder, 'checkout');
  person(folder, 'init', '--quiet', '--bare', '--initial-branch=main', bare);
  person(folder, 'clone', '--quiet', bare, checkout);
  person(checkout, 'checkout', '--quiet', '-B', 'main');
  personPushes(folder, files);
  return bare;
}

/** A person's commit, with whatever the checkout beside `makeRepository`'s repository has and these files, on that branch. */
export function personPushes(folder: string, files: Files = {}, branch = 'main'): CommitId {
  const checkout = join(folder, 'checkout');
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(checkout, path)), { recursive: true });
    writeFileSync(join(checkout, path), text);
  }
  person(checkout, 'add', '--all');
  person(checkout, 'commit', '--quiet', '--allow-empty', '-m', 'by a person');
  person(checkout, 'push', '--quiet', '--force', 'origin', `HEAD:refs/heads/${branch}`);
  return person(checkout, 'rev-parse', 'HEAD') as CommitId;
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
  spendableUsd: null,
  earlierCostUsd: 0,
});

export type ReportOf<T extends AgentReport['type']> = Extract<AgentReport, { type: T }>;

/** Collects a job's reports. */
export class Reports {
  readonly all: AgentReport[] = [];
  readonly take = (report: AgentReport): void => void this.all.push(report);

  of<T extends AgentReport['type']>(type: T): readonly ReportOf<T>[] {
    return this.all.filter((report): report is ReportOf<T> => report.type === type);
  }

  get lastCheckpoint(): Checkpoint | null {
    return this.of('checkpoint').at(-1)?.checkpoint ?? null;
  }

  /** The nth report of a type, counted from 1. */
  wait<T extends AgentReport['type']>(type: T, nth = 1): Promise<ReportOf<T>> {
    return waitFor(
      `report ${nth} \`${type}\``,
      () => this.of(type)[nth - 1],
      patientMs,
      () => this.all,
    );
  }
}

/** Checkpoints' bytes as the peer keeps them, without a network. */
export class CheckpointFolderFiles implements CheckpointFiles {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true });
  }

  async keep(_task: TaskId, file: string): Promise<{ readonly blob: BlobId; readonly bytes: number }> {
    const content = readFileSync(file);
    const blob = createHash('sha256').update(content).digest('hex') as BlobId;
    renameSync(file, join(this.#folder, blob));
    return { blob, bytes: content.length };
  }

  async fetch(_task: TaskId, blob: BlobId): Promise<string> {
    const path = join(this.#folder, blob);
    if (!existsSync(path)) throw new Error(`nobody has ${blob}`);
    return path;
  }
}

/** Living processes whose environment has the mark. */
export const alive = (mark: string): number => listProcesses(mark).filter(({ marked }) => marked).length;
