import type { TaskKey } from '../../protocol/ids.ts';
import { Limits } from '../../protocol/limits.ts';
import { clip, oneLine } from '../lines.ts';
import { ForgeError } from './errors.ts';
import { type Comment, GitHub, type Issue, type RepositoryName } from './github.ts';
import { type Environment, gitHubSettings } from './settings.ts';

/** An issue as it was when somebody submitted it. Every text in it is a stranger's. */
export interface IssueSnapshot {
  /** By its present name, whatever it was asked by. */
  readonly repository: RepositoryName;
  readonly key: TaskKey;
  readonly number: number;
  readonly title: string;
  /** Body and comments, at most `Limits.prompt` bytes; what was left out is said in it. */
  readonly text: string;
  readonly truncated: boolean;
  readonly labels: readonly string[];
  readonly url: string;
  readonly author: string;
  readonly state: 'open' | 'closed';
}

/** Reads an issue with its comments. Throws ForgeError, also where the number is that of a pull request. */
export async function fetchIssue(env: Environment, asked: RepositoryName, number: number): Promise<IssueSnapshot> {
  const github = new GitHub(gitHubSettings(env));
  const issue = await github.issue(asked, number);
  const repository = repositoryOf(issue) ?? asked;
  if (issue.pull_request !== undefined && issue.pull_request !== null) {
    const what = `${repository.owner}/${repository.name}#${number} is a pull request`;
    throw new ForgeError('invalid', what, 'give the number of an issue', null);
  }
  const comments = issue.comments === 0 ? [] : await github.newestComments(repository, issue.number, issue.comments);
  return {
    repository,
    key: issueKey(repository, issue.number),
    number: issue.number,
    title: oneLine(issue.title, Limits.title) || `Issue ${issue.number}`,
    ...issueText(issue, comments),
    labels: issue.labels
      .map(labelName)
      .filter((name) => name !== '')
      .slice(0, 100),
    url: issue.html_url,
    author: authorOf(issue),
    state: issue.state,
  };
}

/** The same on every peer, by whatever case a person wrote the name in. */
export const issueKey = ({ owner, name }: RepositoryName, number: number): TaskKey =>
  `github:${owner}/${name}#${number}`.toLowerCase() as TaskKey;

/** A renamed repository and a moved issue answer with where they are now. */
function repositoryOf({ html_url }: Issue): RepositoryName | null {
  const [, owner, name] = /\/([^/]+)\/([^/]+)\/(?:issues|pull)\/\d+$/.exec(html_url) ?? [];
  return owner === undefined || name === undefined ? null : { owner, name };
}

const labelName = (label: Issue['labels'][number]): string =>
  clip(typeof label === 'string' ? label : (label.name ?? ''), 100);

const authorOf = ({ user }: Pick<Issue, 'user'>): string => clip(user?.login ?? 'ghost', 100);

/** What the body may take where comments want room too: the latest of them often say what is really wanted. */
const BodyShare = 0.75;
/** Room for the words that say what was left out. */
const MarkBytes = 200;

/** Body, then as many of the newest comments as fit, oldest first. */
export function issueText(
  issue: Pick<Issue, 'body' | 'comments'>,
  comments: readonly Comment[],
  maxBytes: number = Limits.prompt,
): { readonly text: string; readonly truncated: boolean } {
  const room = maxBytes - MarkBytes;
  const written = comments.map(commentText);
  const wanted = written.reduce((sum, text) => sum + bytes(text), 0);
  const whole = (issue.body ?? '').replaceAll('\r\n', '\n').trim();
  const body = cutTo(whole, Math.max(room - wanted - SeparatorBytes, Math.floor(room * BodyShare)));
  const bodyText = body.length < whole.length ? `${body}\n\n[The rest of the body was left out.]` : body;
  const kept = newestThatFit(written, room - bytes(body));
  const leftOut = Math.max(issue.comments, comments.length) - kept.length;
  const mark =
    leftOut === 0 ? [] : [`[${leftOut} earlier ${leftOut === 1 ? 'comment was' : 'comments were'} left out.]`];
  const text = [bodyText, ...mark, ...kept].filter((part) => part !== '').join('\n\n');
  return { text, truncated: leftOut > 0 || body.length < whole.length };
}

const commentText = (comment: Comment): string =>
  `--- Comment by ${authorOf(comment)}, ${comment.created_at.slice(0, 10)} ---\n${(comment.body ?? '').replaceAll('\r\n', '\n').trim()}`;

/** The empty line after each part. */
const SeparatorBytes = 2;

const bytes = (text: string): number => Buffer.byteLength(text) + SeparatorBytes;

function newestThatFit(written: readonly string[], room: number): readonly string[] {
  let left = room;
  const start = written.findLastIndex((text) => {
    left -= bytes(text);
    return left < 0;
  });
  return written.slice(start + 1);
}

/** At most `maxBytes` of UTF-8, never half a character. */
function cutTo(text: string, maxBytes: number): string {
  const encoded = Buffer.from(text);
  if (encoded.length <= maxBytes) return text;
  const decoder = new TextDecoder();
  return decoder.decode(encoded.subarray(0, maxBytes), { stream: true });
}
