import type { Edit, Mutant } from './mutant.ts';

const proposer = (find: string, replace: string): Edit => ({ file: 'src/election/proposer.ts', find, replace });
const acceptor = (find: string, replace: string): Edit => ({ file: 'src/election/acceptor.ts', find, replace });
const leaders = (find: string, replace: string): Edit => ({ file: 'src/peer/core/leaders.ts', find, replace });
const registers = (find: string, replace: string): Edit => ({ file: 'src/peer/core/registers.ts', find, replace });

/**
 * That no restart uses a ballot again (P1) is kept twice: the incarnation is in it, and a proposer, which is an elector too,
 * takes the next round from its own disk. Either is enough, so a mistake about the one shows only without the other: here
 * rounds are remembered for as long as the process lives. Replies are matched by the ballot, so what it lacks is missing
 * there too; and no link outlives the process at its end, so matching by less than the whole ballot would mistake nothing.
 */
const roundsInMemory: readonly Edit[] = [
  leaders(
    '    candidacy.proposer.noteRound(Math.max(promised?.round ?? 0, lease?.ballot.round ?? 0));\n',
    `    const memory = this as unknown as { rounds: Map<string, number> | undefined };
    memory.rounds ??= new Map();
    const name = task + register.generation.id;
    candidacy.proposer.noteRound(memory.rounds.get(name) ?? 0);
`,
  ),
  leaders(
    '    const { ballot } = candidacy.proposer;\n    if (ballot !== null) step.setTimer(',
    `    const { ballot } = candidacy.proposer;
    memory.rounds.set(name, ballot?.round ?? 0);
    if (ballot !== null) step.setTimer(`,
  ),
];

/** Mistakes about what is counted, kept and written. */
export const registerMutants: readonly Mutant[] = [
  {
    id: 'promises-by-message',
    mistake: 'P2: promises are counted, not the electors that made them',
    breaks: ['I1', 'I2', 'I9'],
    edits: [
      proposer(
        'this.#promises.set(from, message.accepted);',
        'this.#promises.set((from + this.#promises.size) as PeerId, message.accepted);',
      ),
    ],
  },
  {
    id: 'acks-by-message',
    mistake: 'P4: acks are counted, not the electors that sent them',
    breaks: ['I1', 'I2', 'I6', 'I9'],
    edits: [proposer('sent.acks.add(from);', 'sent.acks.add((from + sent.acks.size) as PeerId);')],
  },
  {
    id: 'value-dropped',
    mistake: 'P2, P3: the value is forgotten with its lease, so that the next leader begins anew',
    breaks: ['I2'],
    edits: [
      acceptor(
        'ballot, accepted: state.accepted, lease: holder',
        'ballot, accepted: holder === null ? null : state.accepted, lease: holder',
      ),
    ],
  },
  {
    id: 'promise-lost',
    mistake: 'A4: a restarted elector has forgotten its promise',
    breaks: ['I1', 'I2'],
    edits: [acceptor('return { promised, accepted, lease };', 'return { promised: null, accepted, lease };')],
  },
  {
    id: 'not-rearmed',
    mistake: 'A4: a restarted elector does not count what it had accepted as a live lease',
    breaks: ['I1', 'I2', 'I9'],
    edits: [acceptor('return { promised, accepted, lease };', 'return { promised, accepted, lease: null };')],
  },
  {
    id: 'vote-before-disk',
    mistake: 'A1, A2: an elector answers before its vote is durable, which it is with some later write',
    breaks: ['I1', 'I2', 'I6'],
    edits: [
      registers(
        '    if (durable) this.#persist(register, step);',
        '    if (durable) this.#persist(register, { persist: (record) => step.persistLazily(record) } as Step);',
      ),
    ],
  },
  {
    id: 'write-from-committed',
    mistake:
      'P5: a write, or the renewal that repeats it, is built from the last committed value while one is unanswered',
    breaks: ['I2'],
    edits: [
      proposer('value: change(value), acks', 'value: change(this.#committed?.value ?? value), acks'),
      proposer(
        'const { version, valueVersion, value } = this.#expectLeading(now);',
        'const { version } = this.#expectLeading(now);\n    const { valueVersion, value } = this.#committed as Committed;',
      ),
    ],
  },
  {
    id: 'write-after-release',
    mistake: 'P6: a leader that has released its ballot goes on writing at it',
    breaks: ['I1', 'I2'],
    edits: [proposer('const { ballot } = this;\n    this.stepDown();', 'const { ballot } = this;')],
  },
  {
    id: 'no-incarnation',
    mistake:
      'P1, P2: the incarnation is missing from ballots and so from the matching of replies; a restart uses one again',
    breaks: ['I1', 'I2'],
    edits: [...roundsInMemory, leaders('{ peer: self, incarnation }', '{ peer: self, incarnation: 0 * incarnation }')],
  },
];
