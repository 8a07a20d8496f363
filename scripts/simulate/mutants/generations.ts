import type { Edit, Mutant } from './mutant.ts';

const proposer = (find: string, replace: string): Edit => ({ file: 'src/election/proposer.ts', find, replace });
const registers = (find: string, replace: string): Edit => ({ file: 'src/peer/core/registers.ts', find, replace });

/** Mistakes on the way of a task from one electorate to the next. */
export const generationMutants: readonly Mutant[] = [
  {
    id: 'lead-on-seal',
    mistake: 'M1: who finds a sealed value leads on it, instead of only committing it again',
    breaks: ['I1', 'I2'],
    edits: [proposer("value.moved === null ? 'accepting' : 'sealing'", "'accepting'")],
  },
  {
    // Bounded by its deadline such a belief would harm nobody: only the sealing leader itself, at the ack, or a later
    // ballot, after that deadline, can install the next generation. So the mistake is that the ack alone ends it.
    id: 'seal-until-ack',
    mistake: 'M1: the sealing leader leads until its seal is acknowledged, instead of giving up before it sends it',
    breaks: ['I1', 'I9'],
    edits: [
      proposer("    this.#phase = 'sealing';\n    this.#held = null;\n", "    this.#phase = 'sealing';\n"),
      proposer(
        "    return this.#phase === 'leading' && this.#held",
        "    if (this.#phase === 'sealing') return this.#held !== null;\n    return this.#phase === 'leading' && this.#held",
      ),
    ],
  },
  {
    id: 'install-on-one-ack',
    mistake: 'M2: the next generation is installed on one elector’s ack of the seal',
    breaks: ['I1', 'I2'],
    edits: [
      proposer(
        'if (sent.acks.size !== majorityOf(this.#register.electors.length)) return nothing;',
        "if (sent.acks.size !== (this.#phase === 'sealing' ? 1 : majorityOf(this.#register.electors.length))) return nothing;",
      ),
    ],
  },
  {
    id: 'vote-uninstalled',
    mistake: 'M3: an elector votes before it has installed its generation, and installs it over what it has voted',
    breaks: ['I1', 'I2'],
    edits: [
      registers(
        "      step.send(from, { type: 'need-install', task, generation });\n",
        `      const self = this as unknown as { early: Map<string, Register> | undefined };
      self.early ??= new Map();
      const early = self.early.get(generation) ?? {
        task,
        generation: { number: 1, id: generation, electorate: [], forced: false },
        initial: initialState,
        acceptor: newAcceptor,
      };
      self.early.set(generation, early);
      return early;
`,
      ),
      registers(
        '    if (durable) this.#persist(register, step);',
        '    if (durable && register.generation.electorate.length > 0) this.#persist(register, step);',
      ),
    ],
  },
];
