import { realpath } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { type Repository, repositoryText, type Task } from '../../protocol/record.ts';
import { programIn } from '../processes/search-path.ts';
import { detectVerify } from './detect.ts';

/** What a person has set for all tasks of this PC. */
export interface VerifySettings {
  /** By what people call the repository: `owner/name`, its address or its path. False: nothing is run. */
  readonly commands: Readonly<Record<string, string | false>>;
  /** How often a failure goes back to the agent. */
  readonly rounds: number;
}

export const defaultVerify: VerifySettings = { commands: {}, rounds: 2 };

/** What is to pass before a result is published, or why there is nothing of the kind. */
export type Chosen =
  | { readonly type: 'command'; readonly name: string; readonly line: string; readonly folder: string }
  | { readonly type: 'none'; readonly reason: string };

/** Where the task's folder is. */
export interface Where {
  readonly clone: string;
  readonly cwd: string;
}

/** What the task says, else what is set here, else what the repository's files tell. */
export async function chooseVerify(task: Task, { commands }: VerifySettings, { clone, cwd }: Where): Promise<Chosen> {
  const { verify, repository } = task.body;
  const set = verify ?? commandFor(repository, commands);
  if (set === false) return { type: 'none', reason: 'it is switched off for this repository' };
  if (set !== null) return { type: 'command', name: set, line: set, folder: cwd };
  const found = await detectVerify(await realpath(clone), await realpath(cwd));
  if (found === null)
    return { type: 'none', reason: 'no test command was given, and none was found in the repository' };
  const path = [join(found.folder, '.venv', 'bin'), ...(process.env.PATH ?? '').split(delimiter)];
  if ((await programIn(path, found.program)) !== null) return { type: 'command', ...found };
  return {
    type: 'none',
    reason: `\`${found.name}\` needs \`${found.program}\`, which is not on the PC that did the work`,
  };
}

/** GitHub's names do not mind their case. */
function commandFor(repository: Repository, commands: VerifySettings['commands']): string | false | null {
  const name = repositoryText(repository);
  const isIt = (key: string): boolean =>
    key === name || (repository.type === 'github' && key.toLowerCase() === name.toLowerCase());
  return Object.entries(commands).find(([key]) => isIt(key))?.[1] ?? null;
}
