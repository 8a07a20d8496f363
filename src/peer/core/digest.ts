import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import type { TaskId } from '../../protocol/ids.ts';
import { describeStamp, type Stamp } from '../../protocol/summary.ts';

/** What two peers compare before anything else: one hash, and where it differs, those of 256 buckets of tasks. */
export interface Digest {
  readonly root: string;
  readonly buckets: readonly string[];
  /** What the hashes are of: most of it is the same the next time. */
  readonly contents: readonly string[];
}

export const bucketCount = 256;
export const bucketOf = (task: TaskId): number => Number.parseInt(task.slice(0, 2), 16);

/** `listed` is sorted by id. Only what has changed since `before` is hashed. */
export function digestOf(
  listed: readonly { readonly task: TaskId; readonly stamp: Stamp | null }[],
  before?: Digest,
): Digest {
  const contents: string[] = Array.from({ length: bucketCount }, () => '');
  for (const { task, stamp } of listed)
    contents[bucketOf(task)] += `${task}:${stamp === null ? '' : describeStamp(stamp)}\n`;
  const buckets = contents.map((text, bucket) => {
    const known = before?.contents[bucket] === text ? before.buckets[bucket] : undefined;
    return known ?? (text === '' ? '' : hash(text).slice(0, 16));
  });
  return { root: hash(buckets.join(',')), buckets, contents };
}

const hash = (text: string): string => bytesToHex(sha256(utf8ToBytes(text)));
