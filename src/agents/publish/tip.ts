import { type CommitId, shortTask, type TaskId } from '../../protocol/ids.ts';
import type { BranchTip } from '../forge/forge.ts';

export type TipVerdict =
  /** Push, if the branch is still at `expectedTip` then. */
  | { readonly type: 'push'; readonly expectedTip: CommitId | null }
  /** The branch has the task's result already: ours, or that of another worker of the same task. */
  | { readonly type: 'there'; readonly commit: CommitId }
  | { readonly type: 'taken'; readonly reason: string };

/**
 * I3: only what an earlier attempt of the same task has pushed is ever replaced. The result of an equal or later
 * attempt is adopted, and whatever else is there belongs to somebody.
 */
export function judgeTip(
  tip: Omit<BranchTip, 'verified'> | null,
  own: { readonly task: TaskId; readonly attempt: number; readonly commit: CommitId },
  branch: string,
): TipVerdict {
  if (tip === null) return { type: 'push', expectedTip: null };
  if (tip.commit === own.commit) return { type: 'there', commit: own.commit };
  if (tip.task === own.task && tip.attempt !== null) {
    return tip.attempt < own.attempt
      ? { type: 'push', expectedTip: tip.commit }
      : { type: 'there', commit: tip.commit };
  }
  const whose = tip.task === null ? 'a commit that is not the mesh’s' : `the work of task ${shortTask(tip.task)}`;
  return {
    type: 'taken',
    reason: `branch-taken: \`${branch}\` holds ${whose}; delete that branch, or submit the task with --again`,
  };
}
