/** Who an agent is to be: a prompt, a model and tools for a specialty. */
export interface Specialist {
  readonly name: string;
  readonly description: string;
  /** Goes before the task; empty for none. */
  readonly prompt: string;
  /** The executor's own default where null. */
  readonly model: string | null;
  /** All that the executor has where null. */
  readonly tools: readonly string[] | null;
}

/** No specialist at all. */
export const nobodySpecial: Specialist = {
  name: 'general',
  description: 'Works on anything',
  prompt: '',
  model: null,
  tools: null,
};
