import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { byText, type PeerId } from '../protocol/ids.ts';

/** 5 electors survive two losses, 3 survive one; four would survive no more than three. */
export const electorateSize = (livePeers: number): number => (livePeers >= 5 ? 5 : Math.min(livePeers, 3));

export const majorityOf = (electors: number): number => Math.floor(electors / 2) + 1;

/**
 * Rendezvous hashing (HRW): the peers by the hash of (nonce, peer), the highest first. Every peer computes the same
 * order, and one that comes or goes moves nobody else.
 */
export function rankByHash(peers: readonly PeerId[], nonce: string): readonly PeerId[] {
  return peers
    .map((peer) => ({ peer, hash: hashOf(nonce, peer) }))
    .sort((a, b) => byText(b.hash, a.hash) || byText(a.peer, b.peer))
    .map(({ peer }) => peer);
}

/** The electorate of a new task, in the order in which its members try for the lease. */
export const chooseElectorate = (answered: readonly PeerId[], nonce: string): readonly PeerId[] =>
  rankByHash(answered, nonce).slice(0, electorateSize(answered.length));

/** An electorate that has another size than the mesh affords, or an elector that is gone or about to go. */
export const isOffAim = (electorate: readonly PeerId[], staying: readonly PeerId[]): boolean =>
  electorate.length !== electorateSize(staying.length) || electorate.some((peer) => !staying.includes(peer));

/** The electorate to move to: whoever of the present one stays keeps the seat where there is one, the rest by hash. */
export function nextElectorate(
  electorate: readonly PeerId[],
  staying: readonly PeerId[],
  nonce: string,
): readonly PeerId[] {
  const ranked = rankByHash(staying, nonce);
  const kept = ranked.filter((peer) => electorate.includes(peer));
  const others = ranked.filter((peer) => !electorate.includes(peer));
  const chosen = new Set([...kept, ...others].slice(0, electorateSize(staying.length)));
  return ranked.filter((peer) => chosen.has(peer));
}

/** Where a peer stands in the order of `rankByHash`: from 0, the first, up to 1. */
export const placeByHash = (peer: PeerId, nonce: string): number =>
  1 - Number.parseInt(hashOf(nonce, peer).slice(0, 8), 16) / 2 ** 32;

const hashOf = (nonce: string, peer: PeerId): string => bytesToHex(sha256(utf8ToBytes(`${nonce}/${peer}`)));
