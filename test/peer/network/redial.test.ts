import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Redial } from '../../../src/peer/network/redial.ts';

describe('redial', () => {
  const dialled: { readonly target: string; readonly addresses: readonly string[]; readonly atMs: number }[] = [];
  let reachable = false;
  let redial: Redial;

  beforeEach(() => {
    vi.useFakeTimers();
    dialled.length = 0;
    reachable = false;
    redial = new Redial(async (target, addresses) => {
      dialled.push({ target, addresses, atMs: performance.now() });
      if (!reachable) throw new Error('refused');
    });
    redial.start();
  });

  afterEach(() => {
    redial.stop();
    expect(vi.getTimerCount()).toBe(0);
    vi.useRealTimers();
  });

  const gapsMs = (): readonly number[] => dialled.slice(1).map(({ atMs }, index) => atMs - (dialled[index]?.atMs ?? 0));

  it('tries at once, then less and less often, and never gives up', async () => {
    redial.learn('peer', ['address']);
    redial.want('peer');
    expect(dialled).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(3_600_000);
    const gaps = gapsMs();
    expect(gaps[0]).toBeLessThanOrEqual(250 * 1.25);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(3_000 * 1.25);
    expect(Math.min(...gaps.slice(6))).toBeGreaterThanOrEqual(3_000 * 0.75);
    expect(gaps.length).toBeGreaterThan(500);
  });

  it('ends with the first success, and begins anew when the peer is wanted again', async () => {
    redial.learn('peer', ['address']);
    redial.want('peer');
    await vi.advanceTimersByTimeAsync(60_000);
    reachable = true;
    await vi.advanceTimersByTimeAsync(10_000);
    const tries = dialled.length;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(dialled).toHaveLength(tries);
    reachable = false;
    redial.want('peer');
    await vi.advanceTimersByTimeAsync(400);
    expect(dialled.length).toBeGreaterThanOrEqual(tries + 2);
  });

  it('tries whoever is missing at once when the network has changed, and nobody else', async () => {
    for (const target of ['missing', 'met', 'just heard of']) redial.learn(target, ['address']);
    for (const target of ['missing', 'met']) redial.want(target);
    await vi.advanceTimersByTimeAsync(60_000);
    redial.satisfied('met');
    redial.want('just heard of', 500);
    dialled.length = 0;
    redial.wantMissing();
    expect(dialled.map(({ target }) => target)).toEqual(['missing']);
  });

  it('ends when the peer has connected from its side', async () => {
    redial.learn('peer', ['address']);
    redial.want('peer');
    await vi.advanceTimersByTimeAsync(0);
    redial.satisfied('peer');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(dialled).toHaveLength(1);
  });

  it('leaves a peer on hold alone, whatever is heard of it', async () => {
    redial.learn('peer', ['address']);
    redial.hold('peer', 30_000);
    for (let second = 0; second < 29; second++) {
      redial.want('peer');
      await vi.advanceTimersByTimeAsync(1_000);
    }
    expect(dialled).toEqual([]);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(dialled.length).toBeGreaterThan(0);
  });

  it('tries the address that worked last before newer ones, and keeps a bounded number', () => {
    redial.learn('peer', ['old']);
    redial.confirm('peer', 'works');
    for (let index = 0; index < 50; index++) redial.learn('peer', [`new ${index}`]);
    expect(redial.addresses('peer').slice(0, 2)).toEqual(['works', 'new 49']);
    expect(redial.addresses('peer').length).toBeLessThanOrEqual(13);
  });

  it('says whether there was news', () => {
    expect(redial.learn('peer', ['a'])).toBe(true);
    expect(redial.learn('peer', ['a'])).toBe(false);
    expect(redial.learn('peer', ['b', 'a'])).toBe(true);
  });

  it('does not grow with peers that somebody makes up', () => {
    for (let index = 0; index < 5_000; index++) redial.learn(`peer ${index}`, ['address']);
    expect(redial.learn('peer 4999', ['another'])).toBe(false);
    expect(redial.learn('peer 0', ['another'])).toBe(true);
  });
});
