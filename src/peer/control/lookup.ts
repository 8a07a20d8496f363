import { byText, shortTask, type TaskId } from '../../protocol/ids.ts';
import type { Tombstone } from '../../protocol/tombstone.ts';
import type { TaskView } from '../core/io.ts';
import type { PeerService } from '../service.ts';

/** A task that is known, or what is left of one that was pruned. */
export type FoundTask =
  | { readonly type: 'found'; readonly view: TaskView }
  | { readonly type: 'buried'; readonly tombstone: Tombstone };

export type Found =
  | FoundTask
  | { readonly type: 'none' }
  | { readonly type: 'several'; readonly candidates: readonly TaskId[] };

type Tasks = Pick<PeerService, 'tasks' | 'task' | 'tombstones' | 'tombstone'>;

const maxCandidates = 10;

/** The task of an id, or of any prefix of it that only one task has. */
export function findTask(service: Tasks, text: string): Found {
  const prefix = text.toLowerCase();
  if (!/^[0-9a-f]{1,64}$/.test(prefix)) return { type: 'none' };
  const ids = prefix.length === 64 ? [prefix as TaskId] : idsWith(service, prefix);
  const [first, second] = ids;
  if (first === undefined) return { type: 'none' };
  if (second !== undefined) return { type: 'several', candidates: ids.slice(0, maxCandidates) };
  return taskOf(service, first) ?? { type: 'none' };
}

export function taskOf(service: Tasks, id: TaskId): FoundTask | null {
  const view = service.task(id);
  if (view !== null) return { type: 'found', view };
  const tombstone = service.tombstone(id);
  return tombstone && { type: 'buried', tombstone };
}

/** Those that are pruned come last. */
function idsWith(service: Tasks, prefix: string): readonly TaskId[] {
  const known = service.tasks().map(({ task }) => task.id);
  const buried = service.tombstones().map(({ task }) => task);
  return [...known, ...buried.sort(byText)].filter((id) => id.startsWith(prefix));
}

/** `3f9a01c2, 3f9a77b0`: long enough to tell them apart. */
export const describeCandidates = (candidates: readonly TaskId[], prefix: string): string =>
  candidates.map((id) => id.slice(0, Math.max(shortTask(id).length, prefix.length + 4))).join(', ');
