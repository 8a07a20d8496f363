import { shortTask } from '../../protocol/ids.ts';
import { usdText } from '../../protocol/money.ts';
import type { Task } from '../../protocol/record.ts';
import { oneLine } from '../lines.ts';
import { fenced, type Verdict, verdictText } from '../verify/verdict.ts';

/** What is told of the work, beside the task. */
export interface Account {
  /** The agent's own. */
  readonly summary: string | null;
  readonly verdict: Verdict;
}

/** The pull request's words. `costUsd` is that of all attempts. */
export function pullRequestText(
  task: Task,
  attempt: number,
  { summary, verdict }: Account,
  costUsd: number,
): { readonly title: string; readonly body: string } {
  const { source, title } = task.body;
  const verified = verdictText(verdict);
  const parts = [
    ...(source.type === 'issue' ? [`Closes #${source.number}.`] : []),
    ...(verified === null ? [] : [verified]),
    ...(summary === null ? [] : [fenced(summary)]),
    `Made by issue-mesh: task \`${shortTask(task.id)}\`, attempt ${attempt}.${costText(costUsd, attempt)}`,
  ];
  return { title: oneLine(title, 250), body: parts.join('\n\n') };
}

/** Nothing where no agent has told. */
const costText = (costUsd: number, attempts: number): string =>
  costUsd === 0 ? '' : ` It cost ${usdText(costUsd)}${attempts > 1 ? ` over ${attempts} attempts` : ''}.`;
