import type { PeerId } from '../../protocol/ids.ts';

/** What a network tells its observers: for logs and `doctor`, never for decisions. */
export type NetworkEvent =
  | { readonly event: 'listening'; readonly addresses: readonly string[] }
  | { readonly event: 'dial-failed'; readonly target: string; readonly reason: string }
  /** `by` says whose side refused the other's hello. */
  | { readonly event: 'link-refused'; readonly peer: PeerId; readonly by: 'us' | 'them'; readonly reason: string }
  /** No direct way to the peer was found; one through a neighbour was. */
  | { readonly event: 'relayed'; readonly peer: PeerId; readonly through: PeerId }
  | { readonly event: 'link-lost'; readonly peer: PeerId; readonly reason: string }
  /** Dropped: no receiver would take it. */
  | { readonly event: 'message-too-large'; readonly to: PeerId | 'gossip'; readonly sizeBytes: number }
  /** Peers on this interface are found only by `--peer`. */
  | { readonly event: 'multicast-failed'; readonly reason: string };

export type NetworkLog = (event: NetworkEvent) => void;

export const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
