import type { PeerId, TaskId } from '../../protocol/ids.ts';
import { Limits } from '../../protocol/limits.ts';
import type { MessageOf } from '../../protocol/messages.ts';
import { isTerminal } from '../../protocol/state.ts';
import { compareMaybeStamps, type Stamp } from '../../protocol/summary.ts';
import type { Catalogue, Listed } from './catalogue.ts';
import { bucketCount, bucketOf, type Digest, digestOf } from './digest.ts';
import type { CoreConfig } from './io.ts';
import type { Membership } from './membership.ts';
import { isPast } from './past.ts';
import type { Step } from './step.ts';

/** What one turn sends at most: a link that is sent all at once is cut for falling behind. */
const turn = { bytes: 4 * 1024 * 1024, tasks: 500 } as const;
/** What is known here, and a digest of it, as of some revision of the catalogue. */
interface Inventory {
  readonly revision: number;
  readonly listed: readonly Listed[];
  readonly digest: Digest;
}

/**
 * Anti-entropy: what gossip lost and a late joiner missed. Two peers compare one hash; where it differs, the hashes of
 * 256 buckets of tasks; where those differ, the (task, stamp) pairs in them. Each then sends what the other lacks.
 *
 *   A ─root→ B ─buckets→ A ─entries→ B ─records, and the entries where B is behind→ A ─records→ B
 *
 * Tombstones are part of it, between peers that both keep them: a task that one side has pruned and the other not makes
 * no difference. With a peer of an earlier minor only what is not pruned is compared.
 *
 * Where that is too much for one turn, the buckets that are left are compared again once this much is through. Every
 * turn leaves fewer of them, so that it ends also between two peers that never agree.
 */
export class Sync {
  readonly #config: CoreConfig;
  readonly #catalogue: Catalogue;
  readonly #membership: Membership;
  /** By whether tombstones are in it. */
  readonly #inventories = new Map<boolean, Inventory>();

  constructor(config: CoreConfig, catalogue: Catalogue, membership: Membership) {
    this.#config = config;
    this.#catalogue = catalogue;
    this.#membership = membership;
  }

  /** On a new link the peer with the smaller id begins; a client always asks. */
  onUp(peer: PeerId, step: Step): void {
    if (this.#config.role === 'client' || this.#config.self < peer) this.#begin(peer, step);
  }

  onTimer(step: Step): void {
    const neighbours = this.#membership.neighbours();
    const peer = neighbours[Math.floor(this.#config.random() * neighbours.length)];
    if (peer !== undefined) this.#begin(peer, step);
    step.setTimer({ type: 'sync' }, this.#config.timing.syncEveryMs);
  }

  onRoot(from: PeerId, message: MessageOf<'sync-root'>, step: Step): void {
    const { digest } = this.#inventory(from);
    if (message.root !== digest.root) step.send(from, { type: 'sync-buckets', buckets: [...digest.buckets] });
  }

  onBuckets(from: PeerId, message: MessageOf<'sync-buckets'>, step: Step): void {
    const mine = this.#inventory(from).digest.buckets;
    const buckets = mine.flatMap((hash, bucket) => (hash === message.buckets[bucket] ? [] : [bucket]));
    if (buckets.length > 0) this.#sendEntries(from, buckets, true, step);
  }

  onEntries(from: PeerId, message: MessageOf<'sync-entries'>, step: Step): void {
    const theirs = new Map(message.entries.map(({ task, stamp }) => [task, stamp]));
    const wanted = new Set(message.buckets);
    const { listed } = this.#inventory(from);
    const mine = listed.filter(({ task }) => wanted.has(bucketOf(task)));
    const last = this.#sendTurn(
      from,
      mine.filter((one) => this.#isLacked(from, one, theirs, step)),
      theirs,
      step,
    );
    const done = message.buckets.filter((bucket) => bucket <= last);
    const left = message.buckets.filter((bucket) => bucket > last);
    if (message.reply && isBehind(mine, message, last)) this.#sendEntries(from, done, false, step);
    if (left.length > 0) this.#sendEntries(from, left, true, step);
  }

  /** Known here, and less of it there. Of what is past only the end is offered: nobody would take its record in. */
  #isLacked(by: PeerId, { task, stamp }: Listed, theirs: ReadonlyMap<TaskId, Stamp | null>, step: Step): boolean {
    const known = theirs.get(task);
    if (known !== undefined) return compareMaybeStamps(stamp, known) > 0;
    const entry = this.#catalogue.get(task);
    if (entry === undefined || !isPast(entry.task, step, this.#config.timing)) return true;
    return isTerminal(entry.state) && this.#membership.sharesTombstones(by);
  }

  /** Sends whole buckets until the turn is full. Returns the last bucket that is through. */
  #sendTurn(to: PeerId, lacking: readonly Listed[], theirs: ReadonlyMap<TaskId, Stamp | null>, step: Step): number {
    let bytes = 0;
    let tasks = 0;
    let bucket = 0;
    for (const { task } of lacking) {
      const isNext = bucketOf(task) > bucket;
      if (isNext && (bytes >= turn.bytes || tasks >= turn.tasks)) return bucket;
      bucket = bucketOf(task);
      tasks += 1;
      bytes += this.#sendTask(to, task, theirs.has(task), step);
    }
    return bucketCount - 1;
  }

  /** All that is known of it. Returns the bytes of its record, where that is sent. */
  #sendTask(to: PeerId, task: TaskId, isKnown: boolean, step: Step): number {
    const entry = this.#catalogue.get(task);
    const isRefused = entry === undefined || (!isKnown && isPast(entry.task, step, this.#config.timing));
    if (isRefused) {
      this.#catalogue.tellEnd(to, task, step);
      return 0;
    }
    const record = isKnown ? undefined : entry.task.signed;
    if (record !== undefined) step.send(to, { type: 'task', record });
    const summary = this.#catalogue.summaryOf(task);
    if (summary !== null) step.send(to, { type: 'summary', summary });
    return record?.bytes.length ?? 0;
  }

  #begin(peer: PeerId, step: Step): void {
    step.send(peer, { type: 'sync-root', root: this.#inventory(peer).digest.root });
  }

  #sendEntries(to: PeerId, buckets: readonly number[], reply: boolean, step: Step): void {
    const wanted = new Set(buckets);
    const all = this.#inventory(to).listed.filter(({ task }) => wanted.has(bucketOf(task)));
    // Sorted by id, and so by bucket: only buckets that are listed in full are named, lest the rest be taken for
    // missing.
    const cut = all[Limits.syncEntries]?.task;
    const isListed = (bucket: number): boolean => cut === undefined || bucket < bucketOf(cut);
    const entries = all.filter(({ task }) => isListed(bucketOf(task))).map(({ task, stamp }) => ({ task, stamp }));
    step.send(to, { type: 'sync-entries', buckets: buckets.filter(isListed), entries, reply });
  }

  #inventory(of: PeerId): Inventory {
    const withBuried = this.#membership.sharesTombstones(of);
    const { revision } = this.#catalogue;
    const known = this.#inventories.get(withBuried);
    if (known?.revision === revision) return known;
    const listed = this.#catalogue.listed(withBuried);
    const inventory: Inventory = { revision, listed, digest: digestOf(listed, known?.digest) };
    this.#inventories.set(withBuried, inventory);
    return inventory;
  }
}

/** The sender knows more than is known here of something in the buckets that are through. */
function isBehind(mine: readonly Listed[], { entries }: MessageOf<'sync-entries'>, last: number): boolean {
  const known = new Map(mine.map(({ task, stamp }) => [task, stamp]));
  return entries.some(({ task, stamp }) => {
    const here = known.get(task);
    return bucketOf(task) <= last && (here === undefined || compareMaybeStamps(here, stamp) < 0);
  });
}
