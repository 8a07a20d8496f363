import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import type { PeerId, TaskId } from '../../protocol/ids.ts';
import { Limits } from '../../protocol/limits.ts';
import type { MessageOf } from '../../protocol/messages.ts';
import { compareMaybeStamps, describeStamp, type Stamp } from '../../protocol/summary.ts';
import type { Catalogue, Entry } from './catalogue.ts';
import type { CoreConfig } from './io.ts';
import type { Membership } from './membership.ts';
import { isPast } from './past.ts';
import type { Step } from './step.ts';

interface Digest {
  readonly revision: number;
  readonly root: string;
  readonly buckets: readonly string[];
}

/** What one turn sends at most: a link that is sent all at once is cut for falling behind. */
const turn = { bytes: 4 * 1024 * 1024, tasks: 500 } as const;
const bucketCount = 256;
const bucketOf = (task: TaskId): number => Number.parseInt(task.slice(0, 2), 16);

/**
 * Anti-entropy: what gossip lost and a late joiner missed. Two peers compare one hash; where it differs, the hashes of
 * 256 buckets of tasks; where those differ, the (task, stamp) pairs in them. Each then sends what the other lacks.
 *
 *   A ─root→ B ─buckets→ A ─entries→ B ─records, and the entries where B is behind→ A ─records→ B
 *
 * Where that is too much for one turn, the buckets that are left are compared again once this much is through. Every
 * turn leaves fewer of them, so that it ends also between two peers that never agree.
 */
export class Sync {
  readonly #config: CoreConfig;
  readonly #catalogue: Catalogue;
  readonly #membership: Membership;
  #digest: Digest | null = null;

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
    const digest = this.#current();
    if (message.root !== digest.root) step.send(from, { type: 'sync-buckets', buckets: [...digest.buckets] });
  }

  onBuckets(from: PeerId, message: MessageOf<'sync-buckets'>, step: Step): void {
    const mine = this.#current().buckets;
    const buckets = mine.flatMap((hash, bucket) => (hash === message.buckets[bucket] ? [] : [bucket]));
    if (buckets.length > 0) this.#sendEntries(from, buckets, true, step);
  }

  onEntries(from: PeerId, message: MessageOf<'sync-entries'>, step: Step): void {
    const theirs = new Map(message.entries.map(({ task, stamp }) => [task, stamp]));
    const lacking = this.#lackedBy(theirs, message.buckets, step);
    const last = this.#sendTurn(from, lacking, theirs, step);
    const done = message.buckets.filter((bucket) => bucket <= last);
    const left = message.buckets.filter((bucket) => bucket > last);
    if (message.reply && this.#isBehind(message, last)) this.#sendEntries(from, done, false, step);
    if (left.length > 0) this.#sendEntries(from, left, true, step);
  }

  /** What is known here, in these buckets, and not there. What is past is not offered: nobody would take it. */
  #lackedBy(theirs: ReadonlyMap<TaskId, Stamp | null>, buckets: readonly number[], step: Step): readonly Entry[] {
    const wanted = new Set(buckets);
    return this.#catalogue.ids().flatMap((id) => {
      const entry = wanted.has(bucketOf(id)) ? this.#catalogue.get(id) : undefined;
      if (entry === undefined) return [];
      const stamp = theirs.get(id);
      const isLacked =
        stamp === undefined
          ? !isPast(entry.task, step, this.#config.timing)
          : compareMaybeStamps(entry.stamp, stamp) > 0;
      return isLacked ? [entry] : [];
    });
  }

  /** Sends whole buckets until the turn is full. Returns the last bucket that is through. */
  #sendTurn(to: PeerId, lacking: readonly Entry[], theirs: ReadonlyMap<TaskId, Stamp | null>, step: Step): number {
    let bytes = 0;
    let tasks = 0;
    let bucket = 0;
    for (const { task } of lacking) {
      const isNext = bucketOf(task.id) > bucket;
      if (isNext && (bytes >= turn.bytes || tasks >= turn.tasks)) return bucket;
      bucket = bucketOf(task.id);
      tasks += 1;
      if (!theirs.has(task.id)) {
        bytes += task.signed.bytes.length;
        step.send(to, { type: 'task', record: task.signed });
      }
      this.#sendSummary(to, task.id, step);
    }
    return bucketCount - 1;
  }

  #isBehind({ entries }: MessageOf<'sync-entries'>, last: number): boolean {
    return entries.some(({ task, stamp }) => {
      const entry = bucketOf(task) <= last ? this.#catalogue.get(task) : undefined;
      return bucketOf(task) <= last && (entry === undefined || compareMaybeStamps(entry.stamp, stamp) < 0);
    });
  }

  #begin(peer: PeerId, step: Step): void {
    step.send(peer, { type: 'sync-root', root: this.#current().root });
  }

  #sendSummary(to: PeerId, task: TaskId, step: Step): void {
    const summary = this.#catalogue.summaryOf(task);
    if (summary !== null) step.send(to, { type: 'summary', summary });
  }

  #sendEntries(to: PeerId, buckets: readonly number[], reply: boolean, step: Step): void {
    const wanted = new Set(buckets);
    const tasks = this.#catalogue.ids().filter((task) => wanted.has(bucketOf(task)));
    // Sorted by id, and so by bucket: only buckets that are listed in full are named, lest the rest be taken for
    // missing.
    const cut = tasks[Limits.syncEntries];
    const isListed = (bucket: number): boolean => cut === undefined || bucket < bucketOf(cut);
    const entries = tasks
      .filter((task) => isListed(bucketOf(task)))
      .map((task) => ({ task, stamp: this.#catalogue.get(task)?.stamp ?? null }));
    step.send(to, { type: 'sync-entries', buckets: buckets.filter(isListed), entries, reply });
  }

  #current(): Digest {
    const { revision } = this.#catalogue;
    if (this.#digest?.revision !== revision) this.#digest = this.#compute(revision);
    return this.#digest;
  }

  #compute(revision: number): Digest {
    const contents: string[] = Array.from({ length: bucketCount }, () => '');
    for (const task of this.#catalogue.ids()) {
      const stamp = this.#catalogue.get(task)?.stamp ?? null;
      contents[bucketOf(task)] += `${task}:${stamp === null ? '' : describeStamp(stamp)}\n`;
    }
    const buckets = contents.map((text) => (text === '' ? '' : hash(text).slice(0, 16)));
    return { revision, buckets, root: hash(buckets.join(',')) };
  }
}

const hash = (text: string): string => bytesToHex(sha256(utf8ToBytes(text)));
