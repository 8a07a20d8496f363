import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dayOf, endOfDay, minuteText } from '../../src/protocol/days.ts';
import { wallMs } from '../../src/protocol/ids.ts';
import { Limits } from '../../src/protocol/limits.ts';
import { addUsd, leftUsd, usdText } from '../../src/protocol/money.ts';

const dayMs = 86_400_000;
const midnight = wallMs(Date.UTC(2026, 10, 3));

describe('money', () => {
  it('adds up to what a person would say', () => {
    expect(Array.from({ length: 1_000 }).reduce<number>((sum) => addUsd(sum, 0.1), 0)).toBe(100);
    expect(addUsd(0.1, 0.2)).toBe(0.3);
  });

  it('leaves nothing of a budget that was overrun', () => {
    expect([leftUsd(5, 1.25), leftUsd(5, 5), leftUsd(5, 7.1)]).toEqual([3.75, 0, 0]);
  });

  it('stops where a sum would be no number to keep', () => {
    expect([addUsd(Limits.sumUsd, 1), addUsd(1e308, 1e308)]).toEqual([Limits.sumUsd, Limits.sumUsd]);
  });

  it('is written in cents', () => {
    expect([usdText(0), usdText(1.239), usdText(12)]).toEqual(['$0.00', '$1.24', '$12.00']);
  });
});

describe('a day', () => {
  it('ends at midnight UTC', () => {
    const day = dayOf(wallMs(midnight - 1), dayMs);
    expect(dayOf(midnight, dayMs)).toBe(day + 1);
    expect(endOfDay(day, dayMs)).toBe(midnight);
  });

  it('has times written as ISO 8601 has them, to the minute, never too early', () => {
    expect(minuteText(wallMs(Date.UTC(2026, 10, 2, 13, 59, 30)))).toBe('2026-11-02T14:00Z');
    fc.assert(
      fc.property(fc.integer({ min: 0, max: Date.UTC(2400, 0) / 60_000 }), (minute) => {
        const iso = new Date(minute * 60_000).toISOString();
        expect(minuteText(wallMs(minute * 60_000))).toBe(`${iso.slice(0, 16)}Z`);
      }),
    );
  });
});
