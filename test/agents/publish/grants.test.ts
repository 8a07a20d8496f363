import { describe, expect, it } from 'vitest';
import { type Clocks, Grants } from '../../../src/agents/publish/grants.ts';

const never = new AbortController().signal;

/** A grant of 10 s, given at 0 on both clocks. */
async function granted(): Promise<{ validAt(clocks: Clocks): boolean }> {
  let now: Clocks = { monoMs: 0, wallMs: 0 };
  const grants = new Grants(() => now);
  const waiting = grants.next('push', never);
  grants.give('push', 10_000);
  const grant = await waiting;
  return {
    validAt: (clocks) => {
      now = clocks;
      return grant.isValid();
    },
  };
}

describe('a grant', () => {
  it('ends when its time is over', async () => {
    const grant = await granted();
    expect(grant.validAt({ monoMs: 9_999, wallMs: 9_999 })).toBe(true);
    expect(grant.validAt({ monoMs: 10_000, wallMs: 9_999 })).toBe(false);
  });

  it('ends while the machine sleeps and its monotonic clock stands still', async () => {
    const grant = await granted();
    expect(grant.validAt({ monoMs: 5, wallMs: 60_000 })).toBe(false);
  });

  it('ends when the wall clock is put back, since nobody knows then how long it has been', async () => {
    const grant = await granted();
    expect(grant.validAt({ monoMs: 5, wallMs: -60_000 })).toBe(false);
  });

  it('for another step than the one waited for is dropped', async () => {
    const grants = new Grants();
    const waiting = grants.next('open', never);
    grants.give('push', 10_000);
    grants.give('open', 5_000);
    expect((await waiting).isValid()).toBe(true);
  });
});
