import { type AcceptorState, newAcceptor } from '../../../src/election/acceptor.ts';
import type { Ballot, Owner, Version } from '../../../src/protocol/ballot.ts';
import { originId } from '../../../src/protocol/generation.ts';
import { type MonoMs, monoMs, type Now, type PeerId, type TaskId, wallMs } from '../../../src/protocol/ids.ts';
import type { MessageOf } from '../../../src/protocol/messages.ts';
import { assign, initialState, type TaskState } from '../../../src/protocol/state.ts';

export const task = 'a'.repeat(64) as TaskId;
export const [anna, bert, carl] = ['anna', 'bert', 'carL'] as unknown as readonly [PeerId, PeerId, PeerId];
export const electors = [anna, bert, carl];
export const generation = originId;
/** The register that the tests' proposers ask for. */
export const register = { task, generation, electors, initial: initialState };

/** D_P and D_A of the tests. */
export const leaseMs = 4_000;
export const electorLeaseMs = 4_400;

/** Both clocks at so many ms, unless they differ. */
export const at = (mono: number, wall = mono): Now => ({ monoMs: monoMs(mono), wallMs: wallMs(1_000_000 + wall) });
export const mono = (ms: number): MonoMs => monoMs(ms);

export const owner = (peer: PeerId, incarnation = 1): Owner => ({ peer, incarnation });
export const ballot = (round: number, peer: PeerId = anna, incarnation = 1): Ballot => ({ round, peer, incarnation });
export const version = (of: Ballot, seq: number): Version => ({ ballot: of, seq });

/** A state that can be told from the initial one and from others. */
export const stateOf = (worker: PeerId): TaskState => assign(initialState, worker, wallMs(1));

export const prepare = (of: Ballot): MessageOf<'prepare'> => ({ type: 'prepare', task, generation, ballot: of });
export const accept = (
  of: Version,
  value: TaskState | null = stateOf(anna),
  valueVersion = of,
): MessageOf<'accept'> => ({
  type: 'accept',
  task,
  generation,
  version: of,
  valueVersion,
  value,
});
export const promise = (
  of: Ballot,
  accepted: MessageOf<'promise'>['accepted'] = null,
  lease: Owner | null = null,
): MessageOf<'promise'> => ({ type: 'promise', task, generation, ballot: of, accepted, lease });
export const accepted = (of: Version): MessageOf<'accepted'> => ({ type: 'accepted', task, generation, version: of });

/** An acceptor that has accepted `value` at `of` at time 0. */
export const holding = (of: Version, value: TaskState = stateOf(anna)): AcceptorState => ({
  promised: of.ballot,
  accepted: { version: of, valueVersion: of, value },
  lease: { ballot: of.ballot, until: mono(electorLeaseMs) },
});

export { newAcceptor };
