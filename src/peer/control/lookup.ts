import { shortTask, type TaskId } from '../../protocol/ids.ts';
import type { TaskView } from '../core/io.ts';
import type { PeerService } from '../service.ts';

export type Found =
  | { readonly type: 'found'; readonly view: TaskView }
  | { readonly type: 'none' }
  | { readonly type: 'several'; readonly candidates: readonly TaskId[] };

const maxCandidates = 10;

/** The task of an id, or of any prefix of it that only one task has. */
export function findTask(service: Pick<PeerService, 'tasks' | 'task'>, text: string): Found {
  const prefix = text.toLowerCase();
  if (!/^[0-9a-f]{1,64}$/.test(prefix)) return { type: 'none' };
  const views = prefix.length === 64 ? [] : service.tasks().filter(({ task }) => task.id.startsWith(prefix));
  const exact = prefix.length === 64 ? service.task(prefix as TaskId) : null;
  const [first, second] = exact === null ? views : [exact];
  if (first === undefined) return { type: 'none' };
  if (second === undefined) return { type: 'found', view: first };
  return { type: 'several', candidates: views.slice(0, maxCandidates).map(({ task }) => task.id) };
}

/** `3f9a01c2, 3f9a77b0`: long enough to tell them apart. */
export const describeCandidates = (candidates: readonly TaskId[], prefix: string): string =>
  candidates.map((id) => id.slice(0, Math.max(shortTask(id).length, prefix.length + 4))).join(', ');
