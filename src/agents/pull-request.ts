import { shortTask } from '../protocol/ids.ts';
import type { Task } from '../protocol/record.ts';
import { clip, oneLine } from './lines.ts';

/** The pull request's words. `summary` is the agent's own account of its work. */
export function pullRequestText(
  task: Task,
  attempt: number,
  summary: string | null,
): { readonly title: string; readonly body: string } {
  const { source, title } = task.body;
  const parts = [
    ...(source.type === 'issue' ? [`Closes #${source.number}.`] : []),
    ...(summary === null ? [] : [clip(fenced(summary), 20_000)]),
    `Made by issue-mesh: task \`${shortTask(task.id)}\`, attempt ${attempt}.`,
  ];
  return { title: oneLine(title, 250), body: parts.join('\n\n') };
}

/** An agent's output may hold anything: as a quoted block it mentions nobody and closes no other issue. */
const fenced = (text: string): string => `\`\`\`text\n${text.replaceAll('```', "'''")}\n\`\`\``;
