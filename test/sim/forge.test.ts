import { describe, expect, it } from 'vitest';
import type { RunId } from '../../src/protocol/ids.ts';
import { VirtualForge } from './forge/forge.ts';
import type { Observation } from './observation.ts';

const place = 'acme/shop:peer/issue-1';
const first = `${'a'.repeat(64)}/1` as RunId;
const second = `${'a'.repeat(64)}/2` as RunId;

function forge() {
  const seen: Observation[] = [];
  const made = new VirtualForge(() => 0, { see: (observation) => seen.push(observation) });
  return { forge: made, seen };
}

describe('the virtual forge', () => {
  it('moves a branch only from where it was expected, and says whose commit it is at', () => {
    const { forge: git } = forge();
    const [one, other] = [git.commit(first), git.commit(second)];
    expect(git.tip(place)).toBeNull();
    expect(git.push({ place, commit: one, expectedTip: null, by: first })).toBe(true);
    expect(git.push({ place, commit: other, expectedTip: null, by: second })).toBe(false);
    expect(git.tip(place)).toEqual({ commit: one, task: 'a'.repeat(64), attempt: 1 });
    expect(git.push({ place, commit: other, expectedTip: one, by: second })).toBe(true);
    git.pushByHand(place);
    expect(git.tip(place)).toMatchObject({ task: null, attempt: null });
  });

  it('has one open pull request for a branch, and lists all that ever were', () => {
    const { forge: git } = forge();
    expect(git.openPull(place, first)).toBeNull();
    git.push({ place, commit: git.commit(first), expectedTip: null, by: first });
    const pull = git.openPull(place, first);
    expect(pull).toMatchObject({ number: 1, state: 'open' });
    expect(git.openPull(place, second)).toBeNull();
    if (pull !== null) git.close(pull);
    expect(git.openPull(place, second)).toMatchObject({ number: 2 });
    expect(git.pullsFrom(place).map(({ number, state }) => [number, state])).toEqual([
      [2, 'open'],
      [1, 'closed'],
    ]);
  });

  it('refuses a pull request of what has been merged as it is', () => {
    const { forge: git } = forge();
    git.push({ place, commit: git.commit(first), expectedTip: null, by: first });
    const pull = git.openPull(place, first);
    if (pull !== null) git.merge(pull, false);
    expect(git.openPull(place, second)).toBeNull();
    const tip = git.tip(place)?.commit ?? null;
    git.push({ place, commit: git.commit(second), expectedTip: tip, by: second });
    expect(git.openPull(place, second)).toMatchObject({ number: 2 });
  });

  it('closes the pull request of a branch that is removed, by compare-and-swap too', () => {
    const { forge: git, seen } = forge();
    const commit = git.commit(first);
    git.push({ place, commit, expectedTip: null, by: first });
    git.openPull(place, first);
    expect(git.remove(place, git.commit(second), second)).toBe(false);
    expect(git.remove(place, commit, first)).toBe(true);
    expect(git.tip(place)).toBeNull();
    expect(git.pull(1)).toMatchObject({ state: 'closed', head: commit });
    expect(seen.map(({ type }) => type)).toEqual(['pushed', 'pull-opened', 'pull-ended', 'branch-removed']);
  });
});
