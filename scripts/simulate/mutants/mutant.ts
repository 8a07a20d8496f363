/** The oracles. What the core throws of itself (`bug: …`) catches nobody: its own checks are part of what is edited. */
export const Invariants = ['I1', 'I2', 'I3', 'I4', 'I5', 'I6', 'I7', 'I8', 'I9', 'I11', 'I12'] as const;
export type Invariant = (typeof Invariants)[number];

/** One change of one file of this repository: `find` stands there exactly once. */
export interface Edit {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** A deliberate mistake in the protocol. The code has no switch for it: its text is edited on its way into a thread. */
export interface Mutant {
  readonly id: string;
  /** One sentence: the rule, and what is done instead. */
  readonly mistake: string;
  /** What such a mistake breaks. Only that counts as its being caught: what is merely broken would fall over anyhow. */
  readonly breaks: readonly Invariant[];
  readonly edits: readonly Edit[];
}
