import { Backoff } from './backoff.ts';

/** Tries one target once; rejects when no connection came of it. */
export type Dial = (target: string, addresses: readonly string[]) => Promise<void>;

const firstRetryMs = 250;
/** With a cable put back, what was behind it is met again within 5 s even if nothing else tells of it. */
const lastRetryMs = 3_000;
/** Anybody on the local network can announce peers that do not exist. */
const targetsKept = 500;
/** Addresses kept per target. */
const addressesKept = 12;

interface Entry {
  readonly target: string;
  readonly backoff: Backoff;
  /** Newest first. */
  addresses: readonly string[];
  /** The one that worked last. */
  confirmed: string | null;
  wanted: boolean;
  dialling: boolean;
  heldUntil: number;
  timer: NodeJS.Timeout | null;
}

/**
 * Remembers where each target (a peer, or a bare address) was heard of, and dials those that are wanted, with back-off,
 * for ever: a PC that was off for a week is met again within seconds of its return.
 */
export class Redial {
  private readonly dial: Dial;
  private readonly entries = new Map<string, Entry>();
  private running = false;

  constructor(dial: Dial) {
    this.dial = dial;
  }

  /** True when there was something new in it. */
  learn(target: string, addresses: readonly string[]): boolean {
    if (!this.entries.has(target) && this.entries.size >= targetsKept) return false;
    const entry = this.entry(target);
    const isNew = addresses.some((address) => !entry.addresses.includes(address));
    entry.addresses = [...new Set([...addresses, ...entry.addresses])].slice(0, addressesKept);
    return isNew;
  }

  /** A connection was made at this address: it is tried first from now on. */
  confirm(target: string, address: string): void {
    this.learn(target, [address]);
    this.entry(target).confirmed = address;
  }

  /** The most promising one first. */
  addresses(target: string): readonly string[] {
    const { addresses = [], confirmed = null } = this.entries.get(target) ?? {};
    return confirmed === null ? addresses : [confirmed, ...addresses.filter((one) => one !== confirmed)];
  }

  /** Not connected, and something speaks for its being there: dial after `afterMs`, whatever the back-off says. */
  want(target: string, afterMs = 0): void {
    const entry = this.entries.get(target);
    if (entry === undefined) return;
    entry.wanted = true;
    entry.backoff.reset();
    if (!entry.dialling) this.schedule(entry, afterMs);
  }

  /** Something shows that the network has changed: whoever is missing may be back. */
  wantMissing(): void {
    for (const { target, wanted, backoff } of this.entries.values())
      if (wanted && backoff.hasFailed()) this.want(target);
  }

  /** Connected: no need to dial. */
  satisfied(target: string): void {
    const entry = this.entries.get(target);
    if (entry === undefined) return;
    entry.wanted = false;
    entry.backoff.reset();
    clearTimer(entry);
  }

  /** Leaves the target alone for so long, whatever is heard of it. */
  hold(target: string, forMs: number): void {
    const entry = this.entry(target);
    entry.heldUntil = performance.now() + forMs;
    if (entry.timer !== null) this.schedule(entry, forMs);
  }

  forget(target: string): void {
    this.satisfied(target);
    this.entries.delete(target);
  }

  /** Nothing is dialled before. */
  start(): void {
    this.running = true;
    for (const entry of this.entries.values()) if (entry.wanted) this.schedule(entry, 0);
  }

  stop(): void {
    this.running = false;
    for (const entry of this.entries.values()) clearTimer(entry);
  }

  private entry(target: string): Entry {
    const known = this.entries.get(target);
    if (known !== undefined) return known;
    const entry: Entry = {
      target,
      backoff: new Backoff(firstRetryMs, lastRetryMs),
      addresses: [],
      confirmed: null,
      wanted: false,
      dialling: false,
      heldUntil: 0,
      timer: null,
    };
    this.entries.set(target, entry);
    return entry;
  }

  private schedule(entry: Entry, afterMs: number): void {
    clearTimer(entry);
    if (!this.running || entry.addresses.length === 0) return;
    const delayMs = Math.max(afterMs, entry.heldUntil - performance.now());
    if (delayMs <= 0) void this.try(entry);
    else entry.timer = setTimeout(() => void this.try(entry), delayMs);
  }

  private async try(entry: Entry): Promise<void> {
    entry.timer = null;
    entry.dialling = true;
    const connected = await this.dial(entry.target, this.addresses(entry.target)).then(
      () => true,
      () => false,
    );
    entry.dialling = false;
    if (connected) this.satisfied(entry.target);
    else if (entry.wanted && this.entries.get(entry.target) === entry) this.schedule(entry, entry.backoff.nextMs());
  }
}

function clearTimer(entry: Entry): void {
  if (entry.timer !== null) clearTimeout(entry.timer);
  entry.timer = null;
}
