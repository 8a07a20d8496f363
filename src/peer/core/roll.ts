import type { Hello } from '../../protocol/hello.ts';
import { byText, type PeerId } from '../../protocol/ids.ts';

interface Present {
  readonly role: Hello['role'];
  readonly connected: boolean;
}

/** Who is there, in the lists that are asked for again and again; each is sorted. */
export interface Roll {
  /** Without this one. */
  readonly peers: readonly PeerId[];
  /** Those of them with a link. */
  readonly neighbours: readonly PeerId[];
  /** Who can be an elector from now on: linked and not about to stop; this peer included. */
  readonly staying: readonly PeerId[];
  /** Every peer that lives, as far as is known here; this one included, unless it is a client. */
  readonly live: readonly PeerId[];
  /** Clients too, where they are few and all of them are neighbours; null in any other mesh. */
  readonly direct: readonly PeerId[] | null;
}

/** In a mesh of fewer peers than this a summary goes to each directly. */
const maxDirectAudience = 16;

/** Calls the roll: of all that are known, in any order. */
export function callRoll(
  known: ReadonlyMap<PeerId, Present>,
  leaving: ReadonlySet<PeerId>,
  { peer: self, role }: { readonly peer: PeerId; readonly role: Hello['role'] },
): Roll {
  const all = [...known].sort(([a], [b]) => byText(a, b));
  const others = all.filter(([, present]) => present.role === 'peer');
  const peers = others.map(([peer]) => peer);
  const neighbours = others.flatMap(([peer, { connected }]) => (connected ? [peer] : []));
  const isSmall = all.length < maxDirectAudience && all.every(([, { connected }]) => connected);
  return {
    peers,
    neighbours,
    staying: [...neighbours, self].filter((peer) => !leaving.has(peer)).sort(byText),
    live: role === 'client' ? peers : [...peers, self].sort(byText),
    direct: isSmall ? all.map(([peer]) => peer) : null,
  };
}
