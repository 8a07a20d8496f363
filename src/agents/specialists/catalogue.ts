import type { Task } from '../../protocol/record.ts';
import { builtInSpecialists, ownSpecialists, repositorySpecialists } from './folder.ts';
import {
  type FiledSpecialist,
  nobodySpecial,
  Origins,
  problemText,
  type Specialist,
  type SpecialistFolder,
  type SpecialistProblem,
} from './specialist.ts';

/** The name of the specialist for what no other is for. */
const general = 'general';

/** The specialists of this PC: those that come with the package, and a person's own. */
export type Catalogue = SpecialistFolder;

/** Reads the specialists of this PC. `home` is the peer's state folder, which need not exist. */
export async function readCatalogue(home: string): Promise<Catalogue> {
  return joined(await builtInSpecialists(), await ownSpecialists(home));
}

export const joined = (...folders: readonly SpecialistFolder[]): SpecialistFolder => ({
  specialists: folders.flatMap(({ specialists }) => specialists),
  problems: folders.flatMap(({ problems }) => problems),
});

/**
 * Of each name the one that counts: a repository knows best how it is worked on, and a person better than the package.
 */
export function effective(specialists: readonly FiledSpecialist[]): ReadonlyMap<string, FiledSpecialist> {
  const rank = ({ origin }: FiledSpecialist): number => Origins.indexOf(origin);
  return new Map([...specialists].sort((a, b) => rank(a) - rank(b)).map((one) => [one.name, one]));
}

export interface Choice {
  readonly specialist: Specialist;
  /** For the attempt's log: which it is, and what of the repository's own was left out. */
  readonly notes: readonly string[];
}

/** Who works on a task: the first of the specialties that it asks for, in that order, that somebody is special for. */
export async function chooseSpecialist(task: Task, catalogue: Catalogue, repository: string): Promise<Choice> {
  const all = joined({ ...catalogue, problems: [] }, await repositorySpecialists(repository));
  const known = effective(all.specialists);
  const wanted = [...task.body.requires.specialties, general];
  const specialist = wanted.map((name) => known.get(name)).find((one) => one !== undefined);
  const chosen =
    specialist === undefined ? 'no specialist' : `specialist ${specialist.name} (${originText(specialist)})`;
  return {
    specialist: specialist ?? nobodySpecial,
    notes: [
      ...all.problems.map((problem) => `left out: ${problemText(problem)}`),
      ...(specialist?.doubts ?? []).map(problemText),
      chosen,
    ],
  };
}

/** What in the files is likely a slip, in the order of the files. */
export const doubtsIn = ({ specialists }: SpecialistFolder): readonly SpecialistProblem[] =>
  specialists.flatMap(({ doubts }) => doubts);

/** `built in`, or the file. */
export const originText = ({ origin, path }: FiledSpecialist): string => (origin === 'built-in' ? 'built in' : path);
