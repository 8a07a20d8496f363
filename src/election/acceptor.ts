import {
  type Ballot,
  compareBallots,
  compareVersions,
  type Owner,
  ownerOf,
  sameBallot,
  sameOwner,
  sameVersion,
} from '../protocol/ballot.ts';
import { type MonoMs, monoMs } from '../protocol/ids.ts';
import type { Accepted, MessageOf } from '../protocol/messages.ts';

/**
 * An elector's state for one task. `promised` and `accepted` are durable before any reply leaves; the lease is counted
 * on this peer's monotonic clock and armed afresh after a restart (A4).
 */
export interface AcceptorState {
  readonly promised: Ballot | null;
  readonly accepted: Accepted | null;
  readonly lease: Lease | null;
}

interface Lease {
  readonly ballot: Ballot;
  readonly until: MonoMs;
}

export type AcceptorReply = MessageOf<'promise' | 'prepare-reject' | 'accepted' | 'accept-reject'>;

export interface AcceptorStep {
  readonly state: AcceptorState;
  readonly reply: AcceptorReply;
  /** The state changed in a part that must be durable before the reply is sent. */
  readonly durable: boolean;
}

export const newAcceptor: AcceptorState = { promised: null, accepted: null, lease: null };

/** A4: what was accepted counts as a live lease for a full D_A, since nobody knows how much of it had passed. */
export function restartAcceptor(
  stored: Pick<AcceptorState, 'promised' | 'accepted'>,
  now: MonoMs,
  electorLeaseMs: number,
): AcceptorState {
  const { promised, accepted } = stored;
  const lease = accepted && { ballot: accepted.version.ballot, until: monoMs(now + electorLeaseMs) };
  return { promised, accepted, lease };
}

/** Who holds the lease as far as this elector knows. */
export function liveLease(state: AcceptorState, now: MonoMs): Lease | null {
  return state.lease !== null && now < state.lease.until ? state.lease : null;
}

/** A1. A competitor of a live lease is promised nothing, so that it cannot disturb a healthy leader. */
export function onPrepare(state: AcceptorState, message: MessageOf<'prepare'>, now: MonoMs): AcceptorStep {
  const { task, generation, ballot } = message;
  const holder = liveHolder(state, now);
  if (holder !== null && !sameOwner(holder, ballot)) {
    return refuse(state, { type: 'prepare-reject', task, generation, ballot, holder, promised: state.promised });
  }
  if (state.promised !== null && compareBallots(ballot, state.promised) < 0) {
    return refuse(state, { type: 'prepare-reject', task, generation, ballot, holder: null, promised: state.promised });
  }
  return {
    state: { ...state, promised: ballot },
    reply: { type: 'promise', task, generation, ballot, accepted: state.accepted, lease: holder },
    durable: state.promised === null || !sameBallot(ballot, state.promised),
  };
}

/** A2. Only a new version arms the lease; the stored one resent is acked again and extends nothing. */
export function onAccept(
  state: AcceptorState,
  message: MessageOf<'accept'>,
  now: MonoMs,
  electorLeaseMs: number,
): AcceptorStep {
  const { task, generation, version, valueVersion } = message;
  const { ballot } = version;
  if (state.accepted !== null && sameVersion(version, state.accepted.version)) {
    return refuse(state, { type: 'accepted', task, generation, version });
  }
  const reject = (reason: MessageOf<'accept-reject'>['reason']): AcceptorStep =>
    refuse(state, { type: 'accept-reject', task, generation, version, reason, promised: state.promised });

  if (state.promised !== null && compareBallots(ballot, state.promised) < 0) return reject('promised');
  const holder = liveHolder(state, now);
  if (holder !== null && !sameOwner(holder, ballot)) return reject('held');
  if (state.accepted !== null && compareVersions(version, state.accepted.version) < 0) return reject('old');
  const value = message.value ?? valueAt(state, valueVersion);
  if (value === null) return reject('need-value');

  return {
    state: {
      promised: ballot,
      accepted: { version, valueVersion, value },
      lease: { ballot, until: monoMs(now + electorLeaseMs) },
    },
    reply: { type: 'accepted', task, generation, version },
    durable: true,
  };
}

/** A3. Clears the lease of the same owner at the released ballot or a lower one; the value stays. */
export function onRelease(state: AcceptorState, ballot: Ballot): AcceptorState {
  const { lease } = state;
  if (lease === null || !sameOwner(lease.ballot, ballot) || compareBallots(lease.ballot, ballot) > 0) return state;
  return { ...state, lease: null };
}

const liveHolder = (state: AcceptorState, now: MonoMs): Owner | null => {
  const lease = liveLease(state, now);
  return lease && ownerOf(lease.ballot);
};

const valueAt = ({ accepted }: AcceptorState, valueVersion: Accepted['valueVersion']): Accepted['value'] | null =>
  accepted !== null && sameVersion(accepted.valueVersion, valueVersion) ? accepted.value : null;

const refuse = (state: AcceptorState, reply: AcceptorReply): AcceptorStep => ({ state, reply, durable: false });
