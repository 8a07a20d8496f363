import type { AcceptorState } from '../../src/election/acceptor.ts';
import { type Outgoing, Proposer, type ProposerEvent } from '../../src/election/proposer.ts';
import type { Ballot, Version } from '../../src/protocol/ballot.ts';
import { monoMs, type Now, type PeerId, type TaskId, wallMs } from '../../src/protocol/ids.ts';
import type { Accepted, Message, MessageOf } from '../../src/protocol/messages.ts';
import { initialState, type TaskState } from '../../src/protocol/state.ts';
import { defaultTiming } from '../../src/protocol/timing.ts';

export const task = 'a'.repeat(64) as TaskId;
export const [ada, bob, cyd, dan, eve] = ['Ada', 'Bob', 'Cyd', 'Dan', 'Eve'].map((name) => `12D3KooW${name}`) as [
  PeerId,
  PeerId,
  PeerId,
  PeerId,
  PeerId,
];
export const three = [ada, bob, cyd] as const;
export const { leaseMs, electorLeaseMs } = defaultTiming;

const epoch = 1_750_000_000_000;
/** Both clocks, in milliseconds since the test began; the wall clock keeps pace unless said otherwise. */
export const at = (mono: number, wall = mono): Now => ({ monoMs: monoMs(mono), wallMs: wallMs(epoch + wall) });

export const ballotOf = (round: number, peer: PeerId = ada, incarnation = 1): Ballot => ({ round, peer, incarnation });
export const versionOf = (ballot: Ballot, seq = 0): Version => ({ ballot, seq });

/** A state that can be told from every other: fields that this version does not know are kept. */
export const valueOf = (mark: string): TaskState => ({ ...initialState, mark });
export const markOf = (state: TaskState | undefined): unknown => state?.mark ?? null;

export const acceptedOf = (version: Version, mark: string): Accepted => ({
  version,
  valueVersion: version,
  value: valueOf(mark),
});

export const prepareOf = (ballot: Ballot): MessageOf<'prepare'> => ({ type: 'prepare', task, ballot });
export const acceptOf = (version: Version, mark: string): MessageOf<'accept'> => ({
  type: 'accept',
  task,
  ...acceptedOf(version, mark),
});
export const promiseOf = (ballot: Ballot, accepted: Accepted | null = null): MessageOf<'promise'> => ({
  type: 'promise',
  task,
  ballot,
  accepted,
  lease: null,
});
export const ackOf = (version: Version): MessageOf<'accepted'> => ({ type: 'accepted', task, version });

export const acceptRejectOf = (
  version: Version,
  reason: MessageOf<'accept-reject'>['reason'],
  promised: Ballot | null = null,
): MessageOf<'accept-reject'> => ({ type: 'accept-reject', task, version, reason, promised });

/** An elector whose lease is that of what it accepted, live for as long as electors keep one. */
export const holding = (accepted: Accepted, sinceMs: number): AcceptorState => ({
  promised: accepted.version.ballot,
  accepted,
  lease: { ballot: accepted.version.ballot, until: monoMs(sinceMs + electorLeaseMs) },
});

export const candidate = (electors: readonly PeerId[] = three, incarnation = 1, self: PeerId = ada): Proposer =>
  new Proposer(task, { peer: self, incarnation }, electors, leaseMs);

/** The ballot that it has just begun. */
export function prepared(proposer: Proposer, now: Now): Ballot {
  proposer.prepare(now);
  if (proposer.ballot === null) throw new Error('it has no ballot');
  return proposer.ballot;
}

/** Prepares at `from` and is acknowledged at `from` too; its lease runs from there. */
export function leader(from: Now = at(0), electors: readonly PeerId[] = three): { proposer: Proposer; ballot: Ballot } {
  const proposer = candidate(electors);
  const ballot = prepared(proposer, from);
  for (const elector of electors) proposer.onPromise(elector, promiseOf(ballot), from);
  for (const elector of electors) proposer.onAccepted(elector, ackOf(versionOf(ballot)), from);
  if (!proposer.isLeader(from)) throw new Error('it does not lead');
  return { proposer, ballot };
}

/** The one message that went to all, and to whom. */
export function sentToAll(sent: readonly Outgoing[] | ProposerEvent): { to: readonly PeerId[]; message: Message } {
  const messages = 'type' in sent ? (sent.type === 'send' ? sent.messages : []) : sent;
  const [first] = messages;
  if (first === undefined || messages.some(({ message }) => message !== first.message)) {
    throw new Error(`not one message to all: ${JSON.stringify(messages)}`);
  }
  return { to: messages.map(({ to }) => to), message: first.message };
}
