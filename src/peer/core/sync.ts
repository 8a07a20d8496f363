import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import type { PeerId, TaskId } from '../../protocol/ids.ts';
import { Limits } from '../../protocol/limits.ts';
import type { MessageOf } from '../../protocol/messages.ts';
import { compareMaybeStamps, describeStamp } from '../../protocol/summary.ts';
import type { Catalogue } from './catalogue.ts';
import type { CoreConfig } from './io.ts';
import type { Membership } from './membership.ts';
import type { Step } from './step.ts';

interface Digest {
  readonly revision: number;
  readonly root: string;
  readonly buckets: readonly string[];
}

const maxBytesAtOnce = 4 * 1024 * 1024;
const bucketCount = 256;
const bucketOf = (task: TaskId): number => Number.parseInt(task.slice(0, 2), 16);

/**
 * Anti-entropy: what gossip lost and a late joiner missed. Two peers compare one hash; where it differs, the hashes of
 * 256 buckets of tasks; where those differ, the (task, stamp) pairs in them. Each then sends what the other lacks.
 *
 *   A ─root→ B ─buckets→ A ─entries→ B ─records, and the entries where B is behind→ A ─records→ B
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
    const wanted = new Set(message.buckets);
    const isBehind = message.entries.some(({ task, stamp }) => {
      const entry = this.#catalogue.get(task);
      return entry === undefined || compareMaybeStamps(entry.stamp, stamp) < 0;
    });
    let sentBytes = 0;
    for (const task of this.#catalogue.ids()) {
      if (!wanted.has(bucketOf(task))) continue;
      // The rest in another turn, once this much is through: a link that is sent all at once is cut for falling behind.
      if (sentBytes >= maxBytesAtOnce) return this.#begin(from, step);
      const stamp = theirs.get(task);
      const entry = this.#catalogue.get(task);
      if (entry === undefined) continue;
      if (stamp === undefined) {
        sentBytes += entry.task.signed.bytes.length;
        step.send(from, { type: 'task', record: entry.task.signed });
      }
      if (stamp === undefined || compareMaybeStamps(entry.stamp, stamp) > 0) this.#sendSummary(from, task, step);
    }
    if (isBehind && message.reply) this.#sendEntries(from, message.buckets, false, step);
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
    // Sorted by id, and so by bucket: only buckets that are listed in full are named, lest the rest be taken for missing.
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
