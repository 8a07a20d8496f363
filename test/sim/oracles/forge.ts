import { type CommitId, type RunId, taskOfRun } from '../../../src/protocol/ids.ts';
import { attemptOfRun, type Observation, type ObservationOf, type Observer } from '../observation.ts';
import type { Report } from './oracle.ts';

/** One life of a branch, from its making to its removal: git itself cannot tell a second life from a first. */
interface Branch {
  readonly by: Map<CommitId, RunId | null>;
  highestAttempt: number;
}

/**
 * I3: at most one pull request exists per key and round, merged and closed ones counted; no push is accepted from an attempt
 * after a later one's; nobody else's commit is ever overwritten.
 */
export class ForgeFence implements Observer {
  readonly #report: Report;
  readonly #branches = new Map<string, Branch>();
  readonly #pulls = new Map<string, number[]>();

  constructor(report: Report) {
    this.#report = report;
  }

  see(observation: Observation): void {
    switch (observation.type) {
      case 'pushed':
        if (observation.accepted) this.#onPush(observation);
        return;
      case 'branch-removed':
        this.#branches.delete(observation.place);
        return;
      case 'pull-opened':
        return this.#onPull(observation);
      default:
    }
  }

  #onPush({ at, place, by, commit, replaced }: ObservationOf<'pushed'>): void {
    const branch = this.#branches.get(place) ?? { by: new Map(), highestAttempt: 0 };
    this.#branches.set(place, branch);
    if (by !== null) {
      const wrong = (text: string): void => this.#report({ invariant: 'I3', at, task: taskOfRun(by), text });
      const attempt = attemptOfRun(by);
      const owner = replaced === null ? undefined : branch.by.get(replaced);
      if (replaced !== null && (owner === undefined || owner === null || taskOfRun(owner) !== taskOfRun(by)))
        wrong(`attempt ${attempt} overwrites ${replaced.slice(-6)} on ${place}, which is somebody else's`);
      if (attempt < branch.highestAttempt)
        wrong(`the push of attempt ${attempt} to ${place} is accepted after that of attempt ${branch.highestAttempt}`);
      branch.highestAttempt = Math.max(branch.highestAttempt, attempt);
    }
    branch.by.set(commit, by);
  }

  #onPull({ at, place, number, by }: ObservationOf<'pull-opened'>): void {
    const pulls = [...(this.#pulls.get(place) ?? []), number];
    this.#pulls.set(place, pulls);
    if (pulls.length < 2) return;
    const text = `attempt ${attemptOfRun(by)} opens #${number} for ${place}, which had #${pulls[0]}`;
    this.#report({ invariant: 'I3', at, task: taskOfRun(by), text });
  }
}
