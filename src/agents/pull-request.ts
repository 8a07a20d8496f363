import { shortTask } from '../protocol/ids.ts';
import { usdText } from '../protocol/money.ts';
import type { Task } from '../protocol/record.ts';
import { clip, oneLine } from './lines.ts';

/** The pull request's words. `summary` is the agent's own account of its work; `costUsd` is that of all attempts. */
export function pullRequestText(
  task: Task,
  attempt: number,
  summary: string | null,
  costUsd: number,
): { readonly title: string; readonly body: string } {
  const { source, title } = task.body;
  const parts = [
    ...(source.type === 'issue' ? [`Closes #${source.number}.`] : []),
    ...(summary === null ? [] : [clip(fenced(summary), 20_000)]),
    `Made by issue-mesh: task \`${shortTask(task.id)}\`, attempt ${attempt}.${costText(costUsd, attempt)}`,
  ];
  return { title: oneLine(title, 250), body: parts.join('\n\n') };
}

/** Nothing where no agent has told. */
const costText = (costUsd: number, attempts: number): string =>
  costUsd === 0 ? '' : ` It cost ${usdText(costUsd)}${attempts > 1 ? ` over ${attempts} attempts` : ''}.`;

/** An agent's output may hold anything: as a quoted block it mentions nobody and closes no other issue. */
const fenced = (text: string): string => `\`\`\`text\n${text.replaceAll('```', "'''")}\n\`\`\``;
