/** Who an agent is to be: a prompt, a model and tools for a specialty. */
export interface Specialist {
  readonly name: string;
  readonly description: string;
  /** Goes before the task; empty for none. */
  readonly prompt: string;
  /** `sonnet`, `opus`, `haiku`, or a model's id; the executor's own default where null. */
  readonly model: string | null;
  /**
   * All that the executor has where null. A list takes tools away and never adds one: it may come from a repository,
   * and what an agent may do is for the executor to say.
   */
  readonly tools: readonly string[] | null;
}

/** Where specialists come from. Of one name the later in this list counts. */
export const Origins = ['built-in', 'home', 'repository'] as const;
export type Origin = (typeof Origins)[number];

/** A specialist, and the file that says so. */
export interface FiledSpecialist extends Specialist {
  readonly origin: Origin;
  /** Within the repository for one of its own, else absolute. */
  readonly path: string;
  /** What the file says that is likely a slip: a tool or a model that nobody knows. It counts all the same. */
  readonly doubts: readonly SpecialistProblem[];
}

/** A file that is no specialist, and why. */
export interface SpecialistProblem {
  readonly path: string;
  /** From 1; null where it is no matter of its text. */
  readonly line: number | null;
  readonly message: string;
}

/** One line, as compilers write it. */
export const problemText = ({ path, line, message }: SpecialistProblem): string =>
  line === null ? `${path}: ${message}` : `${path}:${line}: ${message}`;

/** What a folder of specialists holds. */
export interface SpecialistFolder {
  readonly specialists: readonly FiledSpecialist[];
  readonly problems: readonly SpecialistProblem[];
}

/** No specialist at all. */
export const nobodySpecial: Specialist = {
  name: 'general',
  description: 'Works on anything',
  prompt: '',
  model: null,
  tools: null,
};
