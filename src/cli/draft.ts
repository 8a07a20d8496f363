import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { requiresByName, requiresOf } from '../agents/classify/requires.ts';
import { fetchIssue } from '../agents/forge/issues.ts';
import { originOf, parseIssue, parseRepository } from '../agents/forge/repository.ts';
import { hostId } from '../peer/home/host.ts';
import { Limits } from '../protocol/limits.ts';
import { type Draft, type Priority, promptKey, type Repository } from '../protocol/record.ts';
import type { Context } from './context.ts';
import { messageOf, usageError } from './errors.ts';
import { printable } from './output.ts';

/** What `peer submit` was told. */
export interface SubmitFlags {
  readonly issue?: string;
  readonly prompt?: string;
  readonly file?: string;
  readonly repo?: string;
  readonly requires?: readonly string[];
  readonly priority: Priority;
  readonly base?: string;
  readonly verify?: string;
  readonly path?: string;
  readonly budgetUsd?: number;
  /** In milliseconds. */
  readonly timeout?: number;
  readonly again?: boolean;
  readonly follow?: boolean;
  readonly json?: boolean;
}

const defaultWallMs = 60 * 60_000;
const defaultIdleMs = 10 * 60_000;
const titleLength = 100;

/** What is to be done where, as far as this PC can tell by itself. */
export type Wanted =
  | { readonly type: 'prompt'; readonly prompt: string; readonly repository: Repository }
  | { readonly type: 'issue'; readonly number: number; readonly repository: GitHubRepository };

type GitHubRepository = Extract<Repository, { type: 'github' }>;

/** @throws CliError, RepositoryError for flags that make no sense, or not together. */
export async function wantedBy(context: Context, flags: SubmitFlags): Promise<Wanted> {
  const { issue, prompt, file } = flags;
  const given = [issue, prompt, file].filter((one) => one !== undefined).length;
  if (given !== 1) throw usageError('say what is to be done by one of --issue, --prompt and --file, and one only');
  if (issue !== undefined) return wantedIssue(context, issue, flags);
  const text = prompt ?? (await readPrompt(context, file ?? ''));
  checkPrompt(text);
  return { type: 'prompt', prompt: text, repository: await repositoryOf(context, flags) };
}

async function wantedIssue(context: Context, text: string, flags: SubmitFlags): Promise<Wanted> {
  const { number, repository: named } = parseIssue(text, context.env);
  if (named !== null && flags.repo === undefined) return { type: 'issue', number, repository: named };
  const repository = await repositoryOf(context, flags);
  if (repository.type !== 'github') throw usageError('--issue needs a repository on GitHub: give --repo owner/name');
  if (named !== null && nameOf(named) !== nameOf(repository)) {
    throw usageError(`the issue is of ${nameOf(named)} and --repo says ${nameOf(repository)}: leave --repo out`);
  }
  return { type: 'issue', number, repository };
}

/** What the mesh is asked for. An issue is fetched here, so that all workers are told the same. */
export async function draftOf(context: Context, flags: SubmitFlags, wanted: Wanted): Promise<Draft> {
  const { labels, ...what } = wanted.type === 'issue' ? await fromIssue(context, wanted) : fromPrompt(wanted);
  return {
    ...what,
    base: flags.base ?? null,
    path: flags.path ?? null,
    verify: flags.verify ?? null,
    requires:
      flags.requires === undefined
        ? requiresOf({ title: what.title, text: what.prompt, labels })
        : requiresByName(flags.requires),
    priority: flags.priority,
    limits: { wallMs: flags.timeout ?? defaultWallMs, idleMs: defaultIdleMs, budgetUsd: flags.budgetUsd ?? null },
  };
}

type What = Pick<Draft, 'key' | 'title' | 'prompt' | 'source' | 'repository'> & { readonly labels: readonly string[] };

async function fromIssue(context: Context, wanted: Extract<Wanted, { type: 'issue' }>): Promise<What> {
  const issue = await fetchIssue(context.env, wanted.repository, wanted.number);
  if (issue.state === 'closed') context.err(`note: issue #${issue.number} is closed`);
  if (issue.truncated) context.err(`note: issue #${issue.number} is long, and a part of it is left out`);
  const { key, title, number, url, author, labels } = issue;
  return {
    key,
    title,
    prompt: issue.text,
    source: { type: 'issue', number, url, author, labels: [...labels] },
    repository: { type: 'github', ...issue.repository },
    labels,
  };
}

const fromPrompt = ({ prompt, repository }: Extract<Wanted, { type: 'prompt' }>): What => ({
  key: promptKey(randomUUID()),
  title: titleOf(prompt),
  prompt,
  source: { type: 'prompt' },
  repository,
  labels: [],
});

const nameOf = ({ owner, name }: GitHubRepository): string => `${owner}/${name}`.toLowerCase();

async function repositoryOf({ cwd, env }: Context, { repo }: SubmitFlags): Promise<Repository> {
  const here = { cwd, env, host: await hostId() };
  return repo === undefined ? originOf(cwd, here) : parseRepository(repo, here);
}

function checkPrompt(prompt: string): void {
  if (prompt.trim() === '') throw usageError('the prompt is empty: say what is to be done');
  if (Buffer.byteLength(prompt) > Limits.prompt) {
    throw usageError(`the prompt is longer than ${Limits.prompt / 1_024} KiB: shorten it`);
  }
}

async function readPrompt(context: Context, file: string): Promise<string> {
  const text = await readText(context, file);
  if (text.includes('\0')) throw usageError(`${file} is no text (it holds NUL characters): give --file a text file`);
  return text;
}

async function readText({ cwd }: Context, file: string): Promise<string> {
  try {
    return await readFile(resolve(cwd, file), 'utf8');
  } catch (cause) {
    throw usageError(`cannot read ${file} (${messageOf(cause).split(',')[0]}): give --file a text file`);
  }
}

/** The first line, as a commit's subject can be. */
function titleOf(prompt: string): string {
  const [line = ''] = prompt.trim().split('\n');
  const title = printable(line).trim();
  return (title.length <= titleLength ? title : `${title.slice(0, titleLength - 1)}…`) || 'untitled';
}
