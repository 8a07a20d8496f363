import { expect, it } from 'vitest';
import { Progress, type Screen } from '../../../scripts/simulate/progress.ts';

function progressOn(screen: Omit<Screen, 'write'>) {
  const written: string[] = [];
  const clock = { nowMs: 0 };
  const progress = new Progress({ ...screen, write: (text) => written.push(text) }, () => clock.nowMs);
  return { written, clock, progress };
}

it('redraws a bar on a terminal, no wider than that, and takes it away', () => {
  const { written, clock, progress } = progressOn({ isTTY: true, columns: 60 });
  progress.show(0.5, '3 tasks ended');
  progress.show(0.6, 'too soon to be drawn');
  clock.nowMs = 4_000;
  progress.show(0.8, 'a note that is much too long for a terminal of sixty columns');
  progress.clear();
  expect(written).toHaveLength(3);
  expect(written[0]).toBe(`\r${'█'.repeat(15)}${'░'.repeat(15)}  50 %  3 tasks ended\x1b[K`);
  expect(written[1]).toHaveLength('\r'.length + 59 + '\x1b[K'.length);
  expect(written[2]).toBe('\r\x1b[K');
});

it('says a line now and then elsewhere, and nothing of what is soon over', () => {
  const { written, clock, progress } = progressOn({});
  progress.show(0.1, 'early');
  clock.nowMs = 20_000;
  progress.show(0.5, '3 tasks ended');
  progress.show(0.6, 'too soon');
  progress.clear();
  expect(written).toEqual(['50 %  3 tasks ended, 20 s left\n']);
});
